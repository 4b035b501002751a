"""Work through a batch in blocks, so that a block's intermediates stay in cache and memory is
bounded whatever the batch.

Devices share out the blocks, which are as many as devices at least and equally large.
"""

from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jax import Array

from bayescale.kernels.mesh import in_every_process, over_devices, whole_shares

# With 240 runs in float64 the ten arrays of an evaluation of 500 members fill a second-level cache;
# measured best on two CPUs.
BLOCK = 500


def in_blocks(
    work: Callable[[Array, Array], Any],
    columns: Annotated[Array, "coordinates batch"],
    weights: Annotated[Array, "runs #batch"],
    block: int = BLOCK,
) -> Any:
    """Apply ``work(columns, weights)`` to one block of the batch after another.

    Parameters
    ----------
    work : callable
        Takes columns, shape (coordinates, block), and weights, shape (runs, block) or (runs, 1);
        returns a pytree of arrays whose last axis is the block.
    columns : Array, shape (coordinates, batch)
    weights : Array, shape (runs, batch) or (runs, 1)
    block : int
        Members at most.

    Returns
    -------
    pytree of arrays whose last axis is the batch
    """
    batch = columns.shape[-1]
    blocks = whole_shares(-(-batch // block))
    block = -(-batch // blocks)

    def split(array: Array) -> Array:
        # Copies of the last member fill up the last block: they converge when their original does.
        whole = jnp.pad(array, ((0, 0), (0, blocks * block - batch)), mode="edge")
        return jnp.moveaxis(whole.reshape(len(array), blocks, block), 1, 0)

    def join(array: Array) -> Array:
        whole = jnp.moveaxis(array, 0, -2)
        return whole.reshape(*whole.shape[:-2], -1)[..., :batch]

    if weights.shape[-1] == 1:
        parts = over_devices(
            lambda own: jax.lax.map(lambda c: work(c, weights), own), split(columns)
        )
    else:
        parts = over_devices(
            lambda *own: jax.lax.map(lambda cw: work(*cw), own), split(columns), split(weights)
        )
    return in_every_process(jax.tree.map(join, parts))
