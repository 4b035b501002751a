"""What each kernel gets out of a device: units of work per second, from small calls to ones that
fill it, on the CPU and on the accelerator where there is one.

Prints one table, and writes benchmarks/results/throughput.json and docs/throughput.png. The data
are 240 simulated runs. Each kernel is a fresh process on each device, without compilation cache;
sizes grow eightfold as long as the next call should take no more than some two seconds, and memory
lasts. Compilation is the first call less a later one.

Operations and numbers moved are the least that the formulas ask for, whatever the program does; an
exponential, a logarithm, a division, a comparison or a choice is one operation. Of n runs a unit
does and moves

    grid_evidence       node             2n for the product; 1 − ρ² 2, q − ρp 2, RSS 3, the bound on
    a tile 3
                                         n/512: one of the tables, anew for each row of tiles
    objective_grid      cell             12n: sum, logarithm, residual, 7 for Huber's ρ, weight and
    sum
                                         1: the result
    predictive_surface  draw of a cell   16 for the law; of the law and of new runs each scatter,
    exponential, 4 for moments and
                                         log₂ draws for their order
                                         4 each: a loss is made, put in order and read
    refit               refit            82n for each of 12 reweighted steps, 95n for each of 3
    Newton steps
                                         2n: each of both searches reads its weights
    log_posterior       run of a draw    16 for the law, 9 for Student's t of the residual
                                         8/n: a draw has seven coordinates and one result

The share is of the operations per second of a bare matrix product on the same device, in the same
process and precision: for grid_evidence one of its own tiles, streamed alike, and for the others a
large square one. Refits are in double precision only: their tolerances are below what single
precision tells apart.

The main line is the evidence over 96 million pairs of exponents, tables included, in double
precision.

    python benchmarks/throughput.py
"""

import argparse
import json
import math
import os
import resource
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import alternatives
import numpy as np
import throughput_plot
from alternatives import DELTA, in_fresh_process, seconds_of

RESULTS = Path(__file__).parent / "results" / "throughput.json"
PICTURE = Path(__file__).parents[1] / "docs" / "throughput.png"

RUNS, DRAWS, KINDS = 240, 4000, 2
GROWTH, LONGEST_CALL = 8, 2.5
FEWEST_CALLS, SHORTEST_TIMING = 3, 0.2
LONGEST_PRODUCT = 0.1
TILE = (512, 256)
MAIN_EXPONENTS, QUICK_EXPONENTS, QUICK_SIZES = 9800, 980, 2

PLACES = ("cpu", "accelerator")

Call = Callable[[], Any]


@dataclass(frozen=True)
class Kernel:
    """What is measured, and what it counts as.

    Attributes
    ----------
    unit : str
    prepare : callable
        ``prepare(growth)`` gives the units of a call that is ``growth`` times the smallest, about,
        and the call.
    operations, numbers : float
        A unit does and moves.
    dtypes : tuple of str
    """

    unit: str
    prepare: Callable[[float], tuple[int, Call]]
    operations: float
    numbers: float
    dtypes: tuple[str, ...] = ("float64", "float32")


@dataclass(frozen=True)
class Point:
    """One size of one kernel on one device.

    Attributes
    ----------
    units : int
        In one call.
    compilation, seconds : float
        Of the first call beyond a later one, and of a later one.
    per_second, gflops, gigabytes : float
        Units, operations and bytes per second.
    share : float
        Of a bare product's operations per second.
    """

    kernel: str
    place: str
    dtype: str
    units: int
    compilation: float
    seconds: float
    per_second: float
    gflops: float
    gigabytes: float
    share: float


def simulated() -> Any:
    """The 240 runs."""
    import bayescale as bs

    return bs.datasets.simulate(
        0, budgets=np.geomspace(6e18, 3e21, 10), sizes_per_budget=24, degrees_of_freedom=3.0
    )


def tables(frame: Any, exponents: int) -> tuple[Any, Any, Any]:
    """What `grid_evidence` takes, for a square grid of exponents."""
    import jax.numpy as jnp

    from bayescale.kernels import centre_response, power_columns

    of = centre_response(jnp.asarray(frame["loss"].to_numpy()), jnp.ones(len(frame)))
    logs = [np.log(frame[name].to_numpy()) for name in ("n_params", "n_tokens")]
    axis, flat = jnp.linspace(0.05, 1.0, exponents), jnp.zeros(exponents)
    u, v = (power_columns(axis, jnp.asarray(log - log.mean()), flat, of) for log in logs)
    return u, v, of


def grid_evidence(growth: float) -> tuple[int, Call]:
    """From tables on."""
    from bayescale.kernels import grid_evidence

    exponents = round(128 * math.sqrt(growth))
    found = tables(simulated().frame, exponents)
    return exponents**2, lambda: grid_evidence(*found)


