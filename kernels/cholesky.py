"""Cholesky factors of many tiny matrices at once, written out so that each entry is an array over
the batch.

A library call per 5 × 5 matrix costs more than the whole evaluation of the objective; here every
operation is elementwise over the batch and fuses with what surrounds it.
"""

import jax.numpy as jnp
from jax import Array

from bayescale.kernels.objective import Columns, Matrix

_SMALLEST_PIVOT = 1e-14


def factor(matrix: Matrix) -> tuple[Matrix, Array]:
    """The lower Cholesky factor, and whether the matrix is safely positive definite.

    Parameters
    ----------
    matrix : lower triangle, lists of arrays of shape (batch,)

    Returns
    -------
    factor : lower triangle, lists of arrays of shape (batch,)
        Finite everywhere: a pivot that is not positive is replaced, and reported.
    positive : Array of bool, shape (batch,)
    """
    lower: Matrix = []
    positive = jnp.ones_like(matrix[0][0], dtype=bool)
    for i, row in enumerate(matrix):
        entries: list[Array] = []
        for j in range(i):
            dot = sum((entries[k] * lower[j][k] for k in range(j)), start=jnp.zeros_like(row[j]))
            entries.append((row[j] - dot) / lower[j][j])
        pivot = row[i] - sum((entry**2 for entry in entries), start=jnp.zeros_like(row[i]))
        floor = _SMALLEST_PIVOT * jnp.abs(row[i]) + jnp.finfo(row[i].dtype).tiny
        positive &= pivot > floor
        lower.append([*entries, jnp.sqrt(jnp.maximum(pivot, floor))])
    return lower, positive


def solve(lower: Matrix, right: Columns) -> list[Array]:
    """x in L Lᵀ x = right, for each member of the batch.

    Parameters
    ----------
    lower : lower triangle, lists of arrays of shape (batch,)
    right : list of arrays of shape (batch,)
    """
    size = len(right)
    forward: list[Array] = []
    for i in range(size):
        dot = sum((lower[i][k] * forward[k] for k in range(i)), start=jnp.zeros_like(right[i]))
        forward.append((right[i] - dot) / lower[i][i])
    backward = list(forward)
    for i in reversed(range(size)):
        dot = sum(
            (lower[k][i] * backward[k] for k in range(i + 1, size)), start=jnp.zeros_like(right[i])
        )
        backward[i] = (forward[i] - dot) / lower[i][i]
    return backward
