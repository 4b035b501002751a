"""The field's one-dimensional benchmark: 92 learning curves, fitted on what their authors show and scored on what they hide.

All curves and laws are fitted in one call of `bayescale.batch`. Score of a curve: root mean square of log median forecast less
log loss on its hidden points; means over curves are printed for each law and for an equal mixture, with the share of hidden
points that 90 % intervals hold. Writes benchmarks/results/curves.json.

I. Alabdulmohsin et al. 2022 (arXiv:2209.06640) for the curves and their split.

    BAYESCALE_DATA=... python benchmarks/curves.py
"""

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from alternatives import about
from scipy.stats import t

import bayescale as bs
from bayescale.discovery import describe
from bayescale.precision import float64

RESULTS = Path(__file__).parent / "results" / "curves.json"
INPUT = "n_examples"
LAWS = (bs.laws.PowerLaw(input=INPUT), bs.laws.BrokenPowerLaw(input=INPUT), bs.laws.M4(input=INPUT))
MIXED = ("power_law", "broken_power_law")
METHOD = bs.Importance(draws=1000)
DRAWS_OF_SCATTER = 4


def curves() -> dict[str, dict[str, bs.Runs]]:
    """For each curve what is fitted and what is hidden; points that stand there several times once."""
    table = bs.datasets.frame("alabdulmohsin2022_curves").drop_duplicates(["group", INPUT, "loss", "split"])
    return {
        str(name): {
            str(side): bs.Runs.from_frame(part.drop(columns="group"), required=(INPUT, "loss"), name=str(name))
            for side, part in rows.groupby("split")
        }
        for name, rows in table.groupby("group", sort=False)
    }


@float64
def forecasts(posterior: bs.Posterior, at: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of log loss, shape (draws, points)."""
    # All curves have as many points here, so that the law is compiled once.
    filled = np.pad(at, (0, width - len(at)), mode="edge")
    log_law = posterior.log_law({INPUT: filled})[..., : len(at)].reshape(-1, len(at))
    log_law = np.repeat(log_law, DRAWS_OF_SCATTER, axis=0)
    sigma, nu = (np.repeat(posterior.draws(name), DRAWS_OF_SCATTER)[:, None] for name in ("sigma", "nu"))
    return np.asarray(log_law + sigma * t.rvs(nu, size=log_law.shape, random_state=rng))


def score(draws: np.ndarray, log_loss: np.ndarray) -> dict[str, float]:
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    return {
        "rmse": float(np.sqrt(np.mean((median - log_loss) ** 2))),
        "bias": float(np.mean(median - log_loss)),
        "coverage90": float(np.mean((low <= log_loss) & (log_loss <= high))),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    known, rng = curves(), np.random.default_rng(0)
    begun = time.perf_counter()
    batch = bs.batch([sides["train"] for sides in known.values()], laws=LAWS, noises=[bs.noise.StudentT()], method=METHOD)
    seconds = time.perf_counter() - begun
    width = max(len(sides["test"]) for sides in known.values())
    rows: list[dict[str, Any]] = []
    for name, sides in known.items():
        test = sides["test"]
        draws = {
            describe(law).partition(":")[0]: forecasts(
                batch.posteriors[name, describe(law), "student_t"], test.column(INPUT), width, rng
            )
            for law in LAWS
        }
        draws["mixture"] = np.concatenate([draws[law] for law in MIXED])
        about_curve = {"curve": name, "domain": test.frame["domain"].iloc[0], "n_train": len(sides["train"])}
        rows += [about_curve | {"model": model} | score(own, np.log(test.column("loss"))) for model, own in draws.items()]
    table = pd.DataFrame(rows)
    print(table.groupby(["domain", "model"])[["rmse", "bias", "coverage90"]].mean().round(4).to_string())
    print(f"{seconds / len(known):.2f} s a curve for {len(LAWS)} laws, compilation included")
    results = {"about": about(), "seconds": seconds, "status": batch.frame["status"].value_counts().to_dict(), "curves": rows}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