def objective_grid(growth: float) -> tuple[int, Call]:
    """As many values of each of the five constants."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.kernels.objective_grid import Axes, Sweep, objective_grid
    from bayescale.noise.base import Conditions

    frame, values = simulated().frame, round(4 * growth ** (1 / 5))
    logs = (
        jnp.asarray(np.log(frame[name].to_numpy())) for name in ("n_params", "n_tokens", "loss")
    )
    sweep = Sweep(*logs, jnp.ones(len(frame)))
    ends = ((1.5, 2.1), (100.0, 2000.0), (300.0, 10_000.0), (0.25, 0.45), (0.25, 0.5))
    axes = Axes(*(jnp.geomspace(*pair, values) for pair in ends))
    huber = bs.noise.Huber(DELTA)

    def rho(residual: Any, _: Any) -> Any:
        return huber.rho(residual, {}, Conditions())

    return values**5, lambda: objective_grid(rho, axes, sweep, None)


def predictive_surface(growth: float) -> tuple[int, Call]:
    """The law alone and new runs, for a posterior's usual number of draws."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.decisions.forecasts.forecast import QUANTILES
    from bayescale.kernels import predictive_surface

    rng, cells, law = np.random.default_rng(0), round(4 * growth), bs.laws.Chinchilla()
    truth = law.published[0].params
    params = {
        name: jnp.asarray(value * np.exp(0.01 * rng.standard_normal(DRAWS)))
        for name, value in truth.items()
    }
    inputs = {name: jnp.linspace(np.log(1e8), np.log(1e12), cells) for name in law.inputs}
    scatter = jnp.asarray(0.01 * np.arange(KINDS)[:, None] * rng.standard_normal(DRAWS))
    quantiles = tuple(QUANTILES.values())
    return DRAWS * cells, lambda: predictive_surface(
        law, params, inputs, scatter, quantiles=quantiles
    )


def refit(growth: float) -> tuple[int, Call]:
    """Bootstrap replicates of a Huber fit, from the truth."""
    import jax
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.inference.base import Problem
    from bayescale.inference.bootstrap import refit

    replicates, law = round(64 * growth), bs.laws.Chinchilla()
    problem = Problem.build(simulated(), law, bs.noise.Huber(DELTA))
    method = bs.Bootstrap(replicates=min(replicates, 4096))
    # NumPy would draw millions of resamples for longer than they take to refit.
    counts = np.resize(method.counts(problem).T, (replicates, RUNS)).T
    truth = law.rescale(
        law.published[0].params, {name: 1 / unit for name, unit in problem.units.items()}
    )
    start = jnp.log(jnp.array([truth[p.name] for p in law.parameters]))[:, None]
    starts, weights = (
        jnp.broadcast_to(start, (len(start), replicates)),
        jax.device_put(problem.resampled(counts)),
    )
    return replicates, lambda: refit(problem, starts, weights)


def log_posterior(growth: float) -> tuple[int, Call]:
    """Under Student-t noise, at proposals about the middle of the prior."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.inference._weighing import log_posterior
    from bayescale.inference.base import Problem

    draws, problem = (
        round(64 * growth),
        Problem.build(simulated(), bs.laws.Chinchilla(), bs.noise.StudentT()),
    )
    centre, width = (part[:, None] for part in problem.target.reach)
    at = jnp.asarray(
        centre + 0.1 * width * np.random.default_rng(0).standard_normal((len(centre), draws))
    )
    return RUNS * draws, lambda: log_posterior(problem.target, at, problem.data, problem.weights)


KERNELS = {
    "grid_evidence": Kernel("nodes", grid_evidence, 2 * RUNS + 10, RUNS / TILE[0]),
    "objective_grid": Kernel("cells", objective_grid, 12 * RUNS, 1),
    "predictive_surface": Kernel(
        "draw-cells", predictive_surface, 16 + KINDS * (6 + math.log2(DRAWS)), 4 * KINDS
    ),
    "refit": Kernel("refits", refit, RUNS * (12 * 82 + 3 * 95), 2 * RUNS, dtypes=("float64",)),
    "log_posterior": Kernel("draw-runs", log_posterior, 16 + 9, 8 / RUNS),
}


def tile_product(exponents: int) -> float:
    """Operations per second of the products that `grid_evidence` makes of a grid, and nothing else."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def bare(u: Any, v: Any) -> Any:
        def tile(total: Any, pair: Any) -> Any:
            # The barrier keeps the compiler from working out the one entry that is looked at alone.
            return total + jax.lax.optimization_barrier(pair[0] @ pair[1].T)[0, 0], None

        def row(total: Any, own: Any) -> Any:
            return jax.lax.scan(lambda total, other: tile(total, (own, other)), total, v)

        return jax.lax.scan(row, jnp.zeros(()), u)[0]

    u, v = (
        jnp.asarray(_random((tiles, each, RUNS)))
        for tiles, each in (_tiles(exponents, most) for most in TILE)
    )
    _, seconds = _timed(lambda: bare(u, v))
    return 2 * RUNS * math.prod(u.shape[:2]) * math.prod(v.shape[:2]) / seconds


