"""All groups of the catalogue by `bayescale.Importance` in one call, against `bayescale.NUTS`.

NUTS fits one group after another. The groups are every available data set, and every group of ten
or more runs within one, under Normal and Student-t noise. Prints the seconds of both, from a cold
start and compiled, and their disagreements; writes benchmarks/results/groups.json.

    BAYESCALE_DATA=... python benchmarks/groups.py
"""

import itertools
import warnings
from functools import partial

import numpy as np
import record
from alternatives import seconds_of

import bayescale as bs
from bayescale._internal.discovery import describe

RESULTS = record.RESULTS / "groups.json"
FEWEST = 10
LAW = bs.laws.Chinchilla()
NOISES = (bs.noise.Normal(), bs.noise.StudentT())


def groups() -> list[bs.Runs]:
    """Return the data sets that the Chinchilla law can be fitted to, and their groups."""
    result = []
    for name in bs.datasets.names():
        try:
            runs = bs.datasets.load(name)
        except bs.InputError as error:
            print(f"{name} is left out: {error}")
            continue
        parts = runs.frame.groupby("group") if "group" in runs.frame else []
        if len(runs) >= FEWEST:
            result.append(runs)
        for label, part in parts:
            if FEWEST <= len(part) < len(runs):
                result.append(bs.Runs(part, f"{name} {label}"))
    return result


def disagreement(importance: bs.Posterior, nuts: bs.Posterior) -> dict[str, float]:
    """Return the largest differences of means and of standard deviations of log parameters.

    Differences of means are in standard deviations, and differences of standard deviations are
    relative.
    """
    of_means = []
    of_sds = []
    for name in nuts.params:
        ours = np.log(importance.draws(name))
        theirs = np.log(nuts.draws(name))
        of_means.append(float(abs(ours.mean() - theirs.mean()) / theirs.std()))
        of_sds.append(float(abs(ours.std() / theirs.std() - 1)))
    return {"mean": max(of_means), "sd": max(of_sds)}


def main() -> None:
    """Measure, print, write."""
    arguments = record.parser(__doc__).parse_args()
    warnings.simplefilter("ignore")
    sweeps = groups()
    noises = NOISES
    if arguments.quick:
        sweeps = sweeps[:2]
        noises = NOISES[:1]
    (cold, warm), batch = seconds_of(
        lambda: bs.batch(sweeps, laws=[LAW], noises=noises, method=bs.Importance()), 2
    )
    nuts_cold = 0.0
    nuts_warm = 0.0
    rows = []
    combinations = itertools.product(sweeps, noises)
    for posterior, (runs, noise) in zip(batch.posteriors.values(), combinations, strict=True):
        (first, second), nuts = seconds_of(
            partial(bs.fit, runs, law=LAW, noise=noise, method=bs.NUTS()), 2
        )
        nuts_cold += first
        nuts_warm += second
        row = {
            "data_set": posterior.runs.name,
            "noise": posterior.noise.title,
            "n_runs": len(posterior.runs),
            "pareto_k": posterior.diagnostics["pareto_k"],
            "ess_importance": posterior.diagnostics.get("ess_importance"),
            "disagreement": disagreement(posterior, nuts),
            "nuts_problems": list(map(str, nuts.problems)),
        }
        rows.append(row)
    for row in rows:
        print(
            f"{row['data_set']:45} {row['noise'][:9]} k {row['pareto_k']:5.2f}",
            row["disagreement"],
            *row["nuts_problems"],
        )
    result = {
        "fits": len(rows),
        "seconds": {
            "importance": {"cold": cold, "compiled": warm},
            "nuts": {"cold": nuts_cold, "compiled": nuts_warm},
        },
        "ratio": {"cold": nuts_cold / cold, "compiled": nuts_warm / warm},
        "rows": rows,
    }
    print({key: result[key] for key in ("fits", "seconds", "ratio")})
    models = {describe(noise): record.Model(LAW, noise, bs.Importance()) for noise in noises}
    record.write(result, RESULTS, arguments, models)


if __name__ == "__main__":
    main()
