"""The main job against today's practice, both measured in one run on the same cores.

Prints one table and writes benchmarks/results/main_job.json. Two comparisons on the 240 Chinchilla
runs digitised by Besiroglu et al.:

1. Effective draws per second of the posterior (Chinchilla law, Student-t noise) from a cold start:
  `bayescale.NUTS()` against
   NumPyro's NUTS with its default settings, 1,000 warm-up and 1,000 draws in four parallel chains,
   on the same NumPyro model. Each repeat is a fresh process without compilation cache; the clock
   starts after imports and includes compilation.
2. A Huber fit from 4,500 starts and 4,000 bootstrap refits: `bayescale.Bootstrap()`, compiled,
  against SciPy one fit at a time:
   L-BFGS-B with a numeric gradient for the starts, BFGS with gradients by autograd for the refits
   (the code of the field's notebooks). SciPy runs a sample of the starts and refits, and its time
   is scaled up; bayescale runs all.

    pip install '.[bench]' && BAYESCALE_DATA=... python benchmarks/main_job.py
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import alternatives
import numpy as np
from alternatives import DELTA, in_fresh_process, seconds_of

RESULTS = Path(__file__).parent / "results" / "main_job.json"
SAMPLED_STARTS, SAMPLED_REFITS = 40, 80
STARTS, REFITS = 4500, 4000


def posterior_here() -> dict[str, float]:
    """Seconds and least effective sample size of `bayescale.NUTS()` in this process."""
    import bayescale as bs

    # The name is looked up before the clock starts, since that imports what is behind it.
    runs, fit = bs.datasets.load("besiroglu2024_chinchilla"), bs.fit
    (seconds,), posterior = seconds_of(lambda: fit(runs), 1)
    return {
        "seconds": seconds,
        "ess": posterior.diagnostics["ess_bulk_min"],
        "ess_tail": posterior.diagnostics["ess_tail_min"],
    }


def posterior_stock() -> dict[str, float]:
    """The same of NumPyro's defaults, on the same model and data."""
    import bayescale as bs

    return alternatives.posterior_stock(bs.datasets.load("besiroglu2024_chinchilla"))


def point_here() -> dict[str, float]:
    """Seconds for all starts and refits, first call and compiled, and the minimum reached."""
    import bayescale as bs

    runs, fit = bs.datasets.load("besiroglu2024_chinchilla"), bs.fit
    huber, method = bs.noise.Huber(DELTA), bs.Bootstrap(replicates=REFITS)
    seconds, fitted = seconds_of(lambda: fit(runs, law=bs.laws.Chinchilla(), noise=huber, method=method), 4)
    assert fitted.objective is not None
    return {
        "first": seconds[0],
        "compiled": statistics.median(seconds[1:]),
        "objective": fitted.objective,
    }


def point_scipy() -> dict[str, float]:
    """Seconds for all starts and refits, scaled up from a sample, and the minimum reached by the
    sampled starts.
    """
    import bayescale as bs

    fit = alternatives.HuberFit(bs.datasets.load("besiroglu2024_chinchilla").frame)
    grid = alternatives.hoffmanns_starts()
    assert len(grid) == STARTS
    per_start, best = fit.from_starts(grid[:SAMPLED_STARTS])
    n_runs = len(fit.frame)
    draws = (
        np.random.default_rng(0)
        .multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=SAMPLED_REFITS)
        .astype(float)
    )
    per_refit, _ = fit.refits(best.x, draws)
    return {
        "per_start": per_start,
        "per_refit": per_refit,
        "seconds": STARTS * per_start + REFITS * per_refit,
        "objective": float(best.fun),
    }


def compare(repeats: int) -> dict[str, Any]:
    """Both comparisons, the alternatives in turn."""
    ours, stock = [], []
    for _ in range(repeats):
        ours.append(in_fresh_process(__file__, "--part", "posterior_here"))
        stock.append(in_fresh_process(__file__, "--part", "posterior_stock"))
    rates = [
        (o["ess"] / o["seconds"], s["ess"] / s["seconds"]) for o, s in zip(ours, stock, strict=True)
    ]
    here, scipy = (
        in_fresh_process(__file__, "--part", "point_here"),
        in_fresh_process(__file__, "--part", "point_scipy"),
    )
    return {
        "posterior": {
            "ours": ours,
            "stock": stock,
            "ratio_median": statistics.median(o / s for o, s in rates),
            "ratio_all": [o / s for o, s in rates],
        },
        "point": {
            "ours": here,
            "scipy": scipy,
            "sampled": {"starts": SAMPLED_STARTS, "refits": SAMPLED_REFITS},
            "ratio_compiled": scipy["seconds"] / here["compiled"],
            "ratio_first_call": scipy["seconds"] / here["first"],
        },
        **alternatives.about(),
    }


def table(result: dict[str, Any]) -> Any:
    """For the terminal."""
    from rich.table import Table

    shown = Table(
        "work",
        "bayescale",
        "alternative",
        "ratio",
        title="240 Chinchilla runs, one run on the same cores",
    )
    posterior, point = result["posterior"], result["point"]
    middle = {
        side: [statistics.median(one[k] for one in posterior[side]) for k in ("seconds", "ess")]
        for side in ("ours", "stock")
    }
    shown.add_row(
        "posterior, cold: effective draws / s",
        f"{middle['ours'][1]:.0f} in {middle['ours'][0]:.1f} s",
        f"{middle['stock'][1]:.0f} in {middle['stock'][0]:.1f} s (NumPyro defaults)",
        f"{posterior['ratio_median']:.1f}",
    )
    for name, label in (
        ("compiled", "4,500 starts + 4,000 refits, compiled"),
        ("first_call", "the same, compilation included"),
    ):
        seconds = point["ours"]["compiled" if name == "compiled" else "first"]
        shown.add_row(
            label,
            f"{seconds:.2f} s",
            f"{point['scipy']['seconds']:.0f} s (SciPy)",
            f"{point[f'ratio_{name}']:.0f}",
        )
    shown.add_row(
        "minimum of the Huber objective",
        f"{point['ours']['objective']:.12f}",
        f"{point['scipy']['objective']:.12f}",
        "",
    )
    return shown


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=3,
        help="fresh processes for each side of the posterior comparison",
    )
    parts = {f.__name__: f for f in (posterior_here, posterior_stock, point_here, point_scipy)}
    parser.add_argument(
        "--part",
        choices=sorted(parts),
        help="measure one part in this process and print it as JSON",
    )
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(parts[arguments.part]()))
        return
    result = compare(arguments.repeats)
    alternatives.write(RESULTS, result)
    alternatives.show(table(result))


if __name__ == "__main__":
    main()
