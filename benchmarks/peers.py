"""A comparison of bayescale with simple public alternatives, on the same data and in the same run.

Results are compared as well as times. Prints one table and writes benchmarks/results/peers.json.
The data are the 240 Chinchilla runs digitised by Besiroglu et al., or 240 simulated runs if the
originals are unavailable. Every row is a fresh process without compilation cache, in which both
sides are measured; bayescale's time is reported for the first call, which compiles, and for later
calls.

- **starts**: a Huber fit from 4,500 starts. `bayescale.MultiStart()` against SciPy's L-BFGS-B with
  a numeric gradient, one start at a time; SciPy runs 40 of the starts, and its time is scaled up.
- **refits**: 10,000 bootstrap refits of that fit. `bayescale.Bootstrap()`, its own search from
  4,500 starts included, against SciPy's BFGS with gradients by autograd, one refit at a time from
  the best fit; SciPy runs 80, and its time is scaled up. For 200 refits each objective is compared
  with the best known for its resample: from `MultiStart` on the resampled rows, and from SciPy with
  five perturbed starts.
- **posterior**: effective draws per second of the posterior (Student-t noise), cold. bayescale's
  methods against NumPyro's NUTS with its default settings, four parallel chains.
- **nodes**: the law E + A/N^alpha + B/D^beta at 4 million pairs of exponents, levels and scatter
  integrated out in closed form. The grid kernel against NumPy's `lstsq`, one node at a time, which
  gives only the levels; NumPy runs 2,000 nodes, and its time is scaled up. Residual sums of
  squares are compared where no level is negative.
- **cells**: the Huber objective at 3.2 million cells of a grid of all five parameters. The grid
  kernel against NumPy by broadcasting, one E and A at a time, which keeps its arrays small; NumPy
  runs 8 of 400, and its time is scaled up.

    pip install '.[bench]' && BAYESCALE_DATA=... python benchmarks/peers.py
"""

import dataclasses
import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alternatives
import numpy as np
import record
from alternatives import DELTA, in_fresh_process, seconds_of
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

    import bayescale as bs

RESULTS = record.RESULTS / "peers.json"
METHODS = ("NUTS", "Importance", "Grid")
RESTARTS = 5
PERTURBATION = 0.1
EQUAL = 1e-6


@dataclass(frozen=True)
class Sizes:
    """Sizes of all measurements; the defaults are those of the table."""

    starts: int = 4500
    sampled_starts: int = 40
    refits: int = 10_000
    sampled_refits: int = 80
    checked_refits: int = 200
    draws: int = 1000
    exponents: int = 2000
    sampled_nodes: int = 2000
    values: int = 20
    sampled_slices: int = 8
    repeats: int = 3
    methods: tuple[str, ...] = METHODS


QUICK = Sizes(
    starts=500,
    sampled_starts=4,
    refits=500,
    sampled_refits=6,
    checked_refits=6,
    draws=200,
    exponents=200,
    sampled_nodes=50,
    values=8,
    sampled_slices=2,
    repeats=1,
    methods=("Importance",),
)


def models() -> dict[str, record.Model]:
    """Return what is fitted by bayescale."""
    import bayescale as bs

    law = bs.laws.Chinchilla()
    huber, student = bs.noise.Huber(DELTA), bs.noise.StudentT()
    posteriors = {name: record.Model(law, student, getattr(bs, name)()) for name in METHODS}
    return {
        "starts": record.Model(law, huber, bs.MultiStart(starts=Sizes().starts)),
        "refits": record.Model(law, huber, bs.Bootstrap(replicates=Sizes().refits)),
        **posteriors,
    }


def data() -> "bs.Runs":
    """Return the 240 runs."""
    import bayescale as bs

    try:
        return bs.datasets.load("besiroglu2024_chinchilla")
    except bs.InputError:
        budgets = np.geomspace(6e18, 3e21, 10)
        return bs.datasets.simulate(0, budgets=budgets, sizes_per_budget=24, degrees_of_freedom=3.0)


def starts(sizes: Sizes) -> JsonObject:
    """Return seconds for all starts, and the minimum."""
    import bayescale as bs

    # Names are resolved before the clock starts, since that imports their modules.
    fit = bs.fit
    runs = data()
    huber = bs.noise.Huber(DELTA)
    method = bs.MultiStart(starts=sizes.starts)
    law = bs.laws.Chinchilla()
    seconds, fitted = seconds_of(
        lambda: fit(runs, law=law, noise=huber, method=method), 1 + sizes.repeats
    )
    some_starts = alternatives.hoffmanns_starts()[: sizes.sampled_starts]
    per_start, best = alternatives.HuberFit(runs.frame).from_starts(some_starts)
    return _timed(seconds, sizes.starts * per_start) | {
        "ours_objective": fitted.objective,
        "alternative_objective": float(best.fun),
    }


