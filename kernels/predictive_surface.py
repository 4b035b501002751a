"""What the draws of a posterior predict at each of many inputs: mean, spread and quantiles of the
loss, cell by cell.

Draws × cells are never held: a block of cells is evaluated, sorted and summarised before the next,
so memory is bounded by the draws and a block whatever the grid. Sorting is most of the work. A loss
is positive, so the bits of its floating-point number are in the order of the numbers, and XLA sorts
whole numbers on a CPU in a quarter of the time of floating-point ones: about as fast as NumPy
partitions. Quantiles so found are NumPy's, not approximations of them.

New runs scatter about the law by one deviate a draw, the same in every cell. Each cell's predictive
distribution is right for that, since a draw's deviate is as good a sample in one cell as in
another; cells scatter together, so that surfaces are smooth, and what scatter costs is an addition.
"""

import math
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale.kernels.blocks import in_blocks

# Values of a block: 512 kB in float64, which leaves room in a second-level cache for what is made
# of them.
BLOCK_VALUES = 2**16


class Curve(Protocol):
    """A hashable object that predicts; equal objects share their compiled kernels, which their
    bound methods would not.
    """

    def predict(self, params: Any, log_inputs: Any) -> Array:
        """log L; everything broadcasts."""


class Summary(NamedTuple):
    """The loss in each cell, over draws, for each kind of scatter.

    Attributes
    ----------
    mean, sd : Array, shape (kinds, cells)
        Infinite or not a number where a draw's loss overflows; sd has draws − 1 degrees of freedom
        and is 0 for one draw.
    quantiles : Array, shape (kinds, quantiles, cells)
        Right also where losses overflow.
    """

    mean: Array
    sd: Array
    quantiles: Array


@partial(jax.jit, static_argnames=("curve", "quantiles", "block_values"))
def predictive_surface(
    curve: Curve,
    params: dict[str, Array],
    log_inputs: dict[str, Array],
    scatter: Array,
    *,
    quantiles: tuple[float, ...],
    block_values: int = BLOCK_VALUES,
) -> Summary:
    """Summarise the loss in every cell.

    Parameters
    ----------
    curve : Curve
    params : dict of arrays, shape (draws,)
    log_inputs : dict of arrays, shape (cells,)
        Natural logarithms of the inputs, all of the dtype of the constants. In float32 a loss is
        right to some 1e-6 of itself.
    scatter : Array, shape (kinds, draws)
        What each draw adds to log loss: a row of zeros for the curve alone, a row of deviates of
        the noise for new runs.
    quantiles : tuple of float
        Between 0 and 1; interpolated linearly between draws, as NumPy does.
    block_values : int
        Draws × cells worked on together.

    Returns
    -------
    Summary
    """
    block = max(block_values // scatter.shape[-1], 1)

    def work(cells: Array, _: Array) -> Summary:
        # Draws are the last axis, so that those of a cell lie together for the sort.
        log_loss = curve.predict(
            params, {name: row[:, None] for name, row in zip(log_inputs, cells, strict=True)}
        )
        return jax.tree.map(
            lambda *kinds: jnp.stack(kinds),
            *(_summary(jnp.exp(log_loss + row), quantiles) for row in scatter),
        )

    return in_blocks(work, jnp.stack(list(log_inputs.values())), jnp.zeros((1, 1)), block)


def _summary(loss: Array, quantiles: tuple[float, ...]) -> Summary:
    """Of each row."""
    draws, whole = loss.shape[-1], jnp.uint64 if loss.dtype == jnp.float64 else jnp.uint32
    bits = jax.lax.sort(jax.lax.bitcast_convert_type(loss, whole), is_stable=False)
    ordered = jax.lax.bitcast_convert_type(bits, loss.dtype)
    places = [quantile * (draws - 1) for quantile in quantiles]
    below = np.array([math.floor(place) for place in places])
    share = np.array(places) - below
    low, high = ordered[:, below], ordered[:, np.minimum(below + 1, draws - 1)]
    # Infinite neighbours have no difference, and an infinite one no share of nothing.
    found = jnp.where(
        (share > 0) & (high > low), low + (high - low) * share.astype(loss.dtype), low
    )
    # The median is within one sd of the mean, so deviations from it lose no digits, in float32
    # either.
    median = ordered[:, draws // 2, None]
    apart = loss - median
    shift = jnp.mean(apart, axis=-1)
    variance = (jnp.mean(jnp.square(apart), axis=-1) - jnp.square(shift)) * (
        draws / max(draws - 1, 1)
    )
    return Summary(median[:, 0] + shift, jnp.sqrt(jnp.maximum(variance, 0)), found.T)
