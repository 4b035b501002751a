"""The throughput of each kernel: units of work per second, by the size of a call.

Devices are the CPU and the accelerator, if there is one. Prints one table, and writes
benchmarks/results/throughput.json and docs/throughput.png. The data are 240 simulated runs. Each
kernel runs in a fresh process on each device, without compilation cache; sizes grow eightfold while
the next call should take at most about two seconds and memory is sufficient. Compilation time is
the first call minus a later one.

Operations and numbers moved are the least that the formulas need, whatever the program does; an
exponential, a logarithm, a division, a comparison or a selection is one operation. For n runs, a
unit needs these operations and moves these numbers:

    grid_evidence       node             2n for the product; 1 − ρ² 2, q − ρp 2, RSS 3, the bound of
                                         a tile 3
                                         n/512: one of the tables, again for each row of tiles
    objective_grid      cell             12n: sum, logarithm, residual, 7 for Huber's ρ, weight,
                                         sum
                                         1: the result
    predictive_surface  draw of a cell   16 for the law; for the law and for new runs: scatter,
                                         exponential, 4 for moments and log₂ draws for the sort
                                         4 each: a loss is written, sorted and read
    refit               refit            82n for each of 12 reweighted steps, 95n for each of 3
                                         Newton steps
                                         2n: both searches read their weights
    log_posterior       run of a draw    16 for the law, 9 for Student's t of the residual
                                         8/n: a draw has seven coordinates and one result

The share is relative to the operations per second of a matrix product on the same device, in the
same process and precision: for grid_evidence the product of its tiles, streamed in the same way,
and for the others a large square product. Refits are in double precision only: their tolerances are
below the resolution of single precision.

The main line is the evidence over 96 million pairs of exponents, tables included, in double
precision.

    python benchmarks/throughput.py
"""

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
from typing import TYPE_CHECKING, Any, TypeAlias

import alternatives
import numpy as np
import record
import throughput_plot
from alternatives import DELTA, in_fresh_process, seconds_of
from record import JsonObject

if TYPE_CHECKING:
    import pandas as pd
    from jax import Array

    import bayescale as bs
    from bayescale.kernels.additive_grid import CentredResponse, PowerColumns

RESULTS = record.RESULTS / "throughput.json"
PICTURE = Path(__file__).parents[1] / "docs" / "throughput.png"

RUNS = 240
DRAWS = 4000
KINDS = 2
GROWTH = 8
# Seconds.
LONGEST_CALL = 2.5
SHORTEST_TIMING = 0.2
LONGEST_PRODUCT = 0.1
FEWEST_CALLS = 3
# Rows and columns of a tile of the evidence on a CPU (`bayescale.kernels.sizes`).
TILE = (512, 256)
MAIN_EXPONENTS = 9800
QUICK_EXPONENTS = 980
QUICK_SIZES = 2

PLACES = ("cpu", "accelerator")

# Its result is any pytree of arrays.
Call: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Kernel:
    """A kernel to measure, and the size of its unit of work.

    Attributes
    ----------
    unit : str
    prepare : callable
        ``prepare(growth)`` returns the units of a call that is about ``growth`` times the smallest,
        and the call.
    operations, numbers : float
        Operations of a unit, and numbers that it moves.
    dtypes : tuple of str
    """

    unit: str
    prepare: Callable[[float], tuple[int, Call]]
    operations: float
    numbers: float
    dtypes: tuple[str, ...] = ("float64", "float32")


