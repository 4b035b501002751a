"""The Levenberg–Marquardt method with iteratively reweighted least squares.

It minimises F from thousands of starts, or for thousands of bootstrap replicates, in one program.

Each step solves (H + λ diag H) s = −g with the reweighted curvature H of
`objective.reweighted_curvature`. A step that lowers F is accepted and λ shrinks; any other step is
rejected and λ grows, so F never rises. One evaluation a step gives value, gradient and curvature of
the trial point, and a block of the batch stops when all its members have converged.

Reweighting overstates the curvature of ρ, up to twice for heavy tails and without limit for
absolute values, so its steps are short. Each member therefore stretches its steps: the stretch is
estimated from the point where the slope along its last step would vanish. On 240 runs under a Huber
objective this takes 30 steps to a relative 10⁻⁹, where plain steps take 40 to 10⁻⁶.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels import cholesky
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.objective import (
    CONVERGED,
    NOT_FINITE,
    STEP_LIMIT,
    Columns,
    Data,
    Evaluation,
    Matrix,
    Objective,
    Search,
    reweighted_curvature,
)

_FIRST_DAMPING = 1e-3
_LEAST_DAMPING = 1e-9
_HOPELESS_DAMPING = 1e8
_SHRINK = 0.1
_GROW = 4.0
_LONGEST_STRETCH = 3.0


@jit_for(Use.SEARCH, "objective")
def levenberg_marquardt(
    objective: Objective,
    start: Annotated[Array, "coordinates batch"],
    data: Data,
    weights: Annotated[Array, "runs #batch"],
    *,
    steps: int = 30,
    tolerance: float = 1e-9,
) -> Search:
    """Minimise F from every start.

    Parameters
    ----------
    objective : Objective
    start : Array, shape (coordinates, batch)
    data : pytree of arrays, shape (runs, 1)
    weights : Array, shape (runs, 1) or (runs, batch)
        Weight of each run, common to the batch or one column a member.
    steps : int
        Largest number of evaluations.
    tolerance : float
        Converged when an accepted step lowers F by less than this share of it.

    Returns
    -------
    Search
    """

    def minimise(columns: Array, weights: Array) -> Search:
        return _minimise_block(objective, columns, data, weights, steps, tolerance)

    return in_blocks(minimise, start, weights)


class _State(NamedTuple):
    """The state of a search: the next trial point, the best point, and F's expansion there."""

    step: Array
    trial: Array
    best: Array
    evaluation: Evaluation
    damping: Array
    stretch: Array
    active: Array


def _minimise_block(
    objective: Objective, start: Array, data: Data, weights: Array, steps: int, tolerance: float
) -> Search:
    def unfinished(state: _State) -> Array:
        return (state.step < steps) & jnp.any(state.active)

    def advance(state: _State) -> _State:
        # The trial point is evaluated first, so that the program holds the evaluation once: the
        # first trial is the start.
        trial = reweighted_curvature(objective, tuple(state.trial), data, weights)
        decrease = state.evaluation.value - trial.value
        better = state.active & (trial.value < state.evaluation.value)
        small = better & (decrease <= tolerance * jnp.abs(trial.value))
        last_move = state.trial - state.best
        longer = _stretched(state.stretch, state.evaluation.gradient, trial.gradient, last_move)
        stretch = jnp.where(better, longer, 1.0)
        best = jnp.where(better, state.trial, state.best)
        evaluation = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), trial, state.evaluation
        )
        shrunk = jnp.maximum(state.damping * _SHRINK, _LEAST_DAMPING)
        damping = jnp.where(better, shrunk, state.damping * _GROW)
        hopeful = (damping < _HOPELESS_DAMPING) & jnp.isfinite(evaluation.value)
        lower, _ = cholesky.factor(damped(evaluation.curvature, damping))
        move = stretch * jnp.stack(cholesky.solve(lower, evaluation.gradient))
        return _State(
            step=state.step + 1,
            trial=best - move,
            best=best,
            evaluation=evaluation,
            damping=damping,
            stretch=stretch,
            active=state.active & ~small & hopeful,
        )

    damping = jnp.full_like(start[0], _FIRST_DAMPING)
    first = _State(
        step=jnp.array(0),
        trial=start,
        best=start,
        evaluation=no_evaluation(start),
        damping=damping,
        stretch=jnp.ones_like(damping),
        active=jnp.ones_like(start[0], dtype=bool),
    )
    last = jax.lax.while_loop(unfinished, advance, first)
    value, gradient, _ = last.evaluation
    steepness = jnp.max(jnp.abs(jnp.stack(gradient)), axis=0) / jnp.abs(value)
    finite_status = jnp.where(last.active, STEP_LIMIT, CONVERGED)
    status = jnp.where(jnp.isfinite(value), finite_status, NOT_FINITE)
    return Search(last.best, value, steepness, status)


def _stretched(stretch: Array, before: Columns, after: Columns, move: Array) -> Array:
    """Return the factor by which to stretch the next step.

    The secant of the slope along the last move estimates how long the move should have been; the
    square root of that ratio is used, for caution.
    """
    slope_before = jnp.sum(jnp.stack(before) * move, axis=0)
    slope_after = jnp.sum(jnp.stack(after) * move, axis=0)
    change = slope_before - slope_after
    ratio = jnp.where(change < 0, slope_before / change, _LONGEST_STRETCH)
    return jnp.clip(stretch * jnp.sqrt(jnp.maximum(ratio, 0.0)), 1.0, _LONGEST_STRETCH)


def no_evaluation(start: Array) -> Evaluation:
    """Return an infinite evaluation for the state before the first trial.

    Any finite value of F is then an improvement.
    """
    infinite = jnp.full_like(start[0], jnp.inf)
    size = len(start)
    triangle = [[infinite] * (i + 1) for i in range(size)]
    return Evaluation(infinite, [infinite] * size, triangle)


def damped(curvature: Matrix, damping: Array) -> Matrix:
    """Return the curvature with its diagonal enlarged by the share ``damping``."""
    rows: Matrix = []
    for i, row in enumerate(curvature):
        entries = list(row)
        entries[i] = row[i] * (1 + damping)
        rows.append(entries)
    return rows
