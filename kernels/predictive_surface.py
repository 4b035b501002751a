"""Posterior predictive summaries at many inputs: mean, sd and quantiles of the loss in each cell.

The array of draws × cells never exists: a block of cells is evaluated, sorted and summarised before
the next, so that memory is bounded by the draws and a block, whatever the grid. Sorting is most of
the work. A loss is positive, so the bits of its floating-point number are in the order of the
numbers, and XLA sorts integers on a CPU in a quarter of the time of floating-point numbers: about
as fast as NumPy partitions. Other devices sort the numbers themselves. The quantiles are NumPy's,
not approximations.

New runs scatter about the law by one deviate a draw, the same in every cell. Each cell's predictive
distribution is still correct, since a draw's deviate is as good a sample in one cell as in another.
Cells scatter together, so that surfaces are smooth, and scatter costs only an addition.
"""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.sizes import sizes


class Curve(Protocol):
    """A hashable object that predicts the loss.

    Equal objects share their compiled kernels; their bound methods would not.
    """

    def predict(self, params: dict[str, Array], log_inputs: dict[str, Array]) -> Array:
        """Return log L; all arguments broadcast."""


class Summary(NamedTuple):
    """Summaries over draws of the loss in each cell, for each kind of scatter.

    Attributes
    ----------
    mean, sd : Array, shape (kinds, cells)
        Infinite or not a number where a draw's loss overflows; sd has draws − 1 degrees of freedom
        and is 0 for one draw.
    quantiles : Array, shape (kinds, quantiles, cells)
        Correct also where losses overflow.
    """

    mean: Array
    sd: Array
    quantiles: Array


@jit_for(Use.WIDE, "curve", "quantiles", "block_values")
def predictive_surface(
    curve: Curve,
    params: dict[str, Array],
    log_inputs: dict[str, Array],
    scatter: Array,
    *,
    quantiles: tuple[float, ...],
    block_values: int | None = None,
) -> Summary:
    """Summarise the loss in every cell.

    Parameters
    ----------
    curve : Curve
    params : dict of arrays, shape (draws,)
    log_inputs : dict of arrays, shape (cells,)
        Natural logarithms of the inputs, all of the dtype of the parameters. In float32 a loss is
        right to about 1e-6 of itself.
    scatter : Array, shape (kinds, draws)
        Deviate that each draw adds to log loss: a row of zeros for the curve alone, a row of
        deviates of the noise for new runs.
    quantiles : tuple of float
        Between 0 and 1; interpolated linearly between draws, as NumPy does.
    block_values : int, optional
        Number of draws × cells in a block; unless given, as many as suit the device.

    Returns
    -------
    Summary
    """
    values = sizes().values if block_values is None else block_values
    cells_per_block = max(values // scatter.shape[-1], 1)

    def summarise(cells: Array, _: Array) -> Summary:
        # Draws are the last axis, so that the draws of a cell lie together for the sort.
        inputs = {name: row[:, None] for name, row in zip(log_inputs, cells, strict=True)}
        log_loss = curve.predict(params, inputs)
        summaries = [_summary(jnp.exp(log_loss + row), quantiles) for row in scatter]
        return jax.tree.map(lambda *kinds: jnp.stack(kinds), *summaries)

    cells = jnp.stack(list(log_inputs.values()))
    no_weights = jnp.zeros((1, 1))
    return in_blocks(summarise, cells, no_weights, cells_per_block)


def _sorted(loss: Array) -> Array:
    """Return each row in order."""
    return jax.lax.sort(loss, is_stable=False)


def _sorted_by_bits(loss: Array) -> Array:
    """Return each row of positive numbers in order, which is that of their bits."""
    bits_type = jnp.uint64 if loss.dtype == jnp.float64 else jnp.uint32
    bits = jax.lax.sort(jax.lax.bitcast_convert_type(loss, bits_type), is_stable=False)
    return jax.lax.bitcast_convert_type(bits, loss.dtype)


def _summary(loss: Array, quantiles: tuple[float, ...]) -> Summary:
    """Return mean, sd and quantiles of each row of losses, shape (cells, draws)."""
    draws = loss.shape[-1]
    ordered = jax.lax.platform_dependent(loss, cpu=_sorted_by_bits, default=_sorted)
    ranks = np.array([quantile * (draws - 1) for quantile in quantiles])
    below = np.floor(ranks).astype(int)
    fraction = ranks - below
    low = ordered[:, below]
    high = ordered[:, np.minimum(below + 1, draws - 1)]
    # Two infinite neighbours have no difference, and zero times an infinite one is not a number.
    interpolated = low + (high - low) * fraction.astype(loss.dtype)
    quantile_values = jnp.where((fraction > 0) & (high > low), interpolated, low)
    # The median is within one sd of the mean, so deviations from it lose no digits, in float32
    # either.
    median = ordered[:, draws // 2, None]
    deviation = loss - median
    shift = jnp.mean(deviation, axis=-1)
    bessel = draws / max(draws - 1, 1)
    variance = (jnp.mean(jnp.square(deviation), axis=-1) - jnp.square(shift)) * bessel
    sd = jnp.sqrt(jnp.maximum(variance, 0))
    return Summary(median[:, 0] + shift, sd, quantile_values.T)
