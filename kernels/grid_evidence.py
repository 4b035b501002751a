"""The evidence of an additive law over a grid of exponents of any size, in bounded memory.

Tiles of the grid that fit a second-level cache are made by one matrix product each and summed at once, so that a node costs
2·runs operations of the product and a dozen of its own, and no array of the grid's size exists. The least RSS of a tile with
levels of any sign bounds what the tile can hold: only where that matters, beside the best of a coarse glance at the grid, are
active sets compared and logarithms and exponentials taken. What is left out is less than e^−60 of the peak, a node.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from bayescale.kernels.additive_grid import (
    NEARLY_PARALLEL,
    Columns,
    Response,
    along_rows,
    best_levels,
    log_marginal,
    normalisation,
    overlap,
    own_part,
    product,
)

# Measured best of five shapes on two CPUs: 512 × 256 doubles are a megabyte.
_ROWS, _COLUMNS = 512, 256
_GLANCE = 64
_HEADROOM, _NEGLIGIBLE = 600.0, 60.0
_WIDEST = 0.5 * math.log(NEARLY_PARALLEL)


class Evidence(NamedTuple):
    """What is left of a grid.

    Attributes
    ----------
    log_evidence : Array
        Log of the sum over nodes of exp(log marginal); cell sizes belong into the log priors.
    rows, columns : Array, shapes (exponents of u,) and (exponents of v,)
        Log of the partial sums: the marginal posterior of each exponent, not normalised; minus infinity where negligible.
    least_rss : Array
        Of all nodes, with levels that are not negative.
    best : tuple of Array
        Indices of its node.
    """

    log_evidence: Array
    rows: Array
    columns: Array
    least_rss: Array
    best: tuple[Array, Array]


@jax.jit
def grid_evidence(u: Columns, v: Columns, of: Response) -> Evidence:
    """Sum the marginal posterior over all pairs of exponents.

    Parameters
    ----------
    u, v : Columns
    of : Response
    """
    rows, height = _in_tiles(u, _ROWS)
    columns, width = _in_tiles(v, _COLUMNS)
    glance = product(_every(u, _GLANCE), _every(v, _GLANCE), of).log_marginal

    def overflown(state: tuple[Array, "_Sums"]) -> Array:
        return ~jnp.isfinite(state[1].rows).all()

    def again(state: tuple[Array, _Sums]) -> tuple[Array, _Sums]:
        shift = state[0] + _HEADROOM
        return shift, _all_tiles(rows, columns, of, shift)

    # The glance may miss a peak between its nodes; where a sum overflows, all are taken anew further down.
    shift = jnp.max(glance)
    shift, sums = jax.lax.while_loop(overflown, again, (shift, _all_tiles(rows, columns, of, shift)))
    by_row, by_column = sums.rows.reshape(-1)[: len(u.response)], sums.columns.reshape(-1)[: len(v.response)]
    return Evidence(
        jnp.log(jnp.sum(by_row)) + shift,
        jnp.log(by_row) + shift,
        jnp.log(by_column) + shift,
        sums.least_rss,
        _best_node(rows, columns, of, sums.tile, height, width),
    )


class _Sums(NamedTuple):
    rows: Array
    columns: Array
    least_rss: Array
    tile: tuple[Array, Array]


def _all_tiles(rows: Columns, columns: Columns, of: Response, shift: Array) -> _Sums:
    zero = jnp.zeros_like(shift)
    nowhere = jnp.array(0)

    def one_row(carry: tuple[Array, Array, tuple[Array, Array]], row: tuple[Array, Columns]) -> tuple[tuple, Array]:
        i, own = row

        def one_tile(inner: tuple[Array, Array, Array], column: tuple[Array, Columns, Array]) -> tuple[tuple, Array]:
            by_row, least, tile = inner
            j, other, by_column = column
            to_row, to_column, lowest = _tile(own, other, of, shift, least)
            tile = jnp.where(lowest < least, j, tile)
            return (by_row + to_row, jnp.minimum(least, lowest), tile), by_column + to_column

        by_column, least, tile = carry
        first = jnp.zeros_like(own.response), least, tile[1]
        numbered = jnp.arange(len(columns.response)), columns, by_column
        (by_row, lowest, column_tile), by_column = jax.lax.scan(one_tile, first, numbered)
        return (by_column, lowest, (jnp.where(lowest < least, i, tile[0]), column_tile)), by_row

    start = jnp.zeros_like(columns.response), zero + jnp.inf, (nowhere, nowhere)
    (by_column, least, tile), by_row = jax.lax.scan(one_row, start, (jnp.arange(len(rows.response)), rows))
    return _Sums(by_row, by_column, least, tile)


def _tile(u: Columns, v: Columns, of: Response, shift: Array, least: Array) -> tuple[Array, Array, Array]:
    """Sums of exp(log marginal − shift) over a tile's columns and rows, and its least RSS; zeros and infinity if negligible."""
    rho = u.unit @ v.unit.T
    d = 1 - rho * rho
    rest = v.response - rho * u.response[:, None]
    free = (of.square - u.response**2)[:, None] - rest * rest / d
    free = jnp.min(jnp.where(d > NEARLY_PARALLEL, free, -1.0))

    def nothing() -> tuple[Array, Array, Array]:
        return jnp.zeros_like(u.response), jnp.zeros_like(v.response), jnp.full_like(shift, jnp.inf)

    def everything() -> tuple[Array, Array, Array]:
        exact_d, exact_rest = overlap(rho, u, v, of)
        rows = along_rows(u)
        rss, _ = best_levels(rho, exact_d, exact_rest, rows, v, of)
        mass = jnp.exp(log_marginal(rss, exact_d, rows, v, of) - shift)
        return jnp.sum(mass, axis=1), jnp.sum(mass, axis=0), jnp.min(rss)

    freedom, constant = normalisation(u, v, of)
    peak = constant + jnp.max(own_part(u)) + jnp.max(own_part(v)) - 0.5 * freedom * jnp.log(free) - _WIDEST
    # Not a number, where columns are nearly parallel or rounding leaves nothing of RSS, is not small.
    small = (peak < shift - _NEGLIGIBLE) & (free > least)
    return jax.lax.cond(small, nothing, everything)


def _best_node(
    rows: Columns, columns: Columns, of: Response, tile: tuple[Array, Array], height: int, width: int
) -> tuple[Array, Array]:
    u, v = jax.tree.map(lambda array: array[tile[0]], rows), jax.tree.map(lambda array: array[tile[1]], columns)
    i, j = jnp.unravel_index(jnp.argmin(product(u, v, of).rss), (height, width))
    return tile[0] * height + i, tile[1] * width + j


def _in_tiles(whole: Columns, most: int) -> tuple[Columns, int]:
    # Copies of the last exponent fill up the last tile, without prior mass.
    size = len(whole.response)
    tiles = -(-size // most)
    each = -(-size // tiles)

    def cut(array: Array) -> Array:
        widths = [(0, tiles * each - size)] + [(0, 0)] * (array.ndim - 1)
        return jnp.pad(array, widths, mode="edge").reshape(tiles, each, *array.shape[1:])

    prior = jnp.where(jnp.arange(tiles * each) < size, cut(whole.log_prior).reshape(-1), -jnp.inf)
    return jax.tree.map(cut, whole)._replace(log_prior=prior.reshape(tiles, each)), each


def _every(whole: Columns, most: int) -> Columns:
    step = -(-len(whole.response) // most)
    return jax.tree.map(lambda array: array[::step], whole)
