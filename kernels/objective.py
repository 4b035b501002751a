"""The function that the optimisers minimise, and its derivatives for a whole batch at once.

    F(v) = Σ_i w_i ρ(r_i(v), v) + Σ_j penalty_j(v_j)

r_i is the residual of run i, ρ a negative log density (or a robust loss) of the residual, and v a
vector of unconstrained coordinates: first the coordinates of the prediction, then the coordinates
of ρ, such as the logarithm of a scale.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Columns = Sequence[Array]
Matrix = list[list[Array]]

# Each objective defines its own data: any pytree of arrays of shape (runs, 1).
Data: TypeAlias = Any

# Values of Search.status.
CONVERGED = 0
STEP_LIMIT = 1
NOT_FINITE = 2


class Objective(Protocol):
    """A hashable object with the three parts of F; equal objects share their compiled kernels.

    Coordinates are a sequence of arrays of shape (batch,). Data are any pytree of arrays whose
    leading axis is runs and which broadcast against the batch, that is, of shape (runs, 1).
    """

    @property
    def n_predictive(self) -> int:
        """Number of leading coordinates that change the prediction; the others change ρ."""

    def residual(self, coordinates: Columns, data: Data) -> Array:
        """Return the residuals r, shape (runs, batch)."""

    def rho(self, residual: Array, coordinates: Columns, data: Data) -> Array:
        """Return ρ, shape (runs, batch).

        It is symmetric in the residual and has its minimum at zero.
        """

    def penalty(self, coordinates: Columns) -> Columns:
        """Return the penalties: the negative log prior of each coordinate, or zeros.

        There is one term a coordinate, shape (batch,), a function of that coordinate alone.
        """


class Search(NamedTuple):
    """The result of an optimiser, for each column of the batch.

    Attributes
    ----------
    coordinates : Array, shape (coordinates, batch)
        Point where the optimiser ended.
    value : Array, shape (batch,)
        F at that point.
    gradient_norm : Array, shape (batch,)
        Largest absolute component of the gradient of F at that point, divided by |F|.
    status : Array of int, shape (batch,)
        0 converged, 1 stopped by the step limit, 2 never finite.
    """

    coordinates: Array
    value: Array
    gradient_norm: Array
    status: Array


class Evaluation(NamedTuple):
    """F and its derivatives at a point, for each column of the batch.

    Attributes
    ----------
    value : Array, shape (batch,)
    gradient : list of arrays of shape (batch,)
    curvature : lower triangle as lists of arrays of shape (batch,)
    """

    value: Array
    gradient: list[Array]
    curvature: Matrix


def value(objective: Objective, coordinates: Columns, data: Data, weights: Array) -> Array:
    """Return F, shape (batch,)."""
    return _fit(objective, coordinates, data, weights) + sum(objective.penalty(coordinates))


def reweighted_curvature(
    objective: Objective, coordinates: Columns, data: Data, weights: Array
) -> Evaluation:
    """Return F, its gradient and a positive semidefinite curvature.

    The curvature of ρ is not underestimated away from zero. The predictive block is
    Jᵀ diag(w ρ'(r)/r) J, the matrix of iteratively reweighted least squares; the other coordinates
    get the absolute diagonal of their own Hessian.

    Returns
    -------
    Evaluation
    """
    p = objective.n_predictive
    v = tuple(coordinates)
    residual = objective.residual(v, data)

    def derivative_of_residual(direction: Columns) -> Array:
        _, derivative = jax.jvp(lambda u: objective.residual(u, data), (v,), (direction,))
        return jnp.broadcast_to(derivative, residual.shape)

    jacobian = [derivative_of_residual(direction) for direction in _axes(v)[:p]]
    ones = jnp.ones_like(residual)
    rho, slope = jax.jvp(lambda r: objective.rho(r, v, data), (residual,), (ones,))
    weighted_slope = weights * slope
    tiny = jnp.finfo(residual.dtype).tiny
    floored_slope = jnp.maximum(jnp.abs(slope), tiny)
    floored_residual = jnp.maximum(jnp.abs(residual), jnp.sqrt(tiny))
    irls_weights = weights * floored_slope / floored_residual

    def fit_of_shape(u: Columns) -> Array:
        return jnp.sum(weights * objective.rho(residual, v[:p] + tuple(u), data), axis=0)

    gradient = [jnp.sum(weighted_slope * column, axis=0) for column in jacobian]
    shape_curvature: list[Array] = []
    for direction in _axes(v[p:]):
        first, second = _two_derivatives(fit_of_shape, v[p:], direction)
        gradient.append(first)
        shape_curvature.append(second)
    penalty, penalty_slope, penalty_curvature = _penalty(objective, v)
    curvature = _diagonal(jax.tree.map(jnp.abs, list(penalty_curvature)))
    for i in range(p):
        for j in range(i + 1):
            curvature[i][j] += jnp.sum(irls_weights * jacobian[i] * jacobian[j], axis=0)
    for i, second in enumerate(shape_curvature, start=p):
        curvature[i][i] += jnp.abs(second)
    total = jnp.sum(weights * rho, axis=0) + sum(penalty)
    return Evaluation(total, _added(gradient, penalty_slope), curvature)


def exact_curvature(
    objective: Objective, coordinates: Columns, data: Data, weights: Array
) -> Evaluation:
    """Return F, its gradient and its exact Hessian, which need not be positive definite.

    Returns
    -------
    Evaluation
    """
    v = tuple(coordinates)

    def total_fit(u: Columns) -> Array:
        return jnp.sum(_fit(objective, u, data, weights))

    def gradient_of_fit(u: Columns) -> list[Array]:
        # Members of a batch are independent, so the gradient of the sum over the batch holds the
        # gradient of every member.
        return list(jax.grad(total_fit)(tuple(u)))

    def hessian_row(direction: Columns) -> Array:
        _, row = jax.jvp(gradient_of_fit, (v,), (direction,))
        return jnp.stack(row)

    # All directions in one traced pass: unrolled, XLA takes minutes to compile seven coordinates.
    directions = tuple(jnp.stack(parts) for parts in zip(*_axes(v), strict=True))
    full = jax.vmap(hessian_row)(directions)
    penalty, penalty_slope, penalty_curvature = _penalty(objective, v)
    hessian: Matrix = []
    for i in range(len(v)):
        row = [full[i, j] for j in range(i)]
        row.append(full[i, i] + penalty_curvature[i])
        hessian.append(row)
    gradient = _added(gradient_of_fit(v), penalty_slope)
    return Evaluation(_fit(objective, v, data, weights) + sum(penalty), gradient, hessian)


def _fit(objective: Objective, coordinates: Columns, data: Data, weights: Array) -> Array:
    """Return F without its penalties, shape (batch,)."""
    residual = objective.residual(coordinates, data)
    return jnp.sum(weights * objective.rho(residual, coordinates, data), axis=0)


def _penalty(objective: Objective, at: Columns) -> tuple[Columns, Columns, Columns]:
    """Return the penalties with their first and second derivatives."""
    # Each term is a function of its own coordinate alone, so one direction of ones gives the
    # derivatives of every term.
    ones = jax.tree.map(jnp.ones_like, tuple(at))

    def slope(u: Columns) -> Columns:
        return jax.jvp(objective.penalty, (u,), (ones,))[1]

    first, second = jax.jvp(slope, (at,), (ones,))
    return objective.penalty(at), first, second


def _two_derivatives(
    function: Callable[[Columns], Array], at: Columns, direction: Columns
) -> tuple[Array, Array]:
    """Return the first and the second derivative of a function along a direction."""

    def slope(u: Columns) -> Array:
        return jax.jvp(function, (u,), (direction,))[1]

    return jax.jvp(slope, (at,), (direction,))


def _axes(at: Columns) -> list[tuple[Array, ...]]:
    """Return the unit vectors of all coordinates."""
    axes: list[tuple[Array, ...]] = []
    for i in range(len(at)):
        axis = jax.tree.map(jnp.zeros_like, list(at))
        axis[i] = jnp.ones_like(at[i])
        axes.append(tuple(axis))
    return axes


def _diagonal(entries: Columns) -> Matrix:
    """Return the lower triangle of a diagonal matrix."""
    rows: Matrix = []
    for i, entry in enumerate(entries):
        row = [jnp.zeros_like(entry)] * i
        row.append(entry)
        rows.append(row)
    return rows


def _added(left: Columns, right: Columns) -> list[Array]:
    return [a + b for a, b in zip(left, right, strict=True)]