def refits(sizes: Sizes) -> JsonObject:
    """Return seconds for all refits, and the excess of objectives over the best known.

    The excess is for bayescale's and for SciPy's refits.
    """
    import jax
    import jax.numpy as jnp

    import bayescale as bs
    from bayescale.inference.base import Problem
    from bayescale.inference.bootstrap import refit
    from bayescale.inference.multistart import MultiStart

    fit = bs.fit
    runs = data()
    huber = bs.noise.Huber(DELTA)
    method = bs.Bootstrap(replicates=sizes.refits)
    law = bs.laws.Chinchilla()
    seconds, fitted = seconds_of(
        lambda: fit(runs, law=law, noise=huber, method=method), 1 + sizes.repeats
    )
    if fitted.diagnostics["failed_refits"]:
        raise RuntimeError("A refit failed, so draws and resamples cannot be matched.")
    with jax.enable_x64(True):
        problem = Problem.build(runs, law, huber)
        all_counts = method.counts(problem)
        counts = all_counts.T[: sizes.checked_refits]
        optimum = MultiStart(starts=500).search(problem).coordinates
        start = jnp.broadcast_to(optimum[:, None], (len(optimum), sizes.refits))
        weights = problem.resampled(all_counts)
        alone, _ = seconds_of(lambda: refit(problem, start, weights), 1 + sizes.repeats)
    scipy = alternatives.HuberFit(runs.frame)
    point_fit = fit(runs, law=law, noise=huber, method=bs.MultiStart())
    point = _coordinates(point_fit)[0]
    per_refit, theirs = scipy.refits(point, counts[: sizes.sampled_refits])
    refitted = _coordinates(fitted)[: len(counts)]
    ours = np.array([scipy.objective(v, w) for v, w in zip(refitted, counts, strict=True)])
    best = np.array([_best_known(scipy, runs, w, point) for w in counts])
    best = np.minimum(best, ours)
    best[: len(theirs)] = np.minimum(best[: len(theirs)], theirs)
    ours_per_refit = statistics.median(alone[1:]) / sizes.refits
    return _timed(seconds, sizes.refits * per_refit) | {
        "ours_per_refit": ours_per_refit,
        "ratio_per_refit": per_refit / ours_per_refit,
        "alternative_per_refit": per_refit,
        "ours_excess": _excess(ours, best),
        "alternative_excess": _excess(theirs, best[: len(theirs)]),
    }


def posterior(sizes: Sizes, name: str) -> dict[str, float]:
    """Return seconds and effective draws of a method of bayescale, for first and later calls."""
    import bayescale as bs

    fit = bs.fit
    runs = data()
    method = getattr(bs, name)()
    law = bs.laws.Chinchilla()
    noise = bs.noise.StudentT()
    seconds, fitted = seconds_of(
        lambda: fit(runs, law=law, noise=noise, method=method), 1 + sizes.repeats
    )
    diagnostics = fitted.diagnostics
    # The effective number of resampled draws is limited by their number and by their proposals'.
    independent = min(diagnostics.get("ess_importance", 0.0), fitted.n_draws)
    return {
        "first": seconds[0],
        "compiled": statistics.median(seconds[1:]),
        "ess": diagnostics.get("ess_bulk_min", independent),
        "ess_tail": diagnostics.get("ess_tail_min", independent),
    }


def posterior_stock(sizes: Sizes) -> dict[str, float]:
    """Return seconds and effective draws of NumPyro's defaults."""
    return alternatives.posterior_stock(data(), draws=sizes.draws)


