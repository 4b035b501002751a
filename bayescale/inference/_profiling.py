"""The least objective at every node of a grid of exponents, levels and noise fitted anew.

At fixed exponents the law is linear in its levels: non-negative least squares, reweighted by the
noise and in turn with it, come near the minimum of a node, and Newton's method on F ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._coordinates import Columns, constrained
from bayescale.inference._data import Data
from bayescale.inference._exponent_grid import ExponentGrid
from bayescale.inference.base import Problem, Target
from bayescale.kernels import centre_response, evaluate_pairs, newton, power_columns
from bayescale.laws.base import Law, Term

_NODES_AT_ONCE = 1024
_REWEIGHTINGS, _NEWTON_STEPS = 40, 40
_LEAST_LEVEL, _LEAST_STIFFNESS = 1e-4, 1e-9


def exponent_names(law: Law) -> tuple[str, ...]:
    """Return the names of a law's exponents, each once."""
    exponents = [term.exponent for term in law.terms if term.exponent is not None]
    return tuple(dict.fromkeys(exponents))


def least_objective(
    problem: Problem, grid: ExponentGrid, noise_start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return F at every node, shape of the grid, and the noise coordinates of the best node.

    Parameters
    ----------
    problem : Problem
    grid : ExponentGrid
    noise_start : array, shape (noise parameters,)
        Unconstrained coordinates from which the noise is fitted.
    """
    exponents = grid.nodes
    values, noise = [], []
    # Chunks of one size, so that coarse and fine grids share a compiled program.
    for begin in range(0, exponents.shape[1], _NODES_AT_ONCE):
        chunk = exponents[:, begin : begin + _NODES_AT_ONCE]
        size = chunk.shape[1]
        padded = np.pad(chunk, ((0, 0), (0, _NODES_AT_ONCE - size)), mode="edge")
        f, fitted_noise = _minimised(
            problem.target,
            jnp.asarray(padded),
            jnp.asarray(noise_start),
            problem.data,
            problem.weights,
        )
        values.append(np.asarray(f)[:size])
        noise.append(np.asarray(fitted_noise)[:, :size])
    objective = np.concatenate(values)
    best = np.nanargmin(objective)
    return objective.reshape(grid.shape), np.concatenate(noise, axis=1)[:, best]


@dataclass(frozen=True)
class NodeObjective:
    """F of levels and noise, with the exponents as last coordinates, which never move.

    Kernels split nothing but coordinates between the members of a batch, so the exponents of a node
    travel among them: without a gradient, and with a curvature of one that keeps the systems
    regular.
    """

    target: Target

    @property
    def n_predictive(self) -> int:
        """Number of levels."""
        return len(self.target.law.terms)

    def residual(self, columns: Columns, data: Data) -> Array:
        """Return the residuals of the target."""
        return self.target.residual(self._in_order(columns), data)

    def rho(self, residual: Array, columns: Columns, data: Data) -> Array:
        """Return each run's negative log-likelihood or robust loss."""
        return self.target.rho(residual, self._in_order(columns), data)

    def penalty(self, columns: Columns) -> list[Array]:
        """Return the negative log priors of the noise, and for exponents the curvature of one."""
        levels, noise, exponents = self._parts(columns)
        flat = [jnp.zeros_like(level) for level in levels]
        priors = self.target.penalty_of(self.target.noise.parameters, noise)
        fixed = [0.5 * (x - jax.lax.stop_gradient(x)) ** 2 for x in exponents]
        return flat + priors + fixed

    def _parts(self, columns: Columns) -> tuple[Columns, Columns, Columns]:
        levels = self.n_predictive
        noise = levels + len(self.target.noise.parameters)
        return columns[:levels], columns[levels:noise], columns[noise:]

    def _in_order(self, columns: Columns) -> list[Array]:
        levels, noise, exponents = self._parts(columns)
        law = self.target.law
        named = dict(zip((term.level for term in law.terms), levels, strict=True))
        fixed = map(jax.lax.stop_gradient, exponents)
        named |= dict(zip(exponent_names(law), fixed, strict=True))
        return [named[p.name] for p in law.parameters] + list(noise)


@jit_for(Use.OFTEN, "target")
def _minimised(
    target: Target, exponents: Array, noise_start: Array, data: Data, weights: Array
) -> tuple[Array, Array]:
    """Return F, shape (nodes,), and noise coordinates, shape (parameters, nodes).

    Exponents have shape (exponents, nodes).
    """
    levels, noise = _starts(target, exponents, noise_start, data, weights)
    start = jnp.concatenate([levels, noise, jnp.log(exponents)])
    search, _ = newton(NodeObjective(target), start, data, weights, steps=_NEWTON_STEPS)
    return search.value, search.coordinates[len(levels) : len(levels) + len(noise)]


def _starts(
    target: Target, exponents: Array, noise_start: Array, data: Data, weights: Array
) -> tuple[Array, Array]:
    """Return starts: logarithms of levels, shape (levels, nodes), and noise coordinates.

    In logarithms a search may be caught where a level has all but gone; non-negative least squares
    knows whether it should. Without a constant a start from equal shares is good enough.
    """
    terms, nodes = target.law.terms, exponents.shape[1]
    constants = [term for term in terms if term.exponent is None]
    powers = [term for term in terms if term.exponent is not None]
    if len(constants) != 1 or len(powers) > 2:
        shares = jnp.full((len(terms), nodes), -np.log(len(terms)))
        return shares, jnp.broadcast_to(noise_start[:, None], (len(noise_start), nodes))
    fit = LinearFit(target, tuple(powers), data, weights)
    levels, noise = jax.vmap(lambda node: fit.at(node, noise_start))(exponents.T)
    ordered = (*constants, *powers)
    by_name = {term.level: level for term, level in zip(ordered, levels.T, strict=True)}
    in_law_order = jnp.stack([by_name[term.level] for term in terms])
    return jnp.log(jnp.maximum(in_law_order, _LEAST_LEVEL)), noise.T


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Non-negative least squares of the levels at one node, reweighted by the noise.

    Attributes
    ----------
    target : Target
        Its law is a constant and one or two powers.
    powers : tuple of Term
    data : Data
    weights : Array, shape (runs, 1)
    """

    target: Target
    powers: tuple[Term, ...]
    data: Data
    weights: Array

    def at(self, exponents: Array, noise_start: Array) -> tuple[Array, Array]:
        """Return levels, the constant first, and noise coordinates at one node's exponents."""
        names = exponent_names(self.target.law)
        by_name = dict(zip(names, exponents[:, None], strict=True))
        node_exponents = [by_name[str(term.exponent)] for term in self.powers]
        loss = jnp.exp(self._log_loss)
        levels = self._least_squares(node_exponents, loss, self._run_weights / loss**2)

        def reweight(_: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
            return self._reweighted(node_exponents, *state)

        return jax.lax.fori_loop(0, _REWEIGHTINGS, reweight, (levels, noise_start))

    @property
    def _log_loss(self) -> Array:
        return self.data.observed[:, 0]

    @property
    def _run_weights(self) -> Array:
        return self.weights[:, 0]

    @property
    def _log_inputs(self) -> list[Array]:
        return [self.data.log_inputs[str(term.input)][:, 0] for term in self.powers]

    def _least_squares(self, exponents: Sequence[Array], values: Array, weights: Array) -> Array:
        """Return non-negative levels of a response, the constant first."""
        response = centre_response(values, weights)
        tables = [
            power_columns(x, log_input, jnp.zeros(1), response)
            for x, log_input in zip(exponents, self._log_inputs, strict=True)
        ]
        if len(tables) == 1:
            absent = power_columns(jnp.ones(1), jnp.zeros_like(values), jnp.zeros(1), response)
            tables.append(absent)
        nodes = evaluate_pairs(tables[0], tables[1], response)
        return nodes.levels[: len(self.powers) + 1, 0]

    def _reweighted(
        self, exponents: Sequence[Array], levels: Array, noise: Array
    ) -> tuple[Array, Array]:
        """Return levels and noise after one step of the noise and one of the levels."""
        prediction = levels[0] + sum(
            level * jnp.exp(-x * log_input)
            for level, x, log_input in zip(levels[1:], exponents, self._log_inputs, strict=True)
        )
        residual = self._log_loss - jnp.log(prediction)
        if self.target.noise.parameters:
            gradient = jax.grad(self._noise_objective)(noise, residual)
            hessian = jax.hessian(self._noise_objective)(noise, residual)
            noise = noise - _short_step(gradient, hessian)
        score = jax.grad(lambda r: jnp.sum(self._rho(r, noise)))(residual)
        divisor = jnp.where(residual == 0, 1.0, residual)
        stiffness = self._run_weights * jnp.maximum(score / divisor, _LEAST_STIFFNESS)
        working = prediction * (1 + residual)
        return self._least_squares(exponents, working, stiffness / prediction**2), noise

    def _rho(self, residual: Array, noise: Array) -> Array:
        params = constrained(self.target.noise.parameters, tuple(noise))
        return self.target.noise.rho(residual[:, None], params, self.data.conditions)

    def _noise_objective(self, noise: Array, residual: Array) -> Array:
        """Return the part of F that the noise parameters shape."""
        penalty = self.target.penalty_of(self.target.noise.parameters, tuple(noise))
        return jnp.sum(self.weights * self._rho(residual, noise)) + sum(penalty)


def _short_step(gradient: Array, hessian: Array) -> Array:
    """Return Newton's step with the curvature made positive, at most one along any axis."""
    curvature, axes = jnp.linalg.eigh(hessian)
    slopes = axes.T @ gradient
    steps = slopes / jnp.maximum(jnp.abs(curvature), _LEAST_STIFFNESS)
    return axes @ jnp.clip(steps, -1.0, 1.0)
