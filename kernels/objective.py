"""What the optimisers minimise, and how its derivatives are taken for a whole batch at once.

    F(v) = Σ_i w_i ρ(r_i(v), v) + Σ_j penalty_j(v_j)

r_i is the residual of run i, ρ a negative log density (or a robust loss) of the residual, and v a
vector of unconstrained coordinates: first those that move the prediction, then those that shape ρ,
such as the logarithm of a scale.
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


class Objective(Protocol):
    """A hashable object with the three parts of F; equal objects share their compiled kernels.

    Coordinates arrive as a sequence of arrays of shape (batch,); data are any pytree of arrays
    whose leading axis is runs and which broadcast against the batch, that is of shape (runs, 1).
    """

    @property
    def n_predictive(self) -> int:
        """How many leading coordinates move the prediction; the others shape ρ."""

    def residual(self, coordinates: Columns, data: Any) -> Array:
        """r, shape (runs, batch)."""

    def rho(self, residual: Array, coordinates: Columns, data: Any) -> Array:
        """ρ, shape (runs, batch); symmetric in the residual, least at zero."""

    def penalty(self, coordinates: Columns) -> Columns:
        """One term a coordinate, shape (batch,), each a function of that coordinate alone: negative
        log priors, or zeros.
        """


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
    return _fit(objective, coordinates, data, weights) + sum(objective.penalty(coordinates))


def reweighted_curvature(
    objective: Objective, coordinates: Columns, data: Any, weights: Array
) -> tuple[Array, Columns, Matrix]:
    """F, its gradient and a positive curvature that does not underestimate how ρ bends away from
    zero.

    The predictive block is Jᵀ diag(w ρ'(r)/r) J, the matrix of iteratively reweighted least
    squares; the other coordinates get the absolute diagonal of their own Hessian.

    Returns
    -------
    value : Array, shape (batch,)
    gradient : list of arrays of shape (batch,)
    curvature : lower triangle as lists of arrays of shape (batch,)
    """
    p, v = objective.n_predictive, tuple(coordinates)
    residual = objective.residual(v, data)

    def residual_along(direction: tuple[Array, ...]) -> Array:
        return jnp.broadcast_to(
            jax.jvp(lambda u: objective.residual(u, data), (v,), (direction,))[1], residual.shape
        )

    columns = [residual_along(direction) for direction in _axes(v)[:p]]
    rho, slope = jax.jvp(
        lambda r: objective.rho(r, v, data), (residual,), (jnp.ones_like(residual),)
    )
    pull = weights * slope
    tiny = jnp.finfo(residual.dtype).tiny
    stiffness = (
        weights * jnp.maximum(jnp.abs(slope), tiny) / jnp.maximum(jnp.abs(residual), jnp.sqrt(tiny))
    )

    def shape_of_rho(u: Columns) -> Array:
        return jnp.sum(weights * objective.rho(residual, (*v[:p], *u), data), axis=0)

    along_shape = [_two_derivatives(shape_of_rho, v[p:], direction) for direction in _axes(v[p:])]
    penalty, penalty_slope, penalty_curvature = _penalty(objective, v)
    gradient = [jnp.sum(pull * column, axis=0) for column in columns] + [
        slope for slope, _ in along_shape
    ]
    diagonal = [jnp.abs(second) for second in penalty_curvature]
    curvature = [[jnp.zeros_like(b) for _ in range(i)] + [b] for i, b in enumerate(diagonal)]
    for i in range(p):
        for j in range(i + 1):
            curvature[i][j] += jnp.sum(stiffness * columns[i] * columns[j], axis=0)
    for i, (_, second) in enumerate(along_shape, start=p):
        curvature[i][i] += jnp.abs(second)
    total = jnp.sum(weights * rho, axis=0) + sum(penalty)
    return total, [g + s for g, s in zip(gradient, penalty_slope, strict=True)], curvature


def exact_curvature(
    objective: Objective, coordinates: Columns, data: Any, weights: Array
) -> tuple[Array, Columns, Matrix]:
    """F, its gradient and its exact Hessian, which need not be positive definite; returned as by
    `reweighted_curvature`.
    """
    v = tuple(coordinates)

    def gradient_of_fit(u: Columns) -> list[Array]:
        # Members of a batch do not touch each other, so the gradient of the sum over the batch is
        # every member's own.
        return list(jax.grad(lambda w: jnp.sum(_fit(objective, w, data, weights)))(tuple(u)))

    def along(direction: tuple[Array, ...]) -> Array:
        return jnp.stack(jax.jvp(gradient_of_fit, (v,), (direction,))[1])

    # All directions in one traced pass: unrolled, XLA takes minutes to compile seven coordinates.
    full = jax.vmap(along)(tuple(jnp.stack(parts) for parts in zip(*_axes(v), strict=True)))
    penalty, penalty_slope, penalty_curvature = _penalty(objective, v)
    hessian = [
        [full[i, j] + (penalty_curvature[i] if i == j else 0.0) for j in range(i + 1)]
        for i in range(len(v))
    ]
    gradient = [g + s for g, s in zip(gradient_of_fit(v), penalty_slope, strict=True)]
    return _fit(objective, v, data, weights) + sum(penalty), gradient, hessian


def _fit(objective: Objective, coordinates: Columns, data: Any, weights: Array) -> Array:
    return jnp.sum(
        weights * objective.rho(objective.residual(coordinates, data), coordinates, data), axis=0
    )


def _penalty(objective: Objective, at: tuple[Array, ...]) -> tuple[Columns, Columns, Columns]:
    # Each term sees its own coordinate alone, so one direction of ones gives every term's own
    # derivatives.
    ones = tuple(jnp.ones_like(c) for c in at)

    def slope(u: Columns) -> Columns:
        return jax.jvp(objective.penalty, (u,), (ones,))[1]

    first, second = jax.jvp(slope, (at,), (ones,))
    return objective.penalty(at), first, second


def _two_derivatives(
    function: Callable[[Columns], Array], at: Columns, direction: Columns
) -> tuple[Array, Array]:
    return jax.jvp(lambda u: jax.jvp(function, (u,), (direction,))[1], (at,), (direction,))


def _axes(at: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    return [
        tuple(jnp.ones_like(c) if i == j else jnp.zeros_like(c) for j, c in enumerate(at))
        for i in range(len(at))
    ]
