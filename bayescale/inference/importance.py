"""Importance sampling about the posterior's modes: draws in a fraction of the time of a Markov chain, and a number that says
whether to believe them.

Many starts from the prior end in the posterior's modes; multivariate t distributions there, with the inverse Hessians as scale
matrices and in the law's straight coordinates, are the first proposal. Its weighted draws fit a mixture, from which the second
is drawn, and so on; what all propose is weighed against their mixture and Pareto-smoothed. Where the tail of the weights
is too heavy for means to be trusted, NUTS samples instead, and the result says so.

A batch of problems of one shape is searched and weighed in one compiled call.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale.errors import InputError
from bayescale.inference._mixture import Mixture
from bayescale.inference._weighing import Weighed, weigh
from bayescale.inference.base import Data, Problem, Target
from bayescale.inference.nuts import NUTS
from bayescale.kernels import levenberg_marquardt, newton
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.objective import value
from bayescale.posterior import Posterior

_PRIOR_DRAWS, _SEARCHES, _STEPS, _NEWTON_STEPS = 512, 16, 30, 15
_COMPONENTS, _ROUNDS = 6, 4
_FAR_BELOW, _SAME_MODE = 10.0, 0.1
_SMALLEST_CURVATURE = 1e-3


@dataclass(frozen=True)
class Importance:
    """Draws from the posterior by importance resampling.

    Parameters
    ----------
    draws : int
        Kept; half as many are proposed in each of four rounds.
    seed : int

    Notes
    -----
    Diagnostics of the result: ``pareto_k``; ``ess_importance``, the effective number of independent draws among the proposals;
    ``log_evidence``, the log marginal likelihood of log loss, comparable between laws and noise models of the same runs. Where
    Pareto k was above 0.7 they are those of `NUTS`, beside ``pareto_k``.
    """

    draws: int = 4000
    seed: int = 0

    def run(self, problem: Problem) -> Posterior:
        """One problem."""
        return self.run_all([problem])[0]

    def run_all(self, problems: Sequence[Problem]) -> list[Posterior]:
        """Problems of one law, noise model and padded number of runs, in one compiled call."""
        if self.draws < 1:
            raise InputError(f"importance: draws={self.draws} must be at least 1.")
        for problem in problems:
            problem.require_likelihood(self)
        begun = time.perf_counter()
        target = problems[0].target
        data, weights = _stacked(problems)
        proposals = [_first_proposal(*found) for found in zip(*_modes(target, data, weights, self.seed), strict=True)]
        rngs = [np.random.default_rng(self.seed) for _ in problems]
        drawn: list[np.ndarray] = []
        mixtures: list[list[Mixture]] = [[] for _ in problems]
        log_target = np.empty((len(problems), 0))
        weighed: list[Weighed] = []
        for _ in range(_ROUNDS):
            if weighed:
                proposals = [
                    mixture.fitted(pool, one.log_weights) for mixture, pool, one in zip(proposals, drawn, weighed, strict=True)
                ]
            fresh = [mixture.draw(-(-self.draws // 2), rng) for mixture, rng in zip(proposals, rngs, strict=True)]
            drawn = [np.concatenate(both, axis=1) for both in zip(drawn, fresh, strict=True)] if drawn else fresh
            log_fresh = _log_posteriors(target, jnp.asarray(np.stack(fresh)), data, weights)
            log_target = np.concatenate([log_target, np.asarray(log_fresh)], axis=1)
            for used, mixture in zip(mixtures, proposals, strict=True):
                used.append(mixture)
            weighed = [
                weigh(log_p - _log_density(used, pool)) for log_p, used, pool in zip(log_target, mixtures, drawn, strict=True)
            ]
        seconds = (time.perf_counter() - begun) / len(problems)
        return [
            self._resampled(*fit, seconds) if fit[1].reliable else self._sampled(*fit[:2])
            for fit in zip(problems, weighed, drawn, rngs, strict=True)
        ]

    def _resampled(
        self, problem: Problem, weighed: Weighed, drawn: np.ndarray, rng: np.random.Generator, seconds: float
    ) -> Posterior:
        straight = list(jnp.asarray(drawn[:, None, weighed.chosen(self.draws, rng)]))
        constants = problem.target.constants(problem.target.bend(straight))
        return problem.posterior(constants, self, diagnostics=weighed.diagnostics, seconds={"fit": seconds})

    def _sampled(self, problem: Problem, weighed: Weighed) -> Posterior:
        k = weighed.diagnostics["pareto_k"]
        posterior = NUTS(seed=self.seed).run(problem)
        return replace(posterior, diagnostics=posterior.diagnostics | {"pareto_k": k})


def _stacked(problems: Sequence[Problem]) -> tuple[Data, Array]:
    """Data and weights with the problems as leading axis."""
    shape = problems[0].data.log_loss.shape
    every = [(p.data._replace(log_loss_se=jnp.broadcast_to(p.data.log_loss_se, shape)), p.weights) for p in problems]
    data, weights = jax.tree.map(lambda *parts: jnp.stack(parts), *every)
    return data, weights


@partial(jax.jit, static_argnames=("target", "seed"))
def _modes(target: Target, data: Data, weights: Array, seed: int) -> tuple[Array, Array, Array]:
    """Ends of searches from the prior's best draws: straight coordinates (problems, searches, k), objective and Hessian there."""
    centre, width = target.reach
    draws = (centre + width * np.random.default_rng(seed).standard_normal((_PRIOR_DRAWS, len(centre)))).T

    def one(own: Data, w: Array) -> tuple[Array, Array, Array]:
        values = _values(target, jnp.asarray(draws), own, w)
        order = jnp.argsort(jnp.where(jnp.isnan(values), jnp.inf, values))[:_SEARCHES]
        near = levenberg_marquardt(target, jnp.asarray(draws)[:, order], own, w, steps=_STEPS)
        found, hessian = newton(target, near.coordinates, own, w, steps=_NEWTON_STEPS)
        straight = jnp.stack(target.straighten(list(found.coordinates)))
        # At a mode the Hessian transforms by the Jacobian alone.
        jacobian = jax.vmap(jax.jacobian(lambda v: jnp.stack(target.bend(list(v)))))(straight.T)
        return straight.T, found.value, jnp.einsum("sia,ijs,sjb->sab", jacobian, hessian, jacobian)

    return jax.vmap(one)(data, weights)


