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

import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import alternatives
import numpy as np
import record
from alternatives import DELTA, in_fresh_process, seconds_of
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

RESULTS = record.RESULTS / "main_job.json"


@dataclass(frozen=True)
class Sizes:
    """Sizes of all measurements; the defaults are those of the table."""

    draws: int = 1000
    refits: int = 4000
    sampled_starts: int = 40
    sampled_refits: int = 80
    later_calls: int = 3


QUICK = Sizes(draws=100, refits=100, sampled_starts=1, sampled_refits=2, later_calls=1)
STARTS = 4500


def models() -> dict[str, record.Model]:
    """Return what is fitted by bayescale."""
    import bayescale as bs

    law = bs.laws.Chinchilla()
    bootstrap = bs.Bootstrap(replicates=Sizes().refits)
    return {
        "posterior": record.Model(law, bs.noise.StudentT(), bs.NUTS()),
        "refits": record.Model(law, bs.noise.Huber(DELTA), bootstrap),
    }


def posterior_here(sizes: Sizes) -> dict[str, float]:
    """Return seconds and least effective sample size of `bayescale.NUTS()` in this process."""
    import bayescale as bs

    # The name is resolved before the clock starts, since that imports its module.
    fit = bs.fit
    runs = bs.datasets.load("besiroglu2024_chinchilla")
    law, noise, method = bs.laws.Chinchilla(), bs.noise.StudentT(), bs.NUTS(draws=sizes.draws)
    (seconds,), posterior = seconds_of(lambda: fit(runs, law=law, noise=noise, method=method), 1)
    return {
        "seconds": seconds,
        "ess": posterior.diagnostics["ess_bulk_min"],
        "ess_tail": posterior.diagnostics["ess_tail_min"],
    }


def posterior_stock(sizes: Sizes) -> dict[str, float]:
    """Return seconds and effective sample sizes of NumPyro's defaults on the same model."""
    import bayescale as bs

    return alternatives.posterior_stock(bs.datasets.load("besiroglu2024_chinchilla"), sizes.draws)


def point_here(sizes: Sizes) -> dict[str, float]:
    """Return seconds for all starts and refits, first call and compiled, and the minimum."""
    import bayescale as bs

    fit = bs.fit
    runs = bs.datasets.load("besiroglu2024_chinchilla")
    huber = bs.noise.Huber(DELTA)
    method = bs.Bootstrap(replicates=sizes.refits)
    law = bs.laws.Chinchilla()
    seconds, fitted = seconds_of(
        lambda: fit(runs, law=law, noise=huber, method=method), 1 + sizes.later_calls
    )
    assert fitted.objective is not None
    return {
        "first": seconds[0],
        "compiled": statistics.median(seconds[1:]),
        "objective": fitted.objective,
    }


def point_scipy(sizes: Sizes) -> dict[str, float]:
    """Return seconds for all starts and refits, and the minimum of the sampled starts.

    The seconds are scaled up from a sample.
    """
    import bayescale as bs

    fit = alternatives.HuberFit(bs.datasets.load("besiroglu2024_chinchilla").frame)
    grid = alternatives.hoffmanns_starts()
    assert len(grid) == STARTS
    per_start, best = fit.from_starts(grid[: sizes.sampled_starts])
    n_runs = len(fit.frame)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=sizes.sampled_refits)
    per_refit, _ = fit.refits(best.x, draws.astype(float))
    return {
        "per_start": per_start,
        "per_refit": per_refit,
        "seconds": STARTS * per_start + sizes.refits * per_refit,
        "objective": float(best.fun),
    }


def compare(sizes: Sizes, repeats: int) -> JsonObject:
    """Return both comparisons; the two sides alternate."""

    def part(name: str) -> dict[str, float]:
        quick = ["--quick"] if sizes == QUICK else []
        measured: dict[str, float] = in_fresh_process(__file__, *quick, "--part", name)
        return measured

    ours = []
    stock = []
    ratios = []
    for _ in range(repeats):
        here = part("posterior_here")
        numpyro = part("posterior_stock")
        ours.append(here)
        stock.append(numpyro)
        rate = here["ess"] / here["seconds"]
        ratios.append(rate / (numpyro["ess"] / numpyro["seconds"]))
    point = part("point_here")
    scipy = part("point_scipy")
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
            "ratio_compiled": scipy["seconds"] / point["compiled"],
            "ratio_first_call": scipy["seconds"] / point["first"],
        },
        "sizes": asdict(sizes),
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
        f"{STARTS:,} starts + {result['sizes']['refits']:,} refits, compiled",
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
    parser = record.parser(__doc__)
    parser.add_argument(
        "--repeats",
        type=int,
        help="fresh processes for each side of the posterior comparison (default 3, or 1)",
    )
    parts = {f.__name__: f for f in (posterior_here, posterior_stock, point_here, point_scipy)}
    parser.add_argument(
        "--part",
        choices=sorted(parts),
        help="measure one part in this process and print it as JSON",
    )
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else Sizes()
    if arguments.part:
        print(json.dumps(parts[arguments.part](sizes)))
        return
    result = compare(sizes, arguments.repeats or (1 if arguments.quick else 3))
    record.write(result, RESULTS, arguments, models())
    alternatives.show(table(result))


if __name__ == "__main__":
    main()
