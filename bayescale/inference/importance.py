"""Importance sampling about the posterior's modes: draws in a fraction of the time of a Markov
chain, and a number that says whether to believe them.

Many starts from the prior end in the posterior's modes; multivariate t distributions there, with
the inverse Hessians as scale matrices and in the law's straight coordinates, are the first
proposal. Its weighted draws fit a mixture, from which the second is drawn, and so on until the
weights are even enough. The last round alone is the result, Pareto-smoothed: a mixture weighs draws
fairly only where it was fitted to others. Where the tail of the weights stays too heavy for means
to be trusted, or too few proposals bear nearly all weight, NUTS samples instead, and the result
says so.

A batch of problems is searched and weighed in one compiled call. What runs share is integrated out,
exactly, where they scatter Normally about law and processes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.inference._descent import descended
from bayescale.inference._integrated import coefficients, integrated, scatters_normally
from bayescale.inference._mixture import Mixture
from bayescale.inference._weighing import Weighed, weigh
from bayescale.inference.base import BatchMethod, Data, Problem, Target
from bayescale.inference.nuts import NUTS
from bayescale.kernels import levenberg_marquardt
from bayescale.kernels.objective import value
from bayescale.posterior.posterior import Posterior

T = TypeVar("T")

_PRIOR_DRAWS, _SEARCHES, _STEPS = 512, 16, 40
_SHARED_SEARCHES, _SHARED_STEPS = 8, 40
_COMPONENTS = 6
_FEWEST_ROUNDS, _MANY_ROUNDS, _ROUNDS = 3, 6, 12
_FEWEST = 2000
_SLICE = 2**24
_FAR_BELOW, _SAME_MODE = 10.0, 0.1
_SMALLEST_CURVATURE = 1e-3
_WEAK_DIRECTIONS, _LONGER, _ASIDE = 2, 9.0, (0.0, 2.0, -2.0, 4.0, -4.0)


@dataclass(frozen=True)
class Importance(BatchMethod):
    """Draws from the posterior by importance resampling.

    Parameters
    ----------
    draws : int
        Kept; as many, and two thousand at least, are proposed in each of three to twelve rounds.
    seed : int

    Notes
    -----
    Diagnostics of the result: ``pareto_k``; ``ess_importance``, the effective number of independent
    draws among the proposals; ``log_evidence``, the log marginal likelihood of log loss, comparable
    between laws and noise models of the same runs. Where Pareto k was above 0.7, or fewer than 400
    draws were effective, they are those of `NUTS`, beside ``pareto_k`` and ``ess_importance``.
    """

    draws: int = 4000
    seed: int = 0

    paper: ClassVar[str] = (
        "Vehtari et al. 2024, Pareto Smoothed Importance Sampling, arXiv:1507.02646"
    )

    def run(self, problem: Problem) -> Posterior:
        """One problem."""
        return self.run_all([problem])[0]

    def run_all(self, problems: Sequence[Problem]) -> list[Posterior]:
        """Problems of one law and noise model, in one compiled call."""
        if self.draws < 1:
            raise InputError(f"importance: draws={self.draws} must be at least 1.")
        for problem in problems:
            problem.require_likelihood(self)
            if problem.target.noise.shared and not scatters_normally(problem.target.noise):
                raise InputError(
                    f"importance integrates out what runs share, for which they must scatter "
                    f"Normally, and "
                    f"{name_of(problem.target.noise)} says that they do not. Use Normal() as its "
                    f"base, or NUTS() as the method "
                    "(--method nuts)."
                )
        begun = time.perf_counter()
        target, rngs = problems[0].target, [np.random.default_rng(self.seed) for _ in problems]
        data, weights = _stacked(problems)
        search = _modes_of_shared if target.noise.shared else _modes
        ends = jax.device_get(search(target, data, weights, self.seed))
        pools = [_Pool(_first_proposal(*found)) for _, *found in zip(problems, *ends, strict=False)]
        for _ in range(_ROUNDS):
            open_ = [i for i, pool in enumerate(pools) if not pool.settled]
            if not open_:
                break
            fresh = [pools[i].proposal.draw(max(self.draws, _FEWEST), rngs[i]) for i in open_]
            own = jax.tree.map(partial(np.take, indices=_filled_up(open_), axis=0), (data, weights))
            log_target = _log_posteriors(target, np.stack(_filled_up(fresh)), *own)
            for place, *found in zip(open_, fresh, log_target, strict=False):
                pools[place] = pools[place].after(*found)
        chosen = [
            pool.newest[:, pool.weighed.chosen(self.draws, rng)]
            for pool, rng in zip(pools, rngs, strict=True)
        ]
        found = jax.device_get(_constants(target, np.stack(_filled_up(chosen))))
        seconds = (time.perf_counter() - begun) / len(problems)
        results: list[Posterior] = []
        for i, (problem, pool, rng) in enumerate(zip(problems, pools, rngs, strict=True)):
            more: dict[str, Any] = {
                "diagnostics": pool.weighed.diagnostics,
                "seconds": {"fit": seconds},
            }
            if target.noise.shared:
                held, counted = jax.tree.map(itemgetter(i), (data, weights))
                more["coefficients"] = _own_coefficients(problem, chosen[i], held, counted, rng)
            own = {name: values[i][None] for name, values in found.items()}
            results.append(self._posterior(problem, pool.weighed, own, more))
        return results

    def _posterior(
        self,
        problem: Problem,
        weighed: Weighed,
        params: dict[str, np.ndarray],
        more: dict[str, Any],
    ) -> Posterior:
        if weighed.reliable:
            return problem.posterior(params, self, **more)
        sampled = NUTS(seed=self.seed).run(problem)
        why = {name: weighed.diagnostics[name] for name in ("pareto_k", "ess_importance")}
        return replace(sampled, diagnostics=sampled.diagnostics | why)


@dataclass(frozen=True, eq=False)
class _Pool:
    """What has been proposed for one problem so far, in rounds of equal size.

    Attributes
    ----------
    first : Mixture
        The first proposal.
    used : tuple of Mixture
    draws : array, shape (k, pool)
    log_target : array, shape (pool,)
    log_densities : array, shape (rounds, pool)
        Of every draw under each mixture used.
    """

    first: Mixture
    used: tuple[Mixture, ...] = ()
    draws: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    log_target: np.ndarray = field(default_factory=lambda: np.empty(0))
    log_densities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def newest(self) -> np.ndarray:
        """The draws of the last round."""
        return self.draws[:, -self._round :]

    @cached_property
    def weighed(self) -> Weighed:
        """The last round by the mixture that proposed it, which has not seen it.

        Against all mixtures used, earlier draws in the tails would be weighed by mixtures fitted to
        them, which is too little: evidence was low by some 0.05 nats and the sd of log E by a
        sixth.
        """
        return weigh(self.log_target[-self._round :] - self.log_densities[-1, -self._round :])

    @property
    def settled(self) -> bool:
        """Whether enough rounds have made the weights even, or, after many, no less even than is
        needed.
        """
        if len(self.used) < _MANY_ROUNDS:
            return len(self.used) >= _FEWEST_ROUNDS and self.weighed.even
        return self.weighed.reliable

    @cached_property
    def proposal(self) -> Mixture:
        """Of the next round."""
        if not self.used:
            return self.first
        # Each draw came from the average of all mixtures used, which is good enough to fit the
        # next.
        return self.used[-1].fitted(
            self.draws, weigh(self.log_target - np.logaddexp.reduce(self.log_densities)).log_weights
        )

    @property
    def _round(self) -> int:
        return len(self.log_target) // len(self.used)

    def after(self, fresh: np.ndarray, log_target: np.ndarray) -> "_Pool":
        """With one more round of the proposal."""
        draws = np.concatenate([self.draws, fresh], axis=1) if self.used else fresh
        earlier = [
            np.append(before, mixture.log_density(fresh))
            for before, mixture in zip(self.log_densities, self.used, strict=True)
        ]
        densities = np.stack([*earlier, self.proposal.log_density(draws)])
        return _Pool(
            self.first,
            (*self.used, self.proposal),
            draws,
            np.concatenate([self.log_target, log_target]),
            densities,
        )


def _filled_up(batch: Sequence[T]) -> list[T]:
    """With copies of the last to a power of two, so that a few programs serve batches of any size."""
    return [*batch, *[batch[-1]] * ((1 << (len(batch) - 1).bit_length()) - len(batch))]


def _stacked(problems: Sequence[Problem]) -> tuple[Data, np.ndarray]:
    """Data and weights, as NumPy arrays, with the problems as leading axis, with rows of no weight
    up to the longest.
    """
    problems = _filled_up(problems)
    rows = max(problem.padded_size for problem in problems)

    def column(*arrays: Array) -> np.ndarray:
        # A standard error common to all runs has one row.
        if all(len(array) == 1 for array in arrays):
            return np.stack(arrays)
        widest = max(array.shape[1] for array in arrays)
        columns = [
            np.broadcast_to(a, (p.padded_size, a.shape[1]))
            for a, p in zip(arrays, problems, strict=True)
        ]
        return np.stack(
            [np.pad(c, ((0, rows - len(c)), (0, widest - c.shape[1]))) for c in columns]
        )

    data, weights = jax.tree.map(column, *((p.data, p.weights) for p in problems))
    return data, weights


@jit_for(Use.OFTEN, "target", "seed")
def _modes(target: Target, data: Data, weights: Array, seed: int) -> tuple[Array, Array, Array]:
    """Where searches from the prior's best draws end: straight coordinates (problems, searches, k),
    F and its Hessian there.
    """
    centre, width = target.prior_location_scale
    draws = (
        centre + width * np.random.default_rng(seed).standard_normal((_PRIOR_DRAWS, len(centre)))
    ).T

    def one(own: Data, w: Array) -> tuple[Array, Array, Array]:
        values = value(target, tuple(jnp.asarray(draws)), own, w)
        order = jnp.argsort(jnp.where(jnp.isnan(values), jnp.inf, values))[:_SEARCHES]
        near = levenberg_marquardt(target, jnp.asarray(draws)[:, order], own, w, steps=_STEPS)
        decorrelated = jnp.stack(target.decorrelate(list(near.coordinates))).T

        def objective(v: Array) -> Array:
            return value(target, tuple(target.recorrelate(list(v[:, None]))), own, w)[0]

        return decorrelated, near.value, jax.lax.map(jax.hessian(objective), decorrelated)

    return jax.vmap(one)(data, weights)


def _modes_of_shared(
    target: Target, data: Data, weights: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for a noise model with processes, whose coefficients are integrated out."""
    # As many draws as are proposed in a round, which compiles nothing more.
    centre, width = target.prior_location_scale
    draws = (centre + width * np.random.default_rng(seed).standard_normal((_FEWEST, len(centre)))).T
    decorrelated = np.asarray(_decorrelated(target, draws))
    values = _log_posteriors(
        target, np.broadcast_to(decorrelated, (len(weights), *decorrelated.shape)), data, weights
    )
    best = np.argsort(-values, axis=1)[:, :_SHARED_SEARCHES]

    functions = sum(features.shape[-1] for features in data.features)

    def slopes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Slopes of an elimination remember its every step.
        size = len(weights) * (functions + 1) ** 3
        found, gradients = _in_slices(
            lambda p: _slopes(target, p, data, weights), np.swapaxes(points, 1, 2), size
        )
        return found, np.swapaxes(gradients, 1, 2)

    ends = descended(slopes, decorrelated.T[best], _SHARED_STEPS)
    return ends.at, ends.value, ends.hessian


