"""What a sum of two power laws and a floor costs on a grid of its five constants: F over every E,
A, B, alpha and beta at once.

    L_i = E + A·N_i^-α + B·D_i^-β        F = Σ_i w_i ρ(log loss_i − log L_i)

A brute-force look at an objective: where its valleys are, and how flat. Powers depend on an
exponent and a run alone and are tabulated before; a cell then costs each run two products, two
sums, a logarithm and ρ. The grid is worked through in tiles, run after run, so that a tile's sums
stay in a second-level cache and memory beyond the result is bounded whatever the grid. Devices
share out the tiles.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from bayescale.kernels.mesh import in_every_process, over_devices, whole_shares

# Larger tiles share the cost of a step among more cells; in float64 this one takes 512 kB, half a
# second-level cache.
TILE = 2**16

Rho = Callable[[Array, Any], Array]


class Axes(NamedTuple):
    """The values along each axis of the grid, arrays of shape (values,); all positive."""

    E: Array
    A: Array
    B: Array
    alpha: Array
    beta: Array


class Sweep(NamedTuple):
    """The runs, arrays of shape (runs,): natural logarithms in the units of the constants, and the
    weight of each.
    """

    log_n_params: Array
    log_n_tokens: Array
    log_loss: Array
    weights: Array


@partial(jax.jit, static_argnames=("rho", "tile"))
def objective_grid(
    rho: Rho, axes: Axes, sweep: Sweep, parameters: Any, *, tile: int = TILE
) -> Array:
    """F at every cell.

    Parameters
    ----------
    rho : callable
        ``rho(residual, parameters)``, elementwise in the residual; hashable, and equal ones share a
        compiled kernel.
    axes : Axes
    sweep : Sweep
        Of the axes' dtype. Where residuals are about a per cent, F is right to 1e-12 of itself in
        float64, to 1e-5 in float32.
    parameters : pytree of scalars
        What ``rho`` takes besides the residual, such as δ, σ or ν.
    tile : int
        Cells worked on together.

    Returns
    -------
    Array, shape (E, A, B, alpha, beta)
    """
    shape, counts = _tiling(axes, tile)
    cells = _over_tiles(rho, axes, sweep, parameters, tile, lambda values: values)
    # Tiles are split along one axis and are whole behind it, so this changes the order of nothing
    # in memory.
    cells = cells.reshape(*counts, *shape).transpose(
        [place for axis in range(5) for place in (axis, axis + 5)]
    )
    cells = cells.reshape([count * length for count, length in zip(counts, shape, strict=True)])
    return in_every_process(cells[tuple(slice(len(axis)) for axis in axes)])


@partial(jax.jit, static_argnames=("rho", "tile"))
def best_cell(
    rho: Rho, axes: Axes, sweep: Sweep, parameters: Any, *, tile: int = TILE
) -> tuple[Array, Array]:
    """The least F on the grid and where it is, holding one tile at a time: arguments as of
    `objective_grid`.

    Returns
    -------
    value : Array, shape ()
    index : Array of int, shape (5,)
        Along each axis; the first in order where several cells are least.
    """
    shape, counts = _tiling(axes, tile)
    # Copies that fill up a tile come after what they copy, so the first least cell is always one of
    # the grid.
    values, places = _over_tiles(
        rho,
        axes,
        sweep,
        parameters,
        tile,
        lambda values: (jnp.min(values), jnp.argmin(values.reshape(-1))),
    )
    best = jnp.argmin(values)
    start = jnp.stack(jnp.unravel_index(best, counts)) * jnp.array(shape)
    return in_every_process(
        (values[best], start + jnp.stack(jnp.unravel_index(places[best], shape)))
    )


def _tiling(axes: Axes, tile: int) -> tuple[list[int], list[int]]:
    """Cells of a tile along each axis, and tiles along each axis: whole from the last axis forward
    as far as there is room.
    """
    shape: list[int] = []
    room = tile
    for axis in reversed(axes):
        tiles = -(-len(axis) // max(min(len(axis), room), 1))
        shape.insert(0, -(-len(axis) // tiles))
        room //= shape[0]
    return shape, [-(-len(axis) // length) for axis, length in zip(axes, shape, strict=True)]


def _over_tiles(
    rho: Rho, axes: Axes, sweep: Sweep, parameters: Any, tile: int, reduce: Callable[[Array], Any]
) -> Any:
    """What ``reduce`` makes of each tile of F, stacked; the last tile of an axis is filled up with
    copies of its last value.
    """
    shape, counts = _tiling(axes, tile)
    e, a, b, alpha, beta = (
        jnp.pad(axis, (0, count * length - len(axis)), mode="edge").reshape(count, length)
        for axis, count, length in zip(axes, counts, shape, strict=True)
    )
    falling_n = jnp.exp(-sweep.log_n_params[:, None, None] * alpha)
    falling_d = jnp.exp(-sweep.log_n_tokens[:, None, None] * beta)

    def one(number: Array) -> Any:
        i, j, k, m, n = jnp.unravel_index(number, counts)

        def add(run: Array, total: Array) -> Array:
            of_n = e[i][:, None, None] + a[j][:, None] * falling_n[run, m]
            of_d = b[k][:, None] * falling_d[run, n]
            log_prediction = _log(of_n[:, :, None, :, None] + of_d[:, None, :])
            return total + sweep.weights[run] * rho(
                sweep.log_loss[run] - log_prediction, parameters
            )

        return reduce(
            jax.lax.fori_loop(0, len(sweep.log_loss), add, jnp.zeros(shape, sweep.log_loss.dtype))
        )

    tiles = math.prod(counts)
    numbers = jnp.minimum(jnp.arange(whole_shares(tiles)), tiles - 1)
    return jax.tree.map(
        lambda each: each[:tiles], over_devices(lambda own: jax.lax.map(one, own), numbers)
    )


# From fdlibm's e_log.c (Sun Microsystems, 1993): log(1 + f) by s = f/(2 + f), and log 2 in two
# parts.
_SERIES = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROOT_HALF, _ONE, _FRACTION, _TWO_TO_52 = (
    0x3FE6A09E00000000,
    0x3FF0000000000000,
    0x000FFFFFFFFFFFFF,
    0x4330000000000000,
)


def _log(x: Array) -> Array:
    """The natural logarithm of normal numbers, to one unit in the last place.

    On a CPU XLA calls a library for each double precision logarithm, three times the cost of all
    else; arithmetic alone is vectorised. Single precision has a vector logarithm already.
    """
    if x.dtype != jnp.float64:
        return jnp.log(x)
    bits = jax.lax.bitcast_convert_type(x, jnp.uint64)
    # x = 2^k (1 + f) with 1 + f between √½ and √2. Written below the digits of 2⁵², k is a number
    # without a conversion.
    shifted = bits + jnp.uint64(_ONE - _ROOT_HALF)
    exponent = jax.lax.bitcast_convert_type(
        (shifted >> jnp.uint64(52)) | jnp.uint64(_TWO_TO_52), x.dtype
    )
    k = exponent - (2.0**52 + 1023)
    f = (
        jax.lax.bitcast_convert_type(
            (shifted & jnp.uint64(_FRACTION)) + jnp.uint64(_ROOT_HALF), x.dtype
        )
        - 1
    )
    s = f / (2 + f)
    z, half = s * s, 0.5 * f * f
    c, w = _SERIES, z * z
    rest = w * (c[1] + w * (c[3] + w * c[5])) + z * (c[0] + w * (c[2] + w * (c[4] + w * c[6])))
    log = k * _LOG2_HIGH - ((half - (s * (half + rest) + k * _LOG2_LOW)) - f)
    return jnp.where(x < jnp.inf, jnp.where(x > 0, log, -jnp.inf), x)
