"""What the optimisers minimise, and how its derivatives are taken for a whole batch at once.

    F(v) = Σ_i w_i ρ(r_i(v), v) + penalty(v)

r_i is the residual of run i, ρ a negative log density (or a robust loss) of the residual, and v a vector of unconstrained
coordinates: first those that move the prediction, then those that shape ρ, such as the logarithm of a scale.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

Columns = Sequence[Array]
Matrix = list[list[Array]]

# Search.status
CONVERGED, STEP_LIMIT, NOT_FINITE = 0, 1, 2

_TINY = 1e-300


class Objective(Protocol):
    """A hashable object with the three parts of F; equal objects share their compiled kernels.

    Coordinates arrive as a sequence of arrays of shape (batch,); data are any pytree of arrays whose leading axis is runs and
    which broadcast against the batch, that is of shape (runs, 1).
    """

    @property
    def n_predictive(self) -> int:
        """How many leading coordinates move the prediction; the others shape ρ."""

    def residual(self, coordinates: Columns, data: Any) -> Array:
        """r, shape (runs, batch)."""

    def rho(self, residual: Array, coordinates: Columns, data: Any) -> Array:
        """ρ, shape (runs, batch); symmetric in the residual, least at zero."""

    def penalty(self, coordinates: Columns) -> Array:
        """Added to the sum, shape (batch,): a negative log prior, or zero."""


class Search(NamedTuple):
    """Where an optimiser ended, for each column of the batch.

    Attributes
    ----------
    coordinates : Array, shape (coordinates, batch)
    value : Array, shape (batch,)
        F there.
    gradient_norm : Array, shape (batch,)
        Largest absolute component of the gradient of F there, divided by |F|.
    status : Array of int, shape (batch,)
        0 converged, 1 stopped by the step limit, 2 never finite.
    """

    coordinates: Array
    value: Array
    gradient_norm: Array
    status: Array


def value(objective: Objective, coordinates: Columns, data: Any, weights: Array) -> Array:
    """F, shape (batch,)."""
    rho = objective.rho(objective.residual(coordinates, data), coordinates, data)
    return jnp.sum(weights * rho, axis=0) + objective.penalty(coordinates)


def reweighted_curvature(
    objective: Objective, coordinates: Columns, data: Any, weights: Array
) -> tuple[Array, Columns, Matrix]:
    """F, its gradient and a positive curvature that never underestimates how ρ bends away from zero.

    The predictive block is Jᵀ diag(w ρ'(r)/r) J, the matrix of iteratively reweighted least squares; the other coordinates
    get the absolute row sums of their own Hessian, a diagonal that bounds it.

    Returns
    -------
    value : Array, shape (batch,)
    gradient : list of arrays of shape (batch,)
    curvature : lower triangle as lists of arrays of shape (batch,)
    """
    p = objective.n_predictive
    v = tuple(coordinates)
    residual = objective.residual(v, data)

    def residual_along(direction: tuple[Array, ...]) -> Array:
        along: Array = jax.jvp(lambda u: objective.residual(u, data), (v,), (direction,))[1]
        return jnp.broadcast_to(along, residual.shape)

    columns = [residual_along(direction) for direction in _axes(v)[:p]]
    rho, slope = jax.jvp(lambda r: objective.rho(r, v, data), (residual,), (jnp.ones_like(residual),))
    pull = weights * slope
    stiffness = weights * jnp.maximum(jnp.abs(slope), _TINY) / jnp.maximum(jnp.abs(residual), _TINY**0.5)

    def shape_of_rho(u: Columns) -> Array:
        return jnp.sum(weights * objective.rho(residual, (*v[:p], *u), data), axis=0)

    gradient = [jnp.sum(pull * column, axis=0) for column in columns] + _gradient(shape_of_rho, v[p:])
    gradient = [g + h for g, h in zip(gradient, _gradient(objective.penalty, v), strict=True)]
    curvature = [[jnp.zeros_like(gradient[0]) for _ in range(i)] + [b] for i, b in enumerate(_row_sums(objective.penalty, v))]
    for i in range(p):
        for j in range(i + 1):
            curvature[i][j] += jnp.sum(stiffness * columns[i] * columns[j], axis=0)
    for i, bound in enumerate(_row_sums(shape_of_rho, v[p:]), start=p):
        curvature[i][i] += bound
    return jnp.sum(weights * rho, axis=0) + objective.penalty(v), gradient, curvature


def exact_curvature(objective: Objective, coordinates: Columns, data: Any, weights: Array) -> tuple[Array, Columns, Matrix]:
    """F, its gradient and its exact Hessian, which need not be positive definite; returned as by `reweighted_curvature`."""
    v = tuple(coordinates)

    def total(u: Columns) -> Array:
        return value(objective, u, data, weights)

    full = _hessian(total, v)
    return total(v), _gradient(total, v), [[full[i, j] for j in range(i + 1)] for i in range(len(v))]


def _gradient(function: Callable[[Columns], Array], at: tuple[Array, ...]) -> list[Array]:
    # Members of a batch do not touch each other, so the gradient of the sum over the batch is every member's own.
    return list(jax.grad(lambda v: jnp.sum(function(v)))(at))


def _hessian(function: Callable[[Columns], Array], at: tuple[Array, ...]) -> Array:
    # Forward over reverse, all directions in one traced pass: unrolled, XLA takes minutes to compile seven coordinates.
    def along(direction: tuple[Array, ...]) -> Array:
        return jnp.stack(jax.jvp(lambda v: _gradient(function, v), (at,), (direction,))[1])

    directions = tuple(jnp.stack(parts) for parts in zip(*_axes(at), strict=True))
    full: Array = jax.vmap(along)(directions)
    return full


def _row_sums(function: Callable[[Columns], Array], at: tuple[Array, ...]) -> list[Array]:
    # Absolute row sums on the diagonal make a matrix that is never less than the Hessian.
    return list(jnp.sum(jnp.abs(_hessian(function, at)), axis=1)) if at else []


def _axes(at: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    return [tuple(jnp.ones_like(c) if i == j else jnp.zeros_like(c) for j, c in enumerate(at)) for i in range(len(at))]
