"""The field's one-dimensional benchmark: 92 learning curves with their authors' split.

Curves are fitted to training points and scored on test points. All curves are fitted in one call of
`bayescale.batch` for each law, with departures from the law that vary along the curve, because its
points are checkpoints of one run and share their errors. The score of a curve is the root mean
square of log median forecast minus log loss on its hidden points. Means over curves are printed for
each law and for an equal mixture, with the coverage of 50 % and 90 % intervals. Writes
benchmarks/results/curves.json.

With ``--within`` only training points are used, and the points beyond half of their examples are
hidden: for choices that must not use the benchmark's test points. The noise model was chosen in
this way. Writes benchmarks/results/curves_within.json.

I. Alabdulmohsin et al. 2022 (arXiv:2209.06640) for the curves and their split.

    BAYESCALE_DATA=... python benchmarks/curves.py [--within]
"""

import itertools
import time
import warnings
from typing import TypeAlias

import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.decisions.checks.scores import run_scores
from bayescale.laws.base import Law

INPUT = "n_examples"
LAWS = (bs.laws.PowerLaw(input=INPUT), bs.laws.BrokenPowerLaw(input=INPUT), bs.laws.M4(input=INPUT))
MIXED = ("power_law", "broken_power_law")
NOISE = bs.noise.Discrepancy(bs.noise.Normal(), (bs.processes.IntegratedWiener(scale=0.1),))
METHOD = bs.Importance(draws=1000)
FEWEST = 9
DRAWS_OF_SCATTER = 4
QUICK_CURVES = 3

# Training and test points of each curve.
Curves: TypeAlias = dict[str, dict[str, bs.Runs]]


def curves() -> Curves:
    """Return the training and test points of each curve, without duplicate points."""
    table = bs.datasets.frame("alabdulmohsin2022_curves")
    table = table.drop_duplicates(["group", INPUT, "loss", "split"])
    result: Curves = {}
    for (name, side), part in table.groupby(["group", "split"], sort=False):
        points = part.drop(columns="group")
        runs = bs.Runs.from_frame(points, required=(INPUT, "loss"), name=str(name))
        result.setdefault(str(name), {})[str(side)] = runs
    return result


def within(known: Curves) -> Curves:
    """Return a division of the training points: points beyond half of their examples are hidden.

    Curves with too few remaining points are omitted.
    """
    result: Curves = {}
    for name, sides in known.items():
        frame = sides["train"].frame
        early = frame[INPUT] <= frame[INPUT].max() / 2
        if early.sum() >= FEWEST:
            train = bs.Runs(frame[early], name)
            test = bs.Runs(frame[~early], name)
            result[name] = {"train": train, "test": test}
    return result


@float64
def forecasts(
    posterior: bs.Posterior, at: np.ndarray, width: int, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of log loss, shape (draws, points)."""
    # All curves are padded to the same number of points, so that the law is compiled once.
    padded = np.pad(at, (0, width - len(at)), mode="edge")
    departure = posterior.log_departure({INPUT: at}, seed=int(rng.integers(2**32)))
    law = posterior.log_law({INPUT: padded})[..., : len(at)]
    log_loss = (law + departure).reshape(-1, len(at))
    log_loss = np.repeat(log_loss, DRAWS_OF_SCATTER, axis=0)
    sigma = np.repeat(posterior.draws("sigma"), DRAWS_OF_SCATTER)[:, None]
    return np.asarray(log_loss + sigma * rng.standard_normal(log_loss.shape))


def score(draws: np.ndarray, log_loss: np.ndarray) -> dict[str, float]:
    """Return the scores of a curve's forecast."""
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


def fit_all(law: Law, known: Curves) -> tuple[list[bs.Posterior], JsonObject]:
    """Return the posteriors of all curves, and the cost of the call."""
    begun = time.perf_counter()
    processor_begun = time.process_time()
    training = [sides["train"] for sides in known.values()]
    batch = bs.batch(training, laws=[law], noises=[NOISE], method=METHOD)
    posteriors = [batch.posteriors[name, describe(law), describe(NOISE)] for name in known]
    return posteriors, {
        "seconds": time.perf_counter() - begun,
        "processor_seconds": time.process_time() - processor_begun,
        "handed_to_nuts": sum(isinstance(posterior.method, bs.NUTS) for posterior in posteriors),
        "status": batch.frame["status"].value_counts().to_dict(),
    }


def scores(model: str, draws: dict[str, np.ndarray], known: Curves) -> list[JsonObject]:
    """Return the scores of each curve, and print their means."""
    rows = []
    for name, sides in known.items():
        row = {
            "curve": name,
            "domain": sides["test"].frame["domain"].iloc[0],
            "n_train": len(sides["train"]),
            "model": model,
        }
        rows.append(row | score(draws[name], np.log(sides["test"].column("loss"))))
    table = pd.DataFrame(rows).drop(columns="n_train")
    domain = np.where(table["domain"] == "IC", "vision", "language")
    means = table.groupby(domain).mean(numeric_only=True)
    print(f"{model}\n{means.round(4).to_string()}", flush=True)
    return rows


def main() -> None:
    """Fit, score, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument("--within", action="store_true", help="use only training points")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    known = within(curves()) if arguments.within else curves()
    laws = LAWS
    if arguments.quick:
        known = dict(itertools.islice(known.items(), QUICK_CURVES))
        laws = LAWS[:1]
    rng = np.random.default_rng(0)
    width = max(len(sides["test"]) for sides in known.values())
    rows: list[JsonObject] = []
    draws: dict[str, dict[str, np.ndarray]] = {}
    calls: dict[str, JsonObject] = {}
    for law in laws:
        model = describe(law).partition(":")[0]
        posteriors, calls[model] = fit_all(law, known)
        draws[model] = {}
        for (name, sides), posterior in zip(known.items(), posteriors, strict=True):
            draws[model][name] = forecasts(posterior, sides["test"].column(INPUT), width, rng)
        rows += scores(model, draws[model], known)
        seconds = calls[model]["seconds"] / len(known)
        processor_seconds = calls[model]["processor_seconds"] / len(known)
        print(
            f"{seconds:.2f} s a curve, compilation included; {processor_seconds:.2f} s of a "
            f"processor; {calls[model]}",
            flush=True,
        )
        if model == MIXED[-1]:
            mixed = {}
            for name in known:
                mixed[name] = np.concatenate([draws[member][name] for member in MIXED])
            rows += scores("mixture", mixed, known)
    results = {"noise": describe(NOISE), "calls": calls, "curves": rows}
    path = record.RESULTS / ("curves_within.json" if arguments.within else "curves.json")
    models = {describe(law): record.Model(law, NOISE, METHOD) for law in laws}
    record.write(results, path, arguments, models)


if __name__ == "__main__":
    main()