@dataclass(frozen=True)
class Point:
    """A measurement of one size of one kernel on one device.

    Attributes
    ----------
    units : int
        Units of one call.
    compilation, seconds : float
        Seconds of the first call minus a later one, and of a later one.
    per_second, gflops, gigabytes : float
        Units, operations and bytes per second.
    share : float
        Operations per second divided by those of a matrix product.
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


def simulated() -> "bs.Runs":
    """Return the 240 runs."""
    import bayescale as bs

    return bs.datasets.simulate(
        0, budgets=np.geomspace(6e18, 3e21, 10), sizes_per_budget=24, degrees_of_freedom=3.0
    )


def tables(
    frame: "pd.DataFrame", exponents: int
) -> "tuple[PowerColumns, PowerColumns, CentredResponse]":
    """Return the arguments of `grid_evidence` for a square grid of exponents."""
    import jax.numpy as jnp

    from bayescale.kernels import centre_response, power_columns

    response = centre_response(jnp.asarray(frame["loss"].to_numpy()), jnp.ones(len(frame)))
    axis = jnp.linspace(0.05, 1.0, exponents)
    flat = jnp.zeros(exponents)
    log_n = np.log(frame["n_params"].to_numpy())
    log_d = np.log(frame["n_tokens"].to_numpy())
    u = power_columns(axis, jnp.asarray(log_n - log_n.mean()), flat, response)
    v = power_columns(axis, jnp.asarray(log_d - log_d.mean()), flat, response)
    return u, v, response


def grid_evidence(growth: float) -> tuple[int, Call]:
    """Prepare the evidence of a grid, without its tables."""
    from bayescale.kernels import grid_evidence

    exponents = round(128 * math.sqrt(growth))
    u, v, response = tables(simulated().frame, exponents)
    return exponents**2, lambda: grid_evidence(u, v, response)


def objective_grid(growth: float) -> tuple[int, Call]:
    """Prepare the objective on a grid with equally many values of each of the five parameters."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.kernels.objective_grid import Axes, Sweep, objective_grid
    from bayescale.noise.base import Conditions

    frame = simulated().frame
    values = round(4 * growth ** (1 / 5))
    sweep = Sweep(
        log_n_params=jnp.log(frame["n_params"].to_numpy()),
        log_n_tokens=jnp.log(frame["n_tokens"].to_numpy()),
        log_loss=jnp.log(frame["loss"].to_numpy()),
        weights=jnp.ones(len(frame)),
    )
    axes = Axes(
        E=jnp.geomspace(1.5, 2.1, values),
        A=jnp.geomspace(100.0, 2000.0, values),
        B=jnp.geomspace(300.0, 10_000.0, values),
        alpha=jnp.geomspace(0.25, 0.45, values),
        beta=jnp.geomspace(0.25, 0.5, values),
    )
    huber = bs.noise.Huber(DELTA)

    def rho(residual: "Array", _: None) -> "Array":
        return huber.rho(residual, {}, Conditions())

    return values**5, lambda: objective_grid(rho, axes, sweep, None)


def predictive_surface(growth: float) -> tuple[int, Call]:
    """Prepare summaries of the law alone and of new runs, for the usual number of draws."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.kernels import predictive_surface
    from bayescale.units import QUANTILES_AND_QUARTILES

    rng = np.random.default_rng(0)
    cells = round(4 * growth)
    law = bs.laws.Chinchilla()
    params = {}
    for name, value in law.published[0].params.items():
        params[name] = jnp.asarray(value * np.exp(0.01 * rng.standard_normal(DRAWS)))
    axis = jnp.linspace(np.log(1e8), np.log(1e12), cells)
    inputs = dict.fromkeys(law.inputs, axis)
    scatter = jnp.asarray(0.01 * np.arange(KINDS)[:, None] * rng.standard_normal(DRAWS))
    quantiles = tuple(QUANTILES_AND_QUARTILES.values())

    def call() -> object:
        return predictive_surface(law, params, inputs, scatter, quantiles=quantiles)

    return DRAWS * cells, call


def refit(growth: float) -> tuple[int, Call]:
    """Prepare bootstrap replicates of a Huber fit, from the true parameters."""
    import jax
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.inference.base import Problem
    from bayescale.inference.bootstrap import refit

    replicates = round(64 * growth)
    law = bs.laws.Chinchilla()
    problem = Problem.build(simulated(), law, bs.noise.Huber(DELTA))
    method = bs.Bootstrap(replicates=min(replicates, 4096))
    # Millions of resamples take NumPy longer to draw than the kernel to refit.
    counts = np.resize(method.counts(problem).T, (replicates, RUNS)).T
    factors = {name: 1 / unit for name, unit in problem.units.items()}
    truth = law.rescale(law.published[0].params, factors)
    start = jnp.log(jnp.array([truth[p.name] for p in law.parameters]))[:, None]
    starts = jnp.broadcast_to(start, (len(start), replicates))
    weights = jax.device_put(problem.resampled(counts))
    return replicates, lambda: refit(problem, starts, weights)


def log_posterior(growth: float) -> tuple[int, Call]:
    """Prepare log posterior densities with Student-t noise, near the centre of the prior."""
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.inference._weighing import log_posterior
    from bayescale.inference.base import Problem

    draws = round(64 * growth)
    problem = Problem.build(simulated(), bs.laws.Chinchilla(), bs.noise.StudentT())
    location, scale = problem.target.prior_location_scale
    normal = np.random.default_rng(0).standard_normal((len(location), draws))
    at = jnp.asarray(location[:, None] + 0.1 * scale[:, None] * normal)
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
    """Return the operations per second of the matrix products of `grid_evidence` alone."""
    import jax
    import jax.numpy as jnp
    from jax import Array

    @jax.jit
    def products(u: Array, v: Array) -> Array:
        def add_row(total: Array, row: Array) -> tuple[Array, None]:
            def add_tile(total: Array, column: Array) -> tuple[Array, None]:
                # Without the barrier the compiler would compute only the entry that is used.
                product = jax.lax.optimization_barrier(row @ column.T)
                return total + product[0, 0], None

            return jax.lax.scan(add_tile, total, v)

        return jax.lax.scan(add_row, jnp.zeros(()), u)[0]

    most_rows, most_columns = TILE
    u = jnp.asarray(_random((*_tiles(exponents, most_rows), RUNS)))
    v = jnp.asarray(_random((*_tiles(exponents, most_columns), RUNS)))
    _, seconds = timed(lambda: products(u, v))
    return 2 * RUNS * math.prod(u.shape[:2]) * math.prod(v.shape[:2]) / seconds


def square_product() -> float:
    """Return the most operations per second of square matrix products of growing size."""
    import jax.numpy as jnp

    side = 512
    seconds = 0.0
    best = 0.0
    while seconds < LONGEST_PRODUCT:
        matrix = jnp.asarray(_random((side, side)))
        _, seconds = timed(partial(jnp.matmul, matrix, matrix))
        best = max(best, 2 * side**3 / seconds)
        side *= 2
    return best


def curve(name: str, place: str, sizes: int | None) -> list[JsonObject]:
    """Return the points of a kernel on this process's first device, or its first few sizes."""
    import jax

    points: list[Point] = []
    for dtype in KERNELS[name].dtypes:
        with jax.enable_x64(dtype == "float64"), jax.default_device(jax.devices()[0]):
            points += _points(name, place, dtype, sizes)
    return [asdict(point) for point in points]


