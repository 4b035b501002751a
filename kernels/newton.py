"""Damped Newton steps with the exact Hessian, to finish what reweighted least squares brought near.

Reweighting converges linearly where ρ is nearly an absolute value; Newton's method on the same
objective is then exact in a few steps. Where the Hessian is not positive definite a diagonal bound
stands in, so that every step goes downhill.
"""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels import cholesky
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.levenberg_marquardt import damped, first_state
from bayescale.kernels.objective import (
    CONVERGED,
    NOT_FINITE,
    STEP_LIMIT,
    Matrix,
    Objective,
    Search,
    exact_curvature,
)

_FIRST_DAMPING, _LEAST_GROWN, _HOPELESS_DAMPING = 1e-8, 1e-6, 1e12
_NOTHING_LEFT = 1e-14


@jit_for(Use.OFTEN, "objective")
def newton(
    objective: Objective,
    start: Annotated[Array, "coordinates batch"],
    data: Any,
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
        Evaluations at most.

    Returns
    -------
    Search
    hessian : Array, shape (coordinates, coordinates, batch)
        The Hessian of F where the search ended.
    """
    return in_blocks(lambda own, w: _one_block(objective, own, data, w, steps), start, weights)


def _one_block(
    objective: Objective, start: Array, data: Any, weights: Array, steps: int
) -> tuple[Search, Array]:
    def unfinished(state: tuple[Any, ...]) -> Array:
        step, *_, active = state
        return (step < steps) & jnp.any(active)

    def advance(state: tuple[Any, ...]) -> tuple[Any, ...]:
        step, trial, at, (f, gradient, curvature), damping, active = state
        evaluated = exact_curvature(objective, tuple(trial), data, weights)
        better = active & (evaluated[0] < f)
        at = jnp.where(better, trial, at)
        f, gradient, curvature = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), evaluated, (f, gradient, curvature)
        )
        damping = jnp.where(better, 0.1 * damping, 10 * jnp.maximum(damping, _LEAST_GROWN))
        _, positive = cholesky.factor(curvature)
        lower, _ = cholesky.factor(damped(_downhill(curvature, positive), damping))
        step_down = cholesky.solve(lower, gradient)
        promised = sum(g * s for g, s in zip(gradient, step_down, strict=True))
        more = (
            (promised > _NOTHING_LEFT * jnp.abs(f))
            & (damping < _HOPELESS_DAMPING)
            & jnp.isfinite(f)
        )
        return (
            step + 1,
            at - jnp.stack(step_down),
            at,
            (f, gradient, curvature),
            damping,
            active & more,
        )

    first = first_state(start, _FIRST_DAMPING)
    _, _, at, (f, gradient, exact), _, active = jax.lax.while_loop(unfinished, advance, first)
    steepness = jnp.max(jnp.abs(jnp.stack(gradient)), axis=0) / jnp.abs(f)
    status = jnp.where(jnp.isfinite(f), jnp.where(active, STEP_LIMIT, CONVERGED), NOT_FINITE)
    size = len(exact)
    full = jnp.stack(
        [jnp.stack([exact[max(i, j)][min(i, j)] for j in range(size)]) for i in range(size)]
    )
    return Search(at, f, steepness, status), full


def _downhill(curvature: Matrix, positive: Array) -> Matrix:
    # The absolute row sums on the diagonal bound the Hessian from above: a short step, but one that
    # goes down.
    size = len(curvature)
    sums = [sum(jnp.abs(curvature[max(i, j)][min(i, j)]) for j in range(size)) for i in range(size)]
    return [
        [jnp.where(positive, entry, sums[i] if i == j else 0.0) for j, entry in enumerate(row)]
        for i, row in enumerate(curvature)
    ]
