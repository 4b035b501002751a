"""All groups of the catalogue by `bayescale.Importance` in one call, against `bayescale.NUTS`.

NUTS fits one group after another. The groups are every available data set, and every group of ten
or more runs within one, under Normal and Student-t noise. Prints the seconds of both, from a cold
start and compiled, and their disagreements; writes benchmarks/results/groups.json.

    BAYESCALE_DATA=... python benchmarks/groups.py
"""

import argparse
import itertools
import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from alternatives import about, seconds_of

import bayescale as bs

RESULTS = Path(__file__).parent / "results" / "groups.json"
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="three groups only, and nothing written"
    )
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    sweeps = groups()[: 3 if quick else None]
    (cold, warm), batch = seconds_of(
        lambda: bs.batch(sweeps, laws=[LAW], noises=NOISES, method=bs.Importance()), 2
    )
    nuts_cold = 0.0
    nuts_warm = 0.0
    rows = []
    combinations = itertools.product(sweeps, NOISES)
    for posterior, (runs, noise) in zip(batch.posteriors.values(), combinations, strict=True):
        (first, second), nuts = seconds_of(partial(bs.fit, runs, law=LAW, noise=noise), 2)
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
        **about(),
    }
    print({key: result[key] for key in ("fits", "seconds", "ratio")})
    if not quick:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
