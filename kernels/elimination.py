"""Log determinants and quadratic forms of many positive definite matrices, by elimination.

Elimination of P from the bordered matrix [P, b; b', 0] leaves −b' P⁻¹ b in its corner, and the
product of the pivots is |P|. Each step is elementwise over the batch, as in `kernels.cholesky`, but
the size of the program does not depend on the size of the matrix. Avoid a batch of library
factorisations inside a compiled loop on CPUs: it was seen to deadlock with two threads.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array


def logdet_and_quadratic(
    matrix: Annotated[Array, "size size batch"], right: Annotated[Array, "size batch"]
) -> tuple[Annotated[Array, "batch"], Annotated[Array, "batch"]]:
    """Return the log determinant log |P| and the quadratic form b' P⁻¹ b.

    Parameters
    ----------
    matrix : Array, shape (size, size, batch)
        P, positive definite.
    right : Array, shape (size, batch)
        b.

    Returns
    -------
    log_determinant, quadratic : Array, shape (batch,)
    """
    upper = jnp.concatenate([matrix, right[None]], axis=0)
    border = jnp.concatenate([right, jnp.zeros_like(right[:1])], axis=0)
    bordered = jnp.concatenate([upper, border[:, None]], axis=1)

    def eliminate(remainder: Array, index: Array) -> tuple[Array, Array]:
        row = remainder[index]
        pivot = row[index]
        # Eliminated rows become zero, up to rounding.
        return remainder - row[:, None] * (row / pivot)[None], jnp.log(pivot)

    remainder, log_pivots = jax.lax.scan(eliminate, bordered, jnp.arange(len(right)))
    return jnp.sum(log_pivots, axis=0), -remainder[-1, -1]