def nodes(sizes: Sizes) -> JsonObject:
    """Return seconds for all pairs of exponents, and the largest difference of RSS."""
    import jax
    import jax.numpy as jnp

    from bayescale.kernels.additive_grid import (
        PowerColumns,
        centre_response,
        evaluate_pairs,
        power_columns,
    )
    from bayescale.kernels.grid_evidence import Evidence, grid_evidence

    frame = data().frame
    log_n = np.log(frame["n_params"].to_numpy())
    log_n -= log_n.mean()
    log_d = np.log(frame["n_tokens"].to_numpy())
    log_d -= log_d.mean()
    loss = frame["loss"].to_numpy()
    axis = np.linspace(0.05, 1.0, sizes.exponents)
    pairs = np.random.default_rng(0).choice(axis, (sizes.sampled_nodes, 2))
    with jax.enable_x64(True):
        response = centre_response(jnp.asarray(loss), jnp.ones(len(loss)))

        def columns(exponents: np.ndarray, log_input: np.ndarray) -> PowerColumns:
            flat = jnp.zeros(len(exponents))
            return power_columns(jnp.asarray(exponents), jnp.asarray(log_input), flat, response)

        def evidence() -> Evidence:
            u = columns(axis, log_n)
            v = columns(axis, log_d)
            return jax.block_until_ready(grid_evidence(u, v, response))

        seconds, _ = seconds_of(evidence, 1 + sizes.repeats)
        u = columns(pairs[:, 0], log_n)
        v = columns(pairs[:, 1], log_d)
        rss = np.asarray(evaluate_pairs(u, v, response).rss)
    per_node, theirs, levels = alternatives.least_squares(log_n, log_d, loss, pairs)
    free = levels.min(axis=1) >= 0
    return _timed(seconds, sizes.exponents**2 * per_node) | {
        "largest_difference": _difference(rss[free], theirs[free])
    }


def cells(sizes: Sizes) -> JsonObject:
    """Return seconds for all cells, and the largest difference of the objectives."""
    import jax
    import jax.numpy as jnp
    from jax import Array

    from bayescale.kernels.objective_grid import Axes, Sweep, objective_grid

    fit = alternatives.HuberFit(data().frame)
    ends = ((1.5, 2.1), (100.0, 2000.0), (300.0, 10_000.0), (0.25, 0.45), (0.25, 0.5))
    axes = [np.geomspace(*pair, sizes.values) for pair in ends]

    def huber(residual: Array, delta: float) -> Array:
        size = jnp.abs(residual)
        return jnp.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))

    with jax.enable_x64(True):
        log_n, log_d, log_loss = [jnp.asarray(values) for values in fit.logs]
        sweep = Sweep(log_n, log_d, log_loss, jnp.ones(len(fit.frame)))
        grid = Axes._make(jnp.asarray(axis) for axis in axes)

        def every_cell() -> Array:
            return jax.block_until_ready(objective_grid(huber, grid, sweep, DELTA))

        seconds, ours = seconds_of(every_cell, 1 + sizes.repeats)
    chosen = np.random.default_rng(0).integers(0, sizes.values, (sizes.sampled_slices, 2))

    def some_slices() -> np.ndarray:
        slices = []
        for i, j in chosen:
            slice_axes = [axes[0][[i]], axes[1][[j]], axes[2], axes[3], axes[4]]
            slices.append(fit.on_grid(slice_axes)[0, 0])
        return np.stack(slices)

    (numpy_seconds,), theirs = seconds_of(some_slices, 1)
    all_slices = numpy_seconds / sizes.sampled_slices * sizes.values**2
    ours_of_slices = np.asarray(ours)[chosen[:, 0], chosen[:, 1]]
    return _timed(seconds, all_slices) | {"largest_difference": _difference(ours_of_slices, theirs)}


def compare(sizes: Sizes, arguments: list[str]) -> JsonObject:
    """Measure every row."""

    def part(name: str) -> Any:
        return in_fresh_process(__file__, *arguments, "--part", name)

    stock = part("stock")
    stock_rate = stock["ess"] / stock["seconds"]
    posteriors = {name: part(name) for name in sizes.methods}
    for row in posteriors.values():
        row["ratio_first_call"] = row["ess"] / row["first"] / stock_rate
    return {
        "data": data().name,
        "sizes": dataclasses.asdict(sizes),
        "starts": part("starts"),
        "refits": part("refits"),
        "nodes": part("nodes"),
        "cells": part("cells"),
        "posterior": posteriors | {"stock": stock},
    }


