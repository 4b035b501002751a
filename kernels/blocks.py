"""Functions that process a batch in blocks.

The intermediate arrays of one block stay in a CPU's cache (`sizes`), and the memory needed does
not grow with the batch. Blocks are of equal size and are divided among the devices; there are at
least as many blocks as devices.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from bayescale.kernels.mesh import in_every_process, over_devices, padded_count
from bayescale.kernels.sizes import sizes

Tree = TypeVar("Tree")


def in_blocks(
    work: Callable[[Array, Array], Tree],
    columns: Annotated[Array, "coordinates batch"],
    weights: Annotated[Array, "runs #batch"],
    block: int | None = None,
) -> Tree:
    """Apply ``work(columns, weights)`` to one block of the batch after another.

    Parameters
    ----------
    work : callable
        Takes columns, shape (coordinates, block), and weights, shape (runs, block) or (runs, 1);
        returns a pytree of arrays whose last axis is the block.
    columns : Array, shape (coordinates, batch)
    weights : Array, shape (runs, batch) or (runs, 1)
    block : int, optional
        Largest number of members in a block; unless given, as many as suit the device.

    Returns
    -------
    pytree of arrays whose last axis is the batch
    """
    batch = columns.shape[-1]
    most = sizes().members if block is None else block
    n_blocks = padded_count(-(-batch // most))
    block_size = -(-batch // n_blocks)
    padding = n_blocks * block_size - batch

    def split(array: Array) -> Array:
        # Copies of the last member fill up the last block: they converge when the original does.
        padded = jnp.pad(array, ((0, 0), (0, padding)), mode="edge")
        return jnp.moveaxis(padded.reshape(len(array), n_blocks, block_size), 1, 0)

    def join(array: Array) -> Array:
        batch_last = jnp.moveaxis(array, 0, -2)
        return batch_last.reshape(*batch_last.shape[:-2], -1)[..., :batch]

    def map_columns(column_blocks: Array) -> Tree:
        return jax.lax.map(lambda block: work(block, weights), column_blocks)

    def map_columns_and_weights(column_blocks: Array, weight_blocks: Array) -> Tree:
        return jax.lax.map(lambda pair: work(pair[0], pair[1]), (column_blocks, weight_blocks))

    if weights.shape[-1] == 1:
        results = over_devices(map_columns, split(columns))
    else:
        results = over_devices(map_columns_and_weights, split(columns), split(weights))
    return in_every_process(jax.tree.map(join, results))