def main_line(exponents: int) -> JsonObject:
    """Measure the evidence over a large grid in this fresh process.

    It returns the time, the time of the matrix products alone, and the memory.
    """
    import jax

    from bayescale.kernels import grid_evidence

    device = jax.devices()[0]
    frame = simulated().frame
    with jax.enable_x64(True), jax.default_device(device):
        before = _resident()
        compilation, seconds = timed(lambda: grid_evidence(*tables(frame, exponents)))
        peaks = memory()
        products = 2 * RUNS * exponents**2 / tile_product(exponents)
    return {
        "nodes": exponents**2,
        "compilation": compilation,
        "seconds": seconds,
        "per_second": exponents**2 / seconds,
        "products_alone": products,
        "share": products / seconds,
        "resident_before": before,
        **peaks,
    }


def compare(arguments: list[str]) -> JsonObject:
    """Measure every kernel on the CPU and, if there is one, on the accelerator."""

    def part(name: str, place: str) -> Any:
        return in_fresh_process(__file__, *arguments, "--part", name, place)

    devices = {place: part("device", place) for place in PLACES}
    if devices["accelerator"] == devices["cpu"]:
        del devices["accelerator"]
    points: list[JsonObject] = []
    kernels: JsonObject = {}
    for name, kernel in KERNELS.items():
        for place in devices:
            points += part(name, place)
        kernels[name] = {
            "unit": kernel.unit,
            "operations": kernel.operations,
            "numbers": kernel.numbers,
        }
    return {
        "runs": RUNS,
        "cpus": os.cpu_count(),
        "devices": devices,
        "kernels": kernels,
        "main_line": {place: part("main_line", place) for place in devices},
        "points": points,
    }


def main() -> None:
    """Measure, print, write, draw."""
    parser = record.parser(__doc__)
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
            "device": record.device,
            "main_line": partial(main_line, QUICK_EXPONENTS if arguments.quick else MAIN_EXPONENTS),
        }
        sizes = QUICK_SIZES if arguments.quick else None
        work = parts.get(name) or partial(curve, name, place, sizes)
        print(json.dumps(work()))
        return
    result = compare(["--quick"] if arguments.quick else [])
    alternatives.show(throughput_plot.table(result))
    record.write(result, RESULTS, arguments, {})
    if not arguments.quick:
        throughput_plot.draw(result, PICTURE)


def _points(name: str, place: str, dtype: str, sizes: int | None) -> Iterator[Point]:
    import jax

    kernel = KERNELS[name]
    product = None if name == "grid_evidence" else square_product()
    before = None
    for step in count() if sizes is None else range(sizes):
        try:
            units, call = kernel.prepare(GROWTH**step)
            compilation, seconds = timed(call)
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
        # A call has a fixed cost and a cost that grows with its size.
        if before is not None and seconds + GROWTH * (seconds - before) > LONGEST_CALL:
            return
        before = seconds


def timed(call: Call) -> tuple[float, float]:
    """Return the seconds of the first call minus a later one, and the median of later calls."""
    import jax

    def finished() -> object:
        return jax.block_until_ready(call())

    (first,), _ = seconds_of(finished, 1)
    later: list[float] = []
    while len(later) < FEWEST_CALLS or sum(later) < SHORTEST_TIMING:
        later += seconds_of(finished, 1)[0]
    return first - statistics.median(later), statistics.median(later)


def _tiles(size: int, most: int) -> tuple[int, int]:
    tiles = -(-size // most)
    return tiles, -(-size // tiles)


def _random(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


def memory() -> JsonObject:
    """Return peak memory, in bytes: of the process, and on the device, where it tells."""
    import jax

    statistics_of_device = jax.devices()[0].memory_stats() or {}
    on_device = statistics_of_device.get("peak_bytes_in_use")
    return {"resident_peak": _resident(), "device_peak": on_device}


def _resident() -> int:
    """Return the peak resident memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    main()
