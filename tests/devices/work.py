"""Fits and grids on several devices, for the tests beside it: ``python work.py OUT`` or ``python
work.py OUT ADDRESS NUMBER``.

What is found on all devices is written to OUT as arrays named ``spread/...``, and how many
different parts of one lie on how many devices as ``spread/.../parts``. Without an address the first
device also does everything, ``alone/...``; with one this is a process of two.
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import bayescale as bs
from bayescale._internal import compiling
from bayescale.inference import nuts
from bayescale.kernels import (
    best_cell,
    centre_response,
    grid_evidence,
    levenberg_marquardt,
    objective_grid,
    power_columns,
    predictive_surface,
)
from bayescale.kernels.mesh import in_every_process, over_devices, padded_count
from bayescale.kernels.objective_grid import Axes, Sweep
from bayescale.kernels.sizes import sizes

# A law of two constants and few draws, for the sake of the compiler, and as many replicates as
# fill a block, so that refits that take longer share their programs. Eight devices divide none of
# the numbers of starts, replicates and chains.
LAW, NOISE = bs.laws.PowerLaw(input="n_tokens", floor=False), bs.noise.Normal()
METHODS = {
    "multistart": bs.MultiStart(),
    "bootstrap": bs.Bootstrap(replicates=sizes().members),
    "nuts": bs.NUTS(chains=3, warmup=20, draws=10),
}


BATCHES, SIZES = (5, 16), ((3, 2, 4, 3, 5), (8, 1, 2, 3, 5))


@dataclass(frozen=True)
class Slope:
    """y = a + b x by least squares, and the curve exp(a + b x)."""

    n_predictive = 2

    def residual(self, v: Any, data: Any) -> Any:
        return data["y"] - v[0] - v[1] * data["x"]

    def rho(self, r: Any, v: Any, data: Any) -> Any:
        return jnp.square(r)

    def penalty(self, v: Any) -> Any:
        return [jnp.zeros_like(c) for c in v]

    def predict(self, params: Any, log_inputs: Any) -> Any:
        return params["a"] + params["b"] * log_inputs["x"]


def squared(residual: Any, parameters: Any) -> Any:
    return jnp.square(residual)


def fits() -> Iterator[tuple[str, Any]]:
    # A law of tokens alone leaves budgets on curves of their own, which a fit would warn of.
    runs = bs.Runs(bs.datasets.simulate(seed=1).frame.drop(columns="group"))
    stacked = nuts.stacked

    def watched(own: Any, owners: Any, like: Any) -> Any:
        seen.update(device.id for chain in own.values() for device in chain["z"].devices())
        return stacked(own, owners, like)

    nuts.stacked, seen = watched, set[int]()
    for name, method in METHODS.items():
        posterior = bs.fit(runs, law=LAW, noise=NOISE, method=method)
        yield from ((f"{name}/{constant}", draws) for constant, draws in posterior.params.items())
        # How small a gradient is, is a matter of rounding.
        yield from (
            (f"{name}/{said}", value)
            for said, value in posterior.diagnostics.items()
            if said != "gradient_norm"
        )
    yield "seen/devices", sorted(seen)
    nuts.stacked = stacked


def searches() -> Iterator[tuple[str, Any]]:
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((9, 1)))
    data = {"x": x, "y": 1 - 2 * x + jnp.asarray(0.1 * rng.standard_normal((9, 1)))}
    for batch in BATCHES:
        start, own = (jnp.asarray(rng.uniform(0.5, 2.0, (rows, batch))) for rows in (2, 9))
        yield (
            f"search/common/{batch}",
            levenberg_marquardt(Slope(), start, data, own[:, :1]).coordinates,
        )
        yield f"search/own/{batch}", levenberg_marquardt(Slope(), start, data, own).coordinates


def grids() -> Iterator[tuple[str, Any]]:
    rng = np.random.default_rng(0)
    log_n, log_d = jnp.asarray(rng.uniform(-3, 3, (2, 40)))
    loss = (
        0.6
        + 0.2 * jnp.exp(-0.34 * log_n)
        + 0.2 * jnp.exp(-0.28 * log_d)
        + jnp.asarray(0.01 * rng.standard_normal(40))
    )
    of = centre_response(loss, jnp.ones(40))
    # With eight devices two of the tiles of rows hold nothing but copies that fill up.
    alpha, beta = jnp.linspace(0.1, 0.3, 17), jnp.linspace(0.1, 0.8, 21)
    arguments = (
        power_columns(alpha, log_n, jnp.zeros(17), of),
        power_columns(beta, log_d, jnp.zeros(21), of),
        of,
    )
    evidence = grid_evidence(*arguments)
    yield from (
        (f"evidence/{name}", np.asarray(value)) for name, value in evidence._asdict().items()
    )
    yield "program/shared", "shard_map[" in str(jax.make_jaxpr(grid_evidence)(*arguments))
    runs = Sweep(log_n, log_d, jnp.log(loss), jnp.ones(40))
    for lengths in SIZES:
        axes = Axes(*(jnp.linspace(0.15, 0.6, size) for size in lengths))
        yield f"objective/{lengths[0]}", objective_grid(squared, axes, runs, (), tile=30)
        value, index = best_cell(squared, axes, runs, (), tile=30)
        yield from ((f"cell/{lengths[0]}/value", value), (f"cell/{lengths[0]}/index", index))
    params = {name: jnp.asarray(rng.standard_normal(40)) for name in ("a", "b")}
    for cells in BATCHES:
        indices = {"x": jnp.linspace(0, 1, cells)}
        summary = predictive_surface(
            Slope(), params, indices, jnp.zeros((1, 40)), quantiles=(0.1, 0.5)
        )
        yield from ((f"surface/{cells}/{name}", value) for name, value in summary._asdict().items())


def shares() -> Iterator[tuple[str, Any]]:
    """Return the device that works through each of eleven members."""
    numbers = jnp.arange(padded_count(11))
    yield (
        "shares",
        in_every_process(
            over_devices(lambda own: own * 0 + jax.lax.axis_index("devices"), numbers)
        ),
    )


def found(*parts: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Complete in this process, or NumPy refuses."""
    for part in parts:
        for name, value in part():
            yield name, np.asarray(value)
            if isinstance(value, jax.Array):
                pieces = value.addressable_shards
                yield (
                    f"{name}/parts",
                    np.array([len({str(piece.index) for piece in pieces}), len(pieces)]),
                )


if __name__ == "__main__":
    out, *several = sys.argv[1:]
    arrays: dict[str, np.ndarray] = {}
    # What runs once need not be optimised.
    compiling._SMALL["xla_backend_optimization_level"] = 0
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", bs.FitWarning)  # so few draws are no posterior
    if several:
        jax.distributed.initialize(several[0], num_processes=2, process_id=int(several[1]))
    with jax.enable_x64(True):
        arrays |= {f"spread/{name}": value for name, value in found(searches, grids, fits, shares)}
        if not several:
            with jax.default_device(jax.devices()[0]):
                arrays |= {f"alone/{name}": value for name, value in found(searches, grids, fits)}
    np.savez(out, **arrays)
