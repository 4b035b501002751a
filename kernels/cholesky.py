"""Cholesky factors of many tiny matrices at once, with each entry an array over the batch.

A library call per 5 × 5 matrix costs more than the evaluation of the objective; here every
operation is elementwise over the batch, so that XLA fuses it with the operations around it.
"""

import jax.numpy as jnp
from jax import Array

from bayescale.kernels.objective import Columns, Matrix

_SMALLEST_PIVOT = 1e-14


def factor(matrix: Matrix) -> tuple[Matrix, Array]:
    """Return the lower Cholesky factor, and whether the matrix is safely positive definite.

    Parameters
    ----------
    matrix : lower triangle, lists of arrays of shape (batch,)

    Returns
    -------
    factor : lower triangle, lists of arrays of shape (batch,)
        Finite everywhere: a pivot that is not positive is replaced, and reported in `positive`.
    positive : Array of bool, shape (batch,)
    """
    lower: Matrix = []
    positive = jnp.ones_like(matrix[0][0], dtype=bool)
    for i, row in enumerate(matrix):
        entries: list[Array] = []
        for j in range(i):
            remainder = row[j] - _dot(entries[:j], lower[j][:j], like=row[j])
            entries.append(remainder / lower[j][j])
        pivot = row[i] - _dot(entries, entries, like=row[i])
        floor = _SMALLEST_PIVOT * jnp.abs(row[i]) + jnp.finfo(row[i].dtype).tiny
        positive &= pivot > floor
        entries.append(jnp.sqrt(jnp.maximum(pivot, floor)))
        lower.append(entries)
    return lower, positive


def solve(lower: Matrix, right: Columns) -> list[Array]:
    """Return the solution x of L Lᵀ x = right, for each member of the batch.

    Parameters
    ----------
    lower : lower triangle, lists of arrays of shape (batch,)
    right : list of arrays of shape (batch,)
    """
    size = len(right)
    forward: list[Array] = []
    for i in range(size):
        remainder = right[i] - _dot(lower[i][:i], forward, like=right[i])
        forward.append(remainder / lower[i][i])
    backward = list(forward)
    for i in reversed(range(size)):
        below = [lower[k][i] for k in range(i + 1, size)]
        remainder = forward[i] - _dot(below, backward[i + 1 :], like=right[i])
        backward[i] = remainder / lower[i][i]
    return backward


def _dot(left: Columns, right: Columns, like: Array) -> Array:
    """Return the inner product of two sequences of arrays; zeros like `like` if they are empty."""
    total = jnp.zeros_like(like)
    for a, b in zip(left, right, strict=True):
        total = total + a * b
    return total
