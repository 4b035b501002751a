"""Damped Newton steps with the exact Hessian, for starting points close to a minimum.

Reweighted least squares converges only linearly where ρ is nearly an absolute value; Newton's
method on the same objective then reaches the minimum in a few steps. Where the Hessian is not
positive definite, a diagonal upper bound replaces it, so that every step goes downhill.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels import cholesky
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.levenberg_marquardt import damped, no_evaluation
from bayescale.kernels.objective import (
    CONVERGED,
    NOT_FINITE,
    STEP_LIMIT,
    Data,
    Evaluation,
    Matrix,
    Objective,
    Search,
    exact_curvature,
)

_FIRST_DAMPING = 1e-8
_LEAST_GROWN_DAMPING = 1e-6
_HOPELESS_DAMPING = 1e12
# A member has converged when its next step promises to lower F by less than this share of it.
_NEGLIGIBLE_DECREASE = 1e-14


@jit_for(Use.SEARCH, "objective")
def newton(
    objective: Objective,
    start: Annotated[Array, "coordinates batch"],
    data: Data,
    weights: Annotated[Array, "runs #batch"],
    *,
    steps: int = 30,
) -> tuple[Search, Array]:
    """Minimise F from points that are close to a minimum.

    Parameters
    ----------
    objective : Objective
    start : Array, shape (coordinates, batch)
    data : pytree of arrays, shape (runs, 1)
    weights : Array, shape (runs, 1) or (runs, batch)
    steps : int
        Largest number of evaluations.

    Returns
    -------
    Search
    hessian : Array, shape (coordinates, coordinates, batch)
        The Hessian of F where the search ended.
    """

    def minimise(columns: Array, weights: Array) -> tuple[Search, Array]:
        return _minimise_block(objective, columns, data, weights, steps)

    return in_blocks(minimise, start, weights)


class _State(NamedTuple):
    """The state of a search: the next trial point, the best point, and F's expansion there."""

    step: Array
    trial: Array
    best: Array
    evaluation: Evaluation
    damping: Array
    active: Array


def _minimise_block(
    objective: Objective, start: Array, data: Data, weights: Array, steps: int
) -> tuple[Search, Array]:
    def unfinished(state: _State) -> Array:
        return (state.step < steps) & jnp.any(state.active)

    def advance(state: _State) -> _State:
        trial = exact_curvature(objective, tuple(state.trial), data, weights)
        better = state.active & (trial.value < state.evaluation.value)
        best = jnp.where(better, state.trial, state.best)
        value, gradient, curvature = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), trial, state.evaluation
        )
        grown = 10 * jnp.maximum(state.damping, _LEAST_GROWN_DAMPING)
        damping = jnp.where(better, 0.1 * state.damping, grown)
        _, positive = cholesky.factor(curvature)
        lower, _ = cholesky.factor(damped(_positive_definite(curvature, positive), damping))
        move = cholesky.solve(lower, gradient)
        promised = sum(g * s for g, s in zip(gradient, move, strict=True))
        promising = promised > _NEGLIGIBLE_DECREASE * jnp.abs(value)
        more = promising & (damping < _HOPELESS_DAMPING) & jnp.isfinite(value)
        return _State(
            step=state.step + 1,
            trial=best - jnp.stack(move),
            best=best,
            evaluation=Evaluation(value, gradient, curvature),
            damping=damping,
            active=state.active & more,
        )

    first = _State(
        step=jnp.array(0),
        trial=start,
        best=start,
        evaluation=no_evaluation(start),
        damping=jnp.full_like(start[0], _FIRST_DAMPING),
        active=jnp.ones_like(start[0], dtype=bool),
    )
    last = jax.lax.while_loop(unfinished, advance, first)
    value, gradient, hessian = last.evaluation
    steepness = jnp.max(jnp.abs(jnp.stack(gradient)), axis=0) / jnp.abs(value)
    finite_status = jnp.where(last.active, STEP_LIMIT, CONVERGED)
    status = jnp.where(jnp.isfinite(value), finite_status, NOT_FINITE)
    rows = [jnp.stack(row) for row in _full_rows(hessian)]
    return Search(last.best, value, steepness, status), jnp.stack(rows)


def _full_rows(triangle: Matrix) -> Matrix:
    """Return the rows of a symmetric matrix from its lower triangle."""
    size = len(triangle)
    rows: Matrix = []
    for i in range(size):
        beyond_diagonal = [triangle[j][i] for j in range(i + 1, size)]
        rows.append(triangle[i] + beyond_diagonal)
    return rows


def _positive_definite(curvature: Matrix, positive: Array) -> Matrix:
    """Replace the members that are not positive definite by a diagonal upper bound.

    The absolute row sums on the diagonal bound the Hessian from above: the step is short, but goes
    downhill.
    """
    row_sums = [sum(jnp.abs(entry) for entry in row) for row in _full_rows(curvature)]
    rows: Matrix = []
    for i, row in enumerate(curvature):
        entries = [jnp.where(positive, entry, 0.0) for entry in row[:i]]
        entries.append(jnp.where(positive, row[i], row_sums[i]))
        rows.append(entries)
    return rows