@partial(jax.jit, static_argnames="target")
def _log_posteriors(target: Target, straight: Array, data: Data, weights: Array) -> Array:
    """Log posterior, not normalised, at straight coordinates of shape (problems, k, pool); shape (problems, pool)."""

    def one(own: Array, d: Data, w: Array) -> Array:
        found = -_values(target, jnp.stack(target.bend(list(own))), d, w)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    return jax.vmap(one)(straight, data, weights)


def _values(target: Target, coordinates: Array, data: Data, weights: Array) -> Array:
    found: Array = in_blocks(lambda own, w: value(target, tuple(own), data, w)[None], coordinates, weights)
    return found[0]


def _first_proposal(ends: Array, values: Array, hessians: Array) -> Mixture:
    """Components at the distinct modes, by their mass; copies about the highest fill up, to be fitted."""
    order = [int(i) for i in np.argsort(np.asarray(values)) if np.isfinite(values[i]) and np.isfinite(hessians[i]).all()]
    centres: list[np.ndarray] = []
    covariances: list[np.ndarray] = []
    shares: list[float] = []
    for i in order:
        if len(centres) == _COMPONENTS or (shares and values[i] > values[order[0]] + _FAR_BELOW):
            break
        end = np.asarray(ends[i])
        curvature, axes = np.linalg.eigh(np.asarray(hessians[i]))
        curvature = np.maximum(curvature, _SMALLEST_CURVATURE)
        if any(np.sum((np.sqrt(curvature) * (axes.T @ (end - seen))) ** 2) < _SAME_MODE for seen in centres):
            continue
        centres.append(end)
        covariances.append((axes / curvature) @ axes.T)
        shares.append(float(np.exp(values[order[0]] - values[i]) / np.sqrt(np.prod(curvature / curvature.mean()))))
    aside = np.random.default_rng(0)
    for _ in range(_COMPONENTS - len(centres)):
        root = np.linalg.cholesky(covariances[0])
        centres.append(centres[0] + root @ aside.standard_normal(len(root)))
        covariances.append(covariances[0])
        shares.append(shares[0] / 2)
    return Mixture.about(np.stack(centres), np.stack(covariances), np.maximum(shares, 0.02 * max(shares)))


def _log_density(mixtures: Sequence[Mixture], draws: np.ndarray) -> np.ndarray:
    # Rounds of equal size: each draw came from the average of all mixtures used.
    return np.logaddexp.reduce([mixture.log_density(draws) for mixture in mixtures]) - np.log(len(mixtures))