def _own_coefficients(
    problem: Problem,
    decorrelated: np.ndarray,
    data: Data,
    weights: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Of the functions of the problem, shape (1, draws, functions), from data that have as many as
    the batch needs.
    """
    drawn = coefficients(problem.target, decorrelated, data, weights, rng)[None]
    parts = np.split(
        drawn, np.cumsum([features.shape[1] for features in data.features])[:-1], axis=-1
    )
    own = [
        part[..., : features.shape[1]]
        for part, features in zip(parts, problem.data.features, strict=True)
    ]
    return np.concatenate(own, axis=-1)


@jit_for(Use.OFTEN, "target")
def _decorrelated(target: Target, coordinates: Array) -> Array:
    return jnp.stack(target.decorrelate(list(coordinates)))


@jit_for(Use.OFTEN, "target")
def _slopes(target: Target, decorrelated: Array, data: Data, weights: Array) -> tuple[Array, Array]:
    """The negative log posterior at straight coordinates of shape (problems, k, points), and its
    gradient.
    """

    def one(own: Array, d: Data, w: Array) -> tuple[Array, Array]:
        def total(v: Array) -> tuple[Array, Array]:
            values = integrated(target, target.recorrelate(list(v)), d, w)
            return jnp.sum(values), values

        (_, values), gradient = jax.value_and_grad(total, has_aux=True)(own)
        return values, gradient

    return jax.vmap(one)(decorrelated, data, weights)


@jit_for(Use.OFTEN, "target")
def _constants(target: Target, decorrelated: Array) -> dict[str, Array]:
    """Named parameters in the units of the data, each of shape (problems, draws), from (problems,
    k, draws).
    """
    return target.constrain(target.recorrelate(list(jnp.moveaxis(decorrelated, 1, 0))))


def _log_posteriors(
    target: Target, decorrelated: np.ndarray, data: Data, weights: np.ndarray
) -> np.ndarray:
    """Log posterior, not normalised, at straight coordinates of shape (problems, k, pool); shape
    (problems, pool).

    In slices that bound memory: on CPUs a slice as a whole takes half the time of a loop over
    blocks that fit the cache.
    """
    functions = sum(features.shape[-1] for features in data.features)
    size = max(weights.size, len(weights) * (functions + 1) ** 2)
    return np.asarray(
        _in_slices(lambda part: _slice(target, part, data, weights), decorrelated, size)
    )


def _in_slices(work: Callable[[np.ndarray], Any], columns: np.ndarray, size: int) -> Any:
    """``work`` on some columns at a time, each of which takes ``size`` numbers; the last axis of
    arrays is columns.
    """
    count = columns.shape[-1]
    slices = -(-count * size // _SLICE)
    each = -(-count // slices)
    whole = np.pad(columns, ((0, 0), (0, 0), (0, slices * each - count)), mode="edge")
    found = [jax.device_get(work(part)) for part in np.split(whole, slices, axis=-1)]
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=-1)[..., :count], *found)


@jit_for(Use.OFTEN, "target")
def _slice(target: Target, decorrelated: Array, data: Data, weights: Array) -> Array:
    def one(own: Array, d: Data, w: Array) -> Array:
        found = -integrated(target, target.recorrelate(list(own)), d, w)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    return jax.vmap(one)(decorrelated, data, weights)


def _first_proposal(ends: np.ndarray, values: np.ndarray, hessians: np.ndarray) -> Mixture:
    """Components at the distinct modes, by their mass; others fill up along the weakest directions
    of the highest.
    """
    order = [
        int(i)
        for i in np.argsort(values)
        if np.isfinite(values[i]) and np.isfinite(hessians[i]).all()
    ]
    centres: list[np.ndarray] = []
    covariances: list[np.ndarray] = []
    shares: list[float] = []
    for i in order:
        if len(centres) == _COMPONENTS or (shares and values[i] > values[order[0]] + _FAR_BELOW):
            break
        end = ends[i]
        curvature, axes = np.linalg.eigh(hessians[i])
        curvature = np.maximum(curvature, _SMALLEST_CURVATURE)
        if any(
            np.sum((np.sqrt(curvature) * (axes.T @ (end - seen))) ** 2) < _SAME_MODE
            for seen in centres
        ):
            continue
        centres.append(end)
        covariances.append((axes / curvature) @ axes.T)
        shares.append(
            float(
                np.exp(values[order[0]] - values[i])
                / np.sqrt(np.prod(curvature / curvature.mean()))
            )
        )
    # Where data are weak the posterior is long and bent, and its Hessian knows the middle alone.
    spread, axes = np.linalg.eigh(covariances[0])
    longer = spread * np.where(
        np.arange(len(spread)) < len(spread) - _WEAK_DIRECTIONS, 1.0, _LONGER
    )
    for step in _ASIDE[: _COMPONENTS - len(centres)]:
        centres.append(centres[0] + step * np.sqrt(spread[-1]) * axes[:, -1])
        covariances.append((axes * longer) @ axes.T)
        shares.append(shares[0] / 2)
    return Mixture.about(
        np.stack(centres), np.stack(covariances), np.maximum(shares, 0.02 * max(shares))
    )