def table(result: JsonObject) -> "Table":
    """Return the table for the terminal."""
    from rich.table import Table

    sizes = result["sizes"]
    title = result["data"]
    shown = Table(
        "work",
        "bayescale, compiled",
        "with compilation",
        "alternative",
        "ratio",
        "reached",
        title=title,
    )
    labels = {
        "starts": f"Huber fit, {sizes['starts']:,} starts",
        "refits": f"{sizes['refits']:,} refits",
        "nodes": f"{sizes['exponents'] ** 2:,} pairs of exponents",
        "cells": f"{sizes['values'] ** 5:,} cells of F",
    }
    peers = {
        "starts": f"SciPy, from {sizes['sampled_starts']}",
        "refits": f"SciPy, from {sizes['sampled_refits']}",
        "nodes": f"lstsq, from {sizes['sampled_nodes']:,}",
        "cells": f"NumPy, from {sizes['sampled_slices']} slices",
    }
    for work, label in labels.items():
        row = result[work]
        shown.add_row(
            label,
            f"{row['compiled']:.3g} s",
            f"{row['first']:.3g} s",
            f"{row['alternative']:.3g} s ({peers[work]})",
            f"{row['ratio_compiled']:.0f}",
            _reached(row),
        )
    stock = result["posterior"]["stock"]
    for name in sizes["methods"]:
        row = result["posterior"][name]
        shown.add_row(
            f"posterior by {name}, effective draws / s",
            f"{row['ess'] / row['compiled']:,.0f}",
            f"{row['ess'] / row['first']:,.0f}",
            f"{stock['ess'] / stock['seconds']:,.0f} (NumPyro, cold)",
            f"{row['ratio_first_call']:.1f} cold",
            f"{row['ess']:,.0f} against {stock['ess']:,.0f}",
        )
    return shown


def main() -> None:
    """Measure, print, write."""
    parser = record.parser(__doc__)
    parts = {
        "starts": starts,
        "refits": refits,
        "nodes": nodes,
        "cells": cells,
        "stock": posterior_stock,
    }
    parser.add_argument(
        "--part",
        choices=[*parts, *METHODS],
        help="measure one part in this process and print it as JSON",
    )
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else Sizes()
    if arguments.part:
        work = parts.get(arguments.part, lambda sizes: posterior(sizes, arguments.part))
        print(json.dumps(work(sizes)))
        return
    result = compare(sizes, ["--quick"] if arguments.quick else [])
    alternatives.show(table(result))
    record.write(result, RESULTS, arguments, models())


def _timed(seconds: list[float], alternative: float) -> dict[str, float]:
    compiled = statistics.median(seconds[1:])
    return {
        "first": seconds[0],
        "compiled": compiled,
        "alternative": alternative,
        "ratio_first_call": alternative / seconds[0],
        "ratio_compiled": alternative / compiled,
    }


def _coordinates(fitted: "bs.Posterior") -> np.ndarray:
    """Return the arguments of `alternatives.HuberFit.objective`, shape (draws, 5)."""
    log_levels = [np.log(fitted.draws(name)) for name in ("A", "B", "E")]
    exponents = [fitted.draws(name) for name in ("alpha", "beta")]
    return np.stack(log_levels + exponents, axis=1)


def _best_known(
    scipy: alternatives.HuberFit, runs: "bs.Runs", counts: np.ndarray, point: np.ndarray
) -> float:
    """Return the least objective of a resample from global and local restarts."""
    import bayescale as bs

    rows = np.repeat(np.arange(len(runs)), counts.astype(int))
    again = bs.Runs.from_frame(runs.frame.iloc[rows].reset_index(drop=True))
    fitted = bs.fit(
        again,
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Huber(DELTA),
        method=bs.MultiStart(starts=500),
    )
    moves = PERTURBATION * np.random.default_rng(0).standard_normal((RESTARTS, len(point)))
    objectives = [scipy.refit(point + move, counts).fun for move in moves]
    objectives.append(scipy.objective(_coordinates(fitted)[0], counts))
    return float(min(objectives))


def _excess(reached: np.ndarray, best: np.ndarray) -> dict[str, float]:
    excess = reached / best - 1
    return {
        "largest": float(excess.max()),
        "share_within_1e-6": float(np.mean(excess <= EQUAL)),
        "refits": len(excess),
    }


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.max(np.abs(ours / theirs - 1)))


def _reached(row: JsonObject) -> str:
    if "largest_difference" in row:
        return f"the same to {row['largest_difference']:.0e}"
    if "ours_objective" in row:
        return f"{row['ours_objective']:.12f} against {row['alternative_objective']:.12f}"
    ours = row["ours_excess"]
    theirs = row["alternative_excess"]
    return (
        f"best known in {ours['share_within_1e-6']:.1%}, worst {ours['largest']:.0e} over it, "
        f"against {theirs['share_within_1e-6']:.1%} and {theirs['largest']:.0e}"
    )


if __name__ == "__main__":
    main()
