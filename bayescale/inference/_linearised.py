"""A law that is a sum of powers, under any likelihood, as least squares at every node of a grid of
exponents.

Least squares on loss are what `bayescale.kernels` marginalises in closed form. Noise on log loss
and heavy tails are brought to that form by Fisher scoring: about a fit with predictions μ and
residuals r of log loss, a likelihood with negative log density ρ and information κ is to second
order that of responses μ(1 + ρ'(r)/κ) with weights κ/μ². The fit is the best node, so weights and
node are found in turn until they rest. It is a proposal: `_weighing` corrects it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.inference._coordinates import constrained
from bayescale.inference._data import Data
from bayescale.inference._exponent_grid import ExponentGrid, Range
from bayescale.inference.base import Problem, Target
from bayescale.kernels import centre_response, evaluate_grid, evaluate_pairs, power_columns
from bayescale.kernels.additive_grid import CentredResponse, Nodes, PowerColumns
from bayescale.kernels.sizes import sizes
from bayescale.laws.base import Term

_WIDE_ROUNDS, _CLOSE_ROUNDS, _COARSE = 4, 3, 128
_NEGLIGIBLE = 30.0


@dataclass(frozen=True)
class Plane:
    """The terms of a law on a grid: a constant level, and one or two powers.

    Two powers with one exponent, or one power, make a grid of one column.
    """

    constant: Term
    powers: tuple[Term, ...]

    @classmethod
    def of(cls, target: Target) -> "Plane":
        """Return a target's terms; raise InputError where its law is no such sum."""
        terms = target.law.terms
        params, powers = (
            [t for t in terms if t.exponent is None],
            tuple(t for t in terms if t.exponent is not None),
        )
        if len(params) != 1 or len(powers) not in (1, 2):
            raise InputError(
                f"grid handles laws that are a constant and one or two powers, and "
                f"{target.law.formula} ({name_of(target.law)}) is none. Use NUTS() as the method "
                f"(--method nuts), or a law such as law=bs.laws.Chinchilla() (--law chinchilla)."
            )
        return cls(params[0], powers)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels' names, the constant's first."""
        return tuple(term.level for term in (self.constant, *self.powers))

    @property
    def exponents(self) -> tuple[str, ...]:
        """The exponents' names, each once."""
        return tuple(dict.fromkeys(str(term.exponent) for term in self.powers))

    @property
    def common(self) -> bool:
        """Return whether two powers share one exponent."""
        return len(self.powers) > len(self.exponents)


class Working(NamedTuple):
    """Responses and weights of the least squares, each of shape (runs,)."""

    values: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Settled:
    """The least squares and the grid at which reweighting came to rest.

    Attributes
    ----------
    working : Working
    grid : ExponentGrid
        The final grid.
    scale, scale_covariance : array, shapes (p,) and (p, p)
        Mode and inverse Hessian of the noise parameters' coordinates, given the residuals of the
        best node.
    """

    working: Working
    grid: ExponentGrid
    scale: np.ndarray
    scale_covariance: np.ndarray


def settle(problem: Problem, plane: Plane, ranges: tuple[Range, ...], nodes: int) -> Settled:
    """Reweight on coarse grids over the whole ranges, then on ever closer ones around what mass
    there is.

    Parameters
    ----------
    problem : Problem
    plane : Plane
    ranges : tuple of (low, high)
        One for each exponent.
    nodes : int
        Of each axis of the final grid.
    """
    target, data, weights = problem.target, problem.data, problem.weights
    loss = jnp.exp(data.observed[:, 0])
    working = Working(loss, weights[:, 0] / loss**2)
    grid = ExponentGrid.over(ranges, _COARSE)
    for round_ in range(_WIDE_ROUNDS + _CLOSE_ROUNDS):
        log_mass = log_masses(target, plane, grid.pair, working, data)
        residual, log_prediction = _best_fit(target, plane, grid.pair, working, data, log_mass)
        scale, hessian = _scale(target, residual, data, weights)
        working = _reweighted(target, residual, log_prediction, scale, data, weights)
        if round_ >= _WIDE_ROUNDS - 1:
            size = nodes if round_ == _WIDE_ROUNDS + _CLOSE_ROUNDS - 1 else _COARSE
            kept = np.asarray(log_mass) > np.max(log_mass) - _NEGLIGIBLE
            grid = grid.closer(kept, 1, size)
    return Settled(working, grid, scale, np.linalg.inv(hessian))


@jit_for(Use.SEARCH, "target", "plane")
def log_masses(
    target: Target, plane: Plane, axes: tuple[Array, Array], working: Working, data: Data
) -> Array:
    """Return the log posterior of the exponents at all nodes, shape (first axis, second axis).

    Priors of levels are taken at their best.

    Rows are made in blocks, so that nothing but the result has the size of the grid.
    """
    of = centre_response(*working)
    u, v = _tables(target, plane, axes, of, data)
    if plane.common:
        return _with_level_priors(target, plane, evaluate_pairs(u, v, of), of)[:, None]

    def one_row(row: PowerColumns) -> Array:
        nodes = evaluate_grid(jax.tree.map(lambda array: array[None], row), v, of)
        return _with_level_priors(target, plane, nodes, of)[0]

    return jax.lax.map(one_row, u, batch_size=sizes().slices)


