"""The objective F of a sum of two power laws and a floor, on a grid of its five parameters.

    L_i = E + A·N_i^-α + B·D_i^-β        F = Σ_i w_i ρ(log loss_i − log L_i)

The grid is the product of axes of E, A, B, alpha and beta: a brute-force view of an objective that
shows where its valleys are, and how flat. The powers depend on an exponent and a run alone and are
tabulated in advance; a cell then costs two products, two sums, a logarithm and ρ for each run. The
grid is divided into tiles, and the runs are added one after another, so that a tile's sums stay in
a CPU's second-level cache (`sizes`) and the memory needed beyond the result does not grow with the
grid. Tiles are divided among the devices.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels.mesh import in_every_process, over_devices, padded_count
from bayescale.kernels.sizes import sizes

# Each ρ defines its own parameters: any pytree of scalars, such as δ, σ or ν.
RhoParameters: TypeAlias = Any
Rho = Callable[[Array, RhoParameters], Array]
Tree = TypeVar("Tree")


class Axes(NamedTuple):
    """The values along each axis of the grid, arrays of shape (values,); all positive."""

    E: Array
    A: Array
    B: Array
    alpha: Array
    beta: Array


class Sweep(NamedTuple):
    """The runs, arrays of shape (runs,).

    Each run has the natural logarithms of its size, tokens and loss, in the units of the law's
    parameters, and a weight.
    """

    log_n_params: Array
    log_n_tokens: Array
    log_loss: Array
    weights: Array


@jit_for(Use.WIDE, "rho", "tile")
def objective_grid(
    rho: Rho, axes: Axes, sweep: Sweep, parameters: RhoParameters, *, tile: int | None = None
) -> Array:
    """Return F at every cell.

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
        Second argument of ``rho``, such as δ, σ or ν.
    tile : int, optional
        Number of cells that are computed together; unless given, as many as suit the device.

    Returns
    -------
    Array, shape (E, A, B, alpha, beta)
    """
    shape, counts = _tiling(axes, tile)
    tiles = _over_tiles(rho, axes, sweep, parameters, tile, lambda values: values)
    # Tiles are divided along one axis only and span all later axes, so that this transposition
    # moves nothing in memory.
    tile_and_cell_by_axis = (0, 5, 1, 6, 2, 7, 3, 8, 4, 9)
    cells = tiles.reshape(*counts, *shape).transpose(tile_and_cell_by_axis)
    lengths = [count * length for count, length in zip(counts, shape, strict=True)]
    unpadded = tuple(slice(len(axis)) for axis in axes)
    return in_every_process(cells.reshape(lengths)[unpadded])


@jit_for(Use.WIDE, "rho", "tile")
def best_cell(
    rho: Rho, axes: Axes, sweep: Sweep, parameters: RhoParameters, *, tile: int | None = None
) -> tuple[Array, Array]:
    """Return the least F on the grid and the index of its cell, keeping one tile at a time.

    The arguments are those of `objective_grid`.

    Returns
    -------
    value : Array, shape ()
    index : Array of int, shape (5,)
        Along each axis; the first in order where several cells are least.
    """
    shape, counts = _tiling(axes, tile)

    def least(values: Array) -> tuple[Array, Array]:
        return jnp.min(values), jnp.argmin(values.reshape(-1))

    # Copies that fill up a tile come after their originals, so the first least cell is always one
    # of the grid.
    values, cell_numbers = _over_tiles(rho, axes, sweep, parameters, tile, least)
    best_tile = jnp.argmin(values)
    tile_index = jnp.stack(jnp.unravel_index(best_tile, counts))
    index_in_tile = jnp.stack(jnp.unravel_index(cell_numbers[best_tile], shape))
    index = tile_index * jnp.array(shape) + index_in_tile
    return in_every_process((values[best_tile], index))


def _tiling(axes: Axes, tile: int | None) -> tuple[list[int], list[int]]:
    """Return the number of cells of a tile along each axis, and of tiles along each axis.

    From the last axis forward, tiles span as many axes as there is room for.
    """
    shape: list[int] = []
    counts: list[int] = []
    room = sizes().cells if tile is None else tile
    for axis in reversed(axes):
        most = max(min(len(axis), room), 1)
        fewest_tiles = -(-len(axis) // most)
        length = -(-len(axis) // fewest_tiles)
        shape.insert(0, length)
        counts.insert(0, -(-len(axis) // length))
        room //= length
    return shape, counts


def _over_tiles(
    rho: Rho,
    axes: Axes,
    sweep: Sweep,
    parameters: RhoParameters,
    tile: int | None,
    reduce: Callable[[Array], Tree],
) -> Tree:
    """Apply ``reduce`` to each tile of F and stack the results.

    The last tile of an axis is filled up with copies of the axis's last value.
    """
    shape, counts = _tiling(axes, tile)
    tiled_axes: list[Array] = []
    for axis, count, length in zip(axes, counts, shape, strict=True):
        padded = jnp.pad(axis, (0, count * length - len(axis)), mode="edge")
        tiled_axes.append(padded.reshape(count, length))
    e, a, b, alpha, beta = tiled_axes
    powers_of_n = jnp.exp(-sweep.log_n_params[:, None, None] * alpha)
    powers_of_d = jnp.exp(-sweep.log_n_tokens[:, None, None] * beta)

    def evaluate(number: Array) -> Tree:
        i, j, k, m, n = jnp.unravel_index(number, counts)

        def add_run(run: Array, total: Array) -> Array:
            floor_and_n = e[i][:, None, None] + a[j][:, None] * powers_of_n[run, m]
            term_of_d = b[k][:, None] * powers_of_d[run, n]
            prediction = floor_and_n[:, :, None, :, None] + term_of_d[:, None, :]
            residual = sweep.log_loss[run] - _log(prediction)
            return total + sweep.weights[run] * rho(residual, parameters)

        zeros = jnp.zeros(shape, sweep.log_loss.dtype)
        return reduce(jax.lax.fori_loop(0, len(sweep.log_loss), add_run, zeros))

    n_tiles = math.prod(counts)
    numbers = jnp.minimum(jnp.arange(padded_count(n_tiles)), n_tiles - 1)
    results = over_devices(lambda part: jax.lax.map(evaluate, part), numbers)
    return jax.tree.map(lambda array: array[:n_tiles], results)


# Coefficients of log(1 + f) in s = f/(2 + f), from fdlibm's e_log.c (Sun Microsystems, 1993).
_SERIES = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
# log 2 in two parts, whose sum is exact to more digits than one number holds.
_LOG2_HIGH = 6.93147180369123816490e-01
_LOG2_LOW = 1.90821492927058770002e-10
# Bits of √½, of 1, of a number's fraction and of 2⁵².
_ROOT_HALF_BITS = 0x3FE6A09E00000000
_ONE_BITS = 0x3FF0000000000000
_FRACTION_BITS = 0x000FFFFFFFFFFFFF
_TWO_TO_52_BITS = 0x4330000000000000


def _log(x: Array) -> Array:
    """Return the natural logarithm of normal numbers, accurate to one unit in the last place.

    On a CPU XLA calls a library for each double precision logarithm, which costs three times as
    much as everything else together; arithmetic alone is vectorised. Single precision has a vector
    logarithm already, and so have other devices; a TPU's doubles have other bits.
    """
    if x.dtype != jnp.float64:
        return jnp.log(x)
    return jax.lax.platform_dependent(x, cpu=_log_by_bits, default=jnp.log)


def _log_by_bits(x: Array) -> Array:
    """Return the natural logarithm of doubles from their bits, by arithmetic alone."""
    bits = jax.lax.bitcast_convert_type(x, jnp.uint64)
    # x = 2^k (1 + f) with 1 + f between √½ and √2. Placed in the low digits of 2⁵², the bits of k
    # are read as a number without a conversion.
    shifted = bits + jnp.uint64(_ONE_BITS - _ROOT_HALF_BITS)
    exponent_bits = (shifted >> jnp.uint64(52)) | jnp.uint64(_TWO_TO_52_BITS)
    k = jax.lax.bitcast_convert_type(exponent_bits, x.dtype) - (2.0**52 + 1023)
    fraction_bits = (shifted & jnp.uint64(_FRACTION_BITS)) + jnp.uint64(_ROOT_HALF_BITS)
    f = jax.lax.bitcast_convert_type(fraction_bits, x.dtype) - 1
    s = f / (2 + f)
    z = s * s
    half = 0.5 * f * f
    w = z * z
    c = _SERIES
    even = w * (c[1] + w * (c[3] + w * c[5]))
    odd = z * (c[0] + w * (c[2] + w * (c[4] + w * c[6])))
    log = k * _LOG2_HIGH - ((half - (s * (half + (even + odd)) + k * _LOG2_LOW)) - f)
    return jnp.where(x < jnp.inf, jnp.where(x > 0, log, -jnp.inf), x)
