"""Log determinants and quadratic forms of many positive definite matrices at once, by elimination.

Of the matrix [P, b; b', 0] elimination of P leaves −b' P⁻¹ b, and its pivots multiply to |P|. Each
step is elementwise over the batch, as in `kernels.cholesky`, but the program does not grow with the
matrix. A batch of library factorisations inside a compiled loop is to be avoided on CPUs: with two
threads it was seen to wait for itself for ever.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array


def logdet_and_quadratic(
    matrix: Annotated[Array, "size size batch"], right: Annotated[Array, "size batch"]
) -> tuple[Annotated[Array, "batch"], Annotated[Array, "batch"]]:
    """log |P| and b' P⁻¹ b.

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
    bordered = jnp.concatenate([matrix, right[None]], axis=0)
    corner = jnp.concatenate([right, jnp.zeros_like(right[:1])], axis=0)
    whole = jnp.concatenate([bordered, corner[:, None]], axis=1)

    def step(left: Array, place: Array) -> tuple[Array, Array]:
        row = left[place]
        pivot = row[place]
        # Rows that are done with are nil, but for rounding.
        return left - row[:, None] * (row / pivot)[None], jnp.log(pivot)

    left, logs = jax.lax.scan(step, whole, jnp.arange(len(right)))
    return jnp.sum(logs, axis=0), -left[-1, -1]
