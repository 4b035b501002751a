"""The field's one-dimensional benchmark: 92 learning curves, fitted on what their authors show and
scored on what they hide.

All curves are fitted in one call of `bayescale.batch` for each law, with departures from the law
that wander along the curve: its points are checkpoints of one run, and share their errors. Score of
a curve: root mean square of log median forecast less log loss on its hidden points; means over
curves are printed for each law and for an equal mixture, with the shares of hidden points that 50 %
and 90 % intervals hold. Writes benchmarks/results/curves.json.

With ``--within`` only what the authors show is used, and the points beyond half of its examples are
hidden: for choices that must not see the benchmark's own hidden points. The noise model was settled
so. Writes benchmarks/results/curves_within.json.

I. Alabdulmohsin et al. 2022 (arXiv:2209.06640) for the curves and their split.

    BAYESCALE_DATA=... python benchmarks/curves.py [--within]
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from alternatives import about

import bayescale as bs
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.decisions.checks.scores import run_scores
from bayescale.laws.base import Law

RESULTS = Path(__file__).parent / "results"
INPUT = "n_examples"
LAWS = (bs.laws.PowerLaw(input=INPUT), bs.laws.BrokenPowerLaw(input=INPUT), bs.laws.M4(input=INPUT))
MIXED = ("power_law", "broken_power_law")
NOISE = bs.noise.Discrepancy(bs.noise.Normal(), (bs.processes.IntegratedWiener(scale=0.1),))
METHOD = bs.Importance(draws=1000)
FEWEST = 9
DRAWS_OF_SCATTER = 4


def curves() -> dict[str, dict[str, bs.Runs]]:
    """For each curve what is fitted and what is hidden; points that stand there several times once."""
    table = bs.datasets.frame("alabdulmohsin2022_curves").drop_duplicates(
        ["group", INPUT, "loss", "split"]
    )
    return {
        str(name): {
            str(side): bs.Runs.from_frame(
                part.drop(columns="group"), required=(INPUT, "loss"), name=str(name)
            )
            for side, part in rows.groupby("split")
        }
        for name, rows in table.groupby("group", sort=False)
    }


def within(known: dict[str, dict[str, bs.Runs]]) -> dict[str, dict[str, bs.Runs]]:
    """The same from what is fitted alone: points beyond half of its examples are hidden, where
    enough are left.
    """
    found = {}
    for name, sides in known.items():
        frame = sides["train"].frame
        early = frame[INPUT] <= frame[INPUT].max() / 2
        if early.sum() >= FEWEST:
            found[name] = {
                "train": bs.Runs(frame[early], name),
                "test": bs.Runs(frame[~early], name),
            }
    return found


@float64
def forecasts(
    posterior: bs.Posterior, at: np.ndarray, width: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws of log loss, shape (draws, points)."""
    # All curves have as many points here, so that the law is compiled once.
    filled = np.pad(at, (0, width - len(at)), mode="edge")
    shared = posterior.log_departure({INPUT: at}, seed=int(rng.integers(2**32)))
    together = (posterior.log_law({INPUT: filled})[..., : len(at)] + shared).reshape(-1, len(at))
    together = np.repeat(together, DRAWS_OF_SCATTER, axis=0)
    sigma = np.repeat(posterior.draws("sigma"), DRAWS_OF_SCATTER)[:, None]
    return np.asarray(together + sigma * rng.standard_normal(together.shape))


def score(draws: np.ndarray, log_loss: np.ndarray) -> dict[str, float]:
    points = run_scores(draws, log_loss)
    error = np.log(points["q50"]) - log_loss
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "bias": float(error.mean()),
        "coverage50": float(points["covered50"].mean()),
        "coverage90": float(points["covered90"].mean()),
        "width90": float(np.log(points["q95"] / points["q05"]).mean()),
        "crps": float(points["crps"].mean()),
    }


def fitted(
    law: Law, known: dict[str, dict[str, bs.Runs]]
) -> tuple[list[bs.Posterior], dict[str, Any]]:
    """Posteriors of all curves, and what the call took."""
    begun, busy = time.perf_counter(), time.process_time()
    batch = bs.batch(
        [sides["train"] for sides in known.values()], laws=[law], noises=[NOISE], method=METHOD
    )
    posteriors = [batch.posteriors[name, describe(law), describe(NOISE)] for name in known]
    return posteriors, {
        "seconds": time.perf_counter() - begun,
        "processor_seconds": time.process_time() - busy,
        "handed_to_nuts": sum(isinstance(posterior.method, bs.NUTS) for posterior in posteriors),
        "status": batch.frame["status"].value_counts().to_dict(),
    }


def scores(
    model: str, draws: dict[str, np.ndarray], known: dict[str, dict[str, bs.Runs]]
) -> list[dict[str, Any]]:
    """A row for each curve; means are printed."""
    rows = []
    for name, sides in known.items():
        about_curve = {
            "curve": name,
            "domain": sides["test"].frame["domain"].iloc[0],
            "n_train": len(sides["train"]),
        }
        rows.append(
            about_curve
            | {"model": model}
            | score(draws[name], np.log(sides["test"].column("loss")))
        )
    table = pd.DataFrame(rows).drop(columns="n_train")
    domain = np.where(table["domain"] == "IC", "vision", "language")
    print(
        f"{model}\n{table.groupby(domain).mean(numeric_only=True).round(4).to_string()}", flush=True
    )
    return rows


def main() -> None:
    warnings.simplefilter("ignore")
    inner = "--within" in sys.argv[1:]
    known, rng = within(curves()) if inner else curves(), np.random.default_rng(0)
    width = max(len(sides["test"]) for sides in known.values())
    rows: list[dict[str, Any]] = []
    draws: dict[str, dict[str, np.ndarray]] = {}
    calls: dict[str, dict[str, Any]] = {}
    for law in LAWS:
        model = describe(law).partition(":")[0]
        posteriors, calls[model] = fitted(law, known)
        draws[model] = {
            name: forecasts(posterior, sides["test"].column(INPUT), width, rng)
            for (name, sides), posterior in zip(known.items(), posteriors, strict=True)
        }
        rows += scores(model, draws[model], known)
        each, working = (
            calls[model][taken] / len(known) for taken in ("seconds", "processor_seconds")
        )
        print(
            f"{each:.2f} s a curve, compilation included; {working:.2f} s of a processor; "
            f"{calls[model]}",
            flush=True,
        )
        if model == MIXED[-1]:
            mixed = {name: np.concatenate([draws[one][name] for one in MIXED]) for name in known}
            rows += scores("mixture", mixed, known)
    results = {"about": about(), "noise": describe(NOISE), "calls": calls, "curves": rows}
    (RESULTS / f"curves{'_within' if inner else ''}.json").write_text(
        json.dumps(results, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