@jit_for(Use.SEARCH, "target", "plane")
def nodes_at(
    target: Target, plane: Plane, exponents: tuple[Array, Array], working: Working, data: Data
) -> Nodes:
    """Evaluate any number of pairs of exponents: arrays of shape (pairs,)."""
    of = centre_response(*working)
    return evaluate_pairs(*_tables(target, plane, exponents, of, data), of)


def _tables(
    target: Target, plane: Plane, exponents: tuple[Array, Array], of: CentredResponse, data: Data
) -> tuple[PowerColumns, PowerColumns]:
    priors = {p.name: p.prior for p in target.parameters}
    first, second = exponents
    log_input = data.log_inputs[str(plane.powers[0].input)][:, 0]
    u = power_columns(first, log_input, priors[plane.exponents[0]].log_prob(first), of)
    if len(plane.powers) == 1:
        return u, power_columns(second, jnp.zeros_like(log_input), jnp.zeros_like(second), of)
    log_input = data.log_inputs[str(plane.powers[1].input)][:, 0]
    if plane.common:
        return u, power_columns(first, log_input, jnp.zeros_like(first), of)
    return u, power_columns(second, log_input, priors[plane.exponents[1]].log_prob(second), of)


def _with_level_priors(target: Target, plane: Plane, nodes: Nodes, of: CentredResponse) -> Array:
    priors = {p.name: p.prior for p in target.parameters}
    total = nodes.log_marginal
    variance = nodes.rss / jnp.maximum(of.count - len(plane.levels), 1.0)
    for i, name in enumerate(plane.levels):
        # A level held at zero has its mass within a standard deviation above.
        least = 0.5 * jnp.sqrt(variance * nodes.covariance[i, i])
        total += priors[name].log_prob(jnp.maximum(nodes.levels[i], least))
    return total


@jit_for(Use.SEARCH, "target", "plane")
def _best_fit(
    target: Target,
    plane: Plane,
    axes: tuple[Array, Array],
    working: Working,
    data: Data,
    log_mass: Array,
) -> tuple[Array, Array]:
    """Return residuals of log loss and log predictions at the best node, each (runs, 1)."""
    i, j = jnp.unravel_index(jnp.argmax(log_mass), log_mass.shape)
    here = axes[0][i][None], axes[1][j][None]
    levels = nodes_at(target, plane, here, working, data).levels[:, 0]
    tiny = jnp.finfo(levels.dtype).eps
    params = {
        name: jnp.maximum(level, tiny) for name, level in zip(plane.levels, levels, strict=False)
    }
    params |= {name: value[0] for name, value in zip(plane.exponents, here, strict=False)}
    log_prediction = target.law.predict(params, data.log_inputs)
    return data.observed - log_prediction, log_prediction


def _scale(
    target: Target, residual: Array, data: Data, weights: Array
) -> tuple[np.ndarray, np.ndarray]:
    """Return mode and Hessian of the noise parameters' coordinates, given the residuals."""

    def value_and_gradient(coordinates: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient, _ = _noise_objective(target, coordinates, residual, data, weights)
        return float(value), np.asarray(gradient)

    centre = target.prior_location_scale[0][target.n_predictive :]
    mode = (
        scipy.optimize.minimize(value_and_gradient, centre, jac=True, method="BFGS").x
        if len(centre)
        else centre
    )
    return mode, np.asarray(_noise_objective(target, mode, residual, data, weights)[2])


@jit_for(Use.SEARCH, "target")
def _noise_objective(
    target: Target, coordinates: Array, residual: Array, data: Data, weights: Array
) -> tuple[Array, Array, Array]:
    """Return the part of F that the noise parameters shape, its gradient and its Hessian."""

    def objective(v: Array) -> Array:
        rho = target.noise.rho(
            residual, constrained(target.noise.parameters, list(v)), data.conditions
        )
        return jnp.sum(weights * rho) + sum(target.penalty_of(target.noise.parameters, list(v)))

    return *jax.value_and_grad(objective)(coordinates), jax.hessian(objective)(coordinates)


@jit_for(Use.SEARCH, "target")
def _reweighted(
    target: Target,
    residual: Array,
    log_prediction: Array,
    scale: np.ndarray,
    data: Data,
    weights: Array,
) -> Working:
    params = constrained(target.noise.parameters, list(scale))

    def rho(r: Array) -> Array:
        return jnp.sum(target.noise.rho(r, params, data.conditions))

    score = jax.grad(rho)(residual)
    # The curvature at zero knows how scales differ between runs; its size is set so that scores
    # have the variance they must.
    curvature = jax.jvp(jax.grad(rho), (jnp.zeros_like(residual),), (jnp.ones_like(residual),))[1]
    curvature = jnp.where(curvature > 0, curvature, 1.0)
    information = curvature * jnp.sum(weights * score**2 / curvature) / jnp.sum(weights)
    prediction = jnp.exp(log_prediction)
    values = prediction * (1 + score / information)
    return Working(values[:, 0], (weights * information / prediction**2)[:, 0])
