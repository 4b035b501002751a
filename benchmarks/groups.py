"""All groups of the catalogue at once, by `bayescale.Importance` in one call, against
`bayescale.NUTS` one after the other.

Every data set that is to be had, and every group of ten or more runs within one, under Normal and
Student-t noise. Prints the seconds of both, from a cold start and compiled, and where they
disagree; writes benchmarks/results/groups.json.

    BAYESCALE_DATA=... python benchmarks/groups.py
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from alternatives import about

import bayescale as bs

RESULTS = Path(__file__).parent / "results" / "groups.json"
FEWEST = 10
NOISES = (bs.noise.Normal(), bs.noise.StudentT())


def groups() -> list[bs.Runs]:
    """Data sets that the Chinchilla law can be fitted to, whole, and their groups."""
    found = []
    for name in bs.datasets.names():
        try:
            runs = bs.datasets.load(name)
        except bs.InputError as error:
            print(f"{name} is left out: {error}")
            continue
        parts = runs.frame.groupby("group") if "group" in runs.frame else []
        several = [(label, part) for label, part in parts if FEWEST <= len(part) < len(runs)]
        found += [runs] * (len(runs) >= FEWEST) + [
            bs.Runs(part, f"{name} {label}") for label, part in several
        ]
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, and the seconds of a first and of a second call."""
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return result, *seconds


def disagreement(importance: bs.Posterior, nuts: bs.Posterior) -> dict[str, float]:
    """The largest difference of means, in standard deviations, and of standard deviations, as a
    share; of log parameters.
    """
    pairs = [(np.log(importance.draws(name)), np.log(nuts.draws(name))) for name in nuts.params]
    return {
        "mean": max(
            float(abs(ours.mean() - theirs.mean()) / theirs.std()) for ours, theirs in pairs
        ),
        "sd": max(float(abs(ours.std() / theirs.std() - 1)) for ours, theirs in pairs),
    }


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
    batch, cold, warm = timed(lambda: bs.batch(sweeps, noises=NOISES, method=bs.Importance()))
    ours = list(batch.posteriors.values())
    alone = [
        timed(lambda r=runs, n=noise: bs.fit(r, law=bs.laws.Chinchilla(), noise=n)) for runs in sweeps for noise in NOISES
    ]
    nuts_cold, nuts_warm = (sum(one[place] for one in alone) for place in (1, 2))
    rows = [
        {
            "data_set": posterior.runs.name,
            "noise": posterior.noise.title,
            "n_runs": len(posterior.runs),
            "pareto_k": posterior.diagnostics["pareto_k"],
            "ess_importance": posterior.diagnostics.get("ess_importance"),
            "disagreement": disagreement(posterior, nuts),
            "nuts_problems": list(map(str, nuts.problems)),
        }
        for posterior, (nuts, *_) in zip(ours, alone, strict=True)
    ]
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
