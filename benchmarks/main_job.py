"""The main work, a posterior and a bootstrap, against today's practice on the same cores.

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
from typing import TYPE_CHECKING

import alternatives
import numpy as np
from alternatives import DELTA, JsonObject, in_fresh_process, seconds_of

if TYPE_CHECKING:
    from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "main_job.json"
SAMPLED_STARTS = 40
SAMPLED_REFITS = 80
STARTS = 4500
REFITS = 4000


def posterior_here() -> dict[str, float]:
    """Return seconds and least effective sample size of `bayescale.NUTS()` in this process."""
    import bayescale as bs

    # The name is resolved before the clock starts, since that imports its module.
    fit = bs.fit
    runs = bs.datasets.load("besiroglu2024_chinchilla")
    (seconds,), posterior = seconds_of(lambda: fit(runs), 1)
    return {
        "seconds": seconds,
        "ess": posterior.diagnostics["ess_bulk_min"],
        "ess_tail": posterior.diagnostics["ess_tail_min"],
    }


def posterior_stock() -> dict[str, float]:
    """Return seconds and effective sample sizes of NumPyro's defaults on the same model."""
    import bayescale as bs

    return alternatives.posterior_stock(bs.datasets.load("besiroglu2024_chinchilla"))


def point_here() -> dict[str, float]:
    """Return seconds for all starts and refits, first call and compiled, and the minimum."""
    import bayescale as bs

    fit = bs.fit
    runs = bs.datasets.load("besiroglu2024_chinchilla")
    huber = bs.noise.Huber(DELTA)
    method = bs.Bootstrap(replicates=REFITS)
    law = bs.laws.Chinchilla()
    seconds, fitted = seconds_of(lambda: fit(runs, law=law, noise=huber, method=method), 4)
    assert fitted.objective is not None
    return {
        "first": seconds[0],
        "compiled": statistics.median(seconds[1:]),
        "objective": fitted.objective,
    }


def point_scipy() -> dict[str, float]:
    """Return seconds for all starts and refits, and the minimum of the sampled starts.

    The seconds are scaled up from a sample.
    """
    import bayescale as bs

    fit = alternatives.HuberFit(bs.datasets.load("besiroglu2024_chinchilla").frame)
    grid = alternatives.hoffmanns_starts()
    assert len(grid) == STARTS
    per_start, best = fit.from_starts(grid[:SAMPLED_STARTS])
    n_runs = len(fit.frame)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=SAMPLED_REFITS)
    per_refit, _ = fit.refits(best.x, draws.astype(float))
    return {
        "per_start": per_start,
        "per_refit": per_refit,
        "seconds": STARTS * per_start + REFITS * per_refit,
        "objective": float(best.fun),
    }


def compare(repeats: int) -> JsonObject:
    """Return both comparisons; the two sides alternate."""
    ours = []
    stock = []
    ratios = []
    for _ in range(repeats):
        here = in_fresh_process(__file__, "--part", "posterior_here")
        numpyro = in_fresh_process(__file__, "--part", "posterior_stock")
        ours.append(here)
        stock.append(numpyro)
        rate = here["ess"] / here["seconds"]
        ratios.append(rate / (numpyro["ess"] / numpyro["seconds"]))
    point = in_fresh_process(__file__, "--part", "point_here")
    scipy = in_fresh_process(__file__, "--part", "point_scipy")
    return {
        "posterior": {
            "ours": ours,
            "stock": stock,
            "ratio_median": statistics.median(ratios),
            "ratio_all": ratios,
        },
        "point": {
            "ours": point,
            "scipy": scipy,
            "sampled": {"starts": SAMPLED_STARTS, "refits": SAMPLED_REFITS},
            "ratio_compiled": scipy["seconds"] / point["compiled"],
            "ratio_first_call": scipy["seconds"] / point["first"],
        },
        **alternatives.about(),
    }


def table(result: JsonObject) -> "Table":
    """Return the table for the terminal."""
    from rich.table import Table

    shown = Table(
        "work",
        "bayescale",
        "alternative",
        "ratio",
        title="240 Chinchilla runs, one run on the same cores",
    )
    posterior = result["posterior"]
    point = result["point"]
    shown.add_row(
        "posterior, cold: effective draws / s",
        _median_draws(posterior["ours"]),
        f"{_median_draws(posterior['stock'])} (NumPyro defaults)",
        f"{posterior['ratio_median']:.1f}",
    )
    scipy = f"{point['scipy']['seconds']:.0f} s (SciPy)"
    shown.add_row(
        "4,500 starts + 4,000 refits, compiled",
        f"{point['ours']['compiled']:.2f} s",
        scipy,
        f"{point['ratio_compiled']:.0f}",
    )
    shown.add_row(
        "the same, compilation included",
        f"{point['ours']['first']:.2f} s",
        scipy,
        f"{point['ratio_first_call']:.0f}",
    )
    shown.add_row(
        "minimum of the Huber objective",
        f"{point['ours']['objective']:.12f}",
        f"{point['scipy']['objective']:.12f}",
        "",
    )
    return shown


def _median_draws(repeats: list[JsonObject]) -> str:
    ess = statistics.median(repeat["ess"] for repeat in repeats)
    seconds = statistics.median(repeat["seconds"] for repeat in repeats)
    return f"{ess:.0f} in {seconds:.1f} s"


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