def square_product() -> float:
    """The most operations per second of square matrix products, of growing size."""
    import jax.numpy as jnp

    side, seconds, best = 512, 0.0, 0.0
    while seconds < LONGEST_PRODUCT:
        matrix = jnp.asarray(_random((side, side)))
        _, seconds = _timed(partial(jnp.matmul, matrix, matrix))
        best = max(best, 2 * side**3 / seconds)
        side *= 2
    return best


def curve(name: str, place: str, sizes: int | None) -> list[dict[str, Any]]:
    """All points of one kernel on this process's first device, or the first few sizes."""
    import jax

    points: list[Point] = []
    for dtype in KERNELS[name].dtypes:
        with jax.enable_x64(dtype == "float64"), jax.default_device(jax.devices()[0]):
            points += _points(name, place, dtype, sizes)
    return [asdict(point) for point in points]


def main_line(exponents: int) -> dict[str, Any]:
    """The evidence over a large grid: time, the time of its products alone, and memory, in this
    fresh process.
    """
    import jax

    from bayescale.kernels import grid_evidence

    device, frame = jax.devices()[0], simulated().frame
    with jax.enable_x64(True), jax.default_device(device):
        before = _resident()
        compilation, seconds = _timed(lambda: grid_evidence(*tables(frame, exponents)))
        resident, on_device = _resident(), (device.memory_stats() or {}).get("peak_bytes_in_use")
        products = 2 * RUNS * exponents**2 / tile_product(exponents)
    return {
        "nodes": exponents**2,
        "compilation": compilation,
        "seconds": seconds,
        "per_second": exponents**2 / seconds,
        "products_alone": products,
        "share": products / seconds,
        "resident_before": before,
        "resident_peak": resident,
        "device_peak": on_device,
    }


def compare(arguments: list[str]) -> dict[str, Any]:
    """Every kernel on the CPU and, where there is one, on the accelerator."""

    def part(name: str, place: str) -> Any:
        return in_fresh_process(__file__, *arguments, "--part", name, place)

    devices = {place: part("device", place) for place in PLACES}
    if devices["accelerator"] == devices["cpu"]:
        del devices["accelerator"]
    return {
        "runs": RUNS,
        "devices": devices,
        "kernels": {
            name: {"unit": k.unit, "operations": k.operations, "numbers": k.numbers}
            for name, k in KERNELS.items()
        },
        "main_line": {place: part("main_line", place) for place in devices},
        "points": [point for name in KERNELS for place in devices for point in part(name, place)],
        **alternatives.about(),
    }


def main() -> None:
    """Measure, print, write, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the smallest sizes, to see that everything runs; not written",
    )
    parser.add_argument(
        "--part",
        nargs=2,
        metavar=("NAME", "PLACE"),
        help="measure one part in this process, printed as JSON",
    )
    arguments = parser.parse_args()
    if arguments.part:
        name, place = arguments.part
        if place == "cpu":
            os.environ["JAX_PLATFORMS"] = "cpu"
        parts: dict[str, Call] = {
            "device": alternatives.device,
            "main_line": partial(main_line, QUICK_EXPONENTS if arguments.quick else MAIN_EXPONENTS),
        }
        work = parts.get(name) or partial(
            curve, name, place, QUICK_SIZES if arguments.quick else None
        )
        print(json.dumps(work()))
        return
    result = compare(["--quick"] if arguments.quick else [])
    alternatives.show(throughput_plot.table(result))
    if not arguments.quick:
        alternatives.write(RESULTS, result)
        throughput_plot.draw(result, PICTURE)


def _points(name: str, place: str, dtype: str, sizes: int | None) -> Iterator[Point]:
    import jax

    kernel = KERNELS[name]
    product = None if name == "grid_evidence" else square_product()
    before = None
    for step in count() if sizes is None else range(sizes):
        try:
            units, call = kernel.prepare(GROWTH**step)
            compilation, seconds = _timed(call)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            return
        operations = kernel.operations * units / seconds
        yield Point(
            name,
            place,
            dtype,
            units,
            compilation,
            seconds,
            units / seconds,
            operations / 1e9,
            kernel.numbers * np.dtype(dtype).itemsize * units / seconds / 1e9,
            operations / (product or tile_product(math.isqrt(units))),
        )
        # A call has a fixed cost, and one that grows.
        if before is not None and seconds + GROWTH * (seconds - before) > LONGEST_CALL:
            return
        before = seconds


def _timed(call: Call) -> tuple[float, float]:
    """Seconds that the first call takes beyond later ones, and the median of later ones."""
    import jax

    def whole() -> Any:
        return jax.block_until_ready(call())

    (first,), _ = seconds_of(whole, 1)
    later: list[float] = []
    while len(later) < FEWEST_CALLS or sum(later) < SHORTEST_TIMING:
        later += seconds_of(whole, 1)[0]
    return first - statistics.median(later), statistics.median(later)


def _tiles(size: int, most: int) -> tuple[int, int]:
    tiles = -(-size // most)
    return tiles, -(-size // tiles)


def _random(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


def _resident() -> int:
    """The most memory that this process has had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    main()
