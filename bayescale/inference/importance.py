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
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.inference._coordinates import ParamsInDataUnits, decorrelate_points
from bayescale.inference._data import Data
from bayescale.inference._descent import descended
from bayescale.inference._integrated import coefficients, integrated, scatters_normally
from bayescale.inference._pool import Pool, first_proposal
from bayescale.inference.base import BatchMethod, Problem, Target
from bayescale.inference.nuts import NUTS
from bayescale.kernels import levenberg_marquardt
from bayescale.kernels.objective import value
from bayescale.posterior.posterior import Posterior

T = TypeVar("T")

_PRIOR_DRAWS, _SEARCHES, _STEPS = 512, 16, 40
_SHARED_SEARCHES, _SHARED_STEPS = 8, 40
_MOST_ROUNDS = 12
_FEWEST_PROPOSALS = 2000
_NUMBERS_A_SLICE = 2**24


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
        """Draw from the posterior of one problem."""
        return self.run_all([problem])[0]

    def run_all(self, problems: Sequence[Problem]) -> list[Posterior]:
        """Draw from the posteriors of problems of one law and noise model."""
        self._check(problems)
        begun = time.perf_counter()
        batch = Batch.about_modes(problems, self.seed)
        for _ in range(_MOST_ROUNDS):
            unsettled = batch.unsettled
            if not unsettled:
                break
            proposals = batch.propose(unsettled, max(self.draws, _FEWEST_PROPOSALS))
            batch = batch.weigh(unsettled, proposals)
        chosen = batch.choose(self.draws)
        seconds = (time.perf_counter() - begun) / len(problems)
        return [self._posterior(batch, i, chosen[i], seconds) for i in range(len(problems))]

    def _check(self, problems: Sequence[Problem]) -> None:
        if self.draws < 1:
            raise InputError(f"importance: draws={self.draws} must be at least 1.")
        for problem in problems:
            problem.require_likelihood(self)
            noise = problem.target.noise
            if noise.shared and not scatters_normally(noise):
                raise InputError(
                    f"importance integrates out what runs share, for which they must scatter "
                    f"Normally, and {name_of(noise)} says that they do not. Use Normal() as its "
                    "base, or NUTS() as the method (--method nuts)."
                )

    def _posterior(self, batch: "Batch", i: int, draws: "Chosen", seconds: float) -> Posterior:
        """Return the posterior of a problem, by `NUTS` where its weights are not reliable."""
        problem, weighed = batch.problems[i], batch.pools[i].weighed
        if weighed.reliable:
            results: dict[str, Any] = {
                "diagnostics": weighed.diagnostics,
                "seconds": {"fit": seconds},
            }
            if problem.target.noise.shared:
                results["coefficients"] = batch.coefficients(i, draws.decorrelated)
            return problem.posterior(draws.params, self, **results)
        sampled = NUTS(seed=self.seed).run(problem)
        reasons = {name: weighed.diagnostics[name] for name in ("pareto_k", "ess_importance")}
        return replace(sampled, diagnostics=sampled.diagnostics | reasons)


class Chosen(NamedTuple):
    """Draws of one problem, resampled by weight.

    Attributes
    ----------
    decorrelated : array, shape (k, draws)
    params : dict of array, shape (1, draws)
        In the units of the data.
    """

    decorrelated: np.ndarray
    params: ParamsInDataUnits


@dataclass(frozen=True, eq=False)
class Batch:
    """Problems of one law and noise model, whose proposals are weighed in one compiled call.

    Attributes
    ----------
    problems : sequence of Problem
    data : Data
        Stacked, with the problems and copies of the last that fill up as leading axis.
    weights : array, shape (padded problems, runs, 1)
    pools : tuple of Pool
        The proposals for each problem.
    generators : tuple of Generator
        Random numbers of each problem.
    """

    problems: Sequence[Problem]
    data: Data
    weights: np.ndarray
    pools: tuple[Pool, ...]
    generators: tuple[np.random.Generator, ...]

    @classmethod
    def about_modes(cls, problems: Sequence[Problem], seed: int) -> "Batch":
        """Return the batch before its first round, with a proposal about each problem's modes."""
        target = problems[0].target
        data, weights = _stacked(problems)
        search = _modes_of_shared if target.noise.shared else _modes
        ends, values, hessians = jax.device_get(search(target, data, weights, seed))
        pools = tuple(
            Pool(first_proposal(ends[i], values[i], hessians[i])) for i in range(len(problems))
        )
        generators = tuple(np.random.default_rng(seed) for _ in problems)
        return cls(problems, data, weights, pools, generators)

    @property
    def target(self) -> Target:
        """The objective that all problems have."""
        return self.problems[0].target

    @property
    def unsettled(self) -> list[int]:
        """Problems whose weights are not even enough yet."""
        return [i for i, pool in enumerate(self.pools) if not pool.settled]

    def propose(self, members: list[int], draws: int) -> list[np.ndarray]:
        """Draw from the proposal of some problems: decorrelated coordinates, each (k, draws)."""
        return [self.pools[i].proposal.draw(draws, self.generators[i]) for i in members]

    def weigh(self, members: list[int], proposals: list[np.ndarray]) -> "Batch":
        """Return the batch with a round of proposals added to the pools of some problems."""
        take_members = partial(np.take, indices=_padded_to_power(members), axis=0)
        data, weights = jax.tree.map(take_members, (self.data, self.weights))
        stacked_proposals = np.stack(_padded_to_power(proposals))
        log_posteriors = _log_posteriors(self.target, stacked_proposals, data, weights)
        pools = list(self.pools)
        for row, i in enumerate(members):
            pools[i] = pools[i].after(proposals[row], log_posteriors[row])
        return replace(self, pools=tuple(pools))

    def choose(self, draws: int) -> list[Chosen]:
        """Resample the last round of each problem by weight."""
        decorrelated = [
            pool.newest[:, pool.weighed.chosen(draws, generator)]
            for pool, generator in zip(self.pools, self.generators, strict=True)
        ]
        stacked_draws = np.stack(_padded_to_power(decorrelated))
        params = jax.device_get(_in_data_units(self.target, stacked_draws))
        return [
            Chosen(
                decorrelated[i], ParamsInDataUnits({name: v[i][None] for name, v in params.items()})
            )
            for i in range(len(self.problems))
        ]

    def coefficients(self, i: int, decorrelated: np.ndarray) -> np.ndarray:
        """Draw the coefficients of a problem given its parameters, shape (1, draws, functions)."""
        data, weights = jax.tree.map(itemgetter(i), (self.data, self.weights))
        return _own_coefficients(self.problems[i], decorrelated, data, weights, self.generators[i])


def _padded_to_power(batch: Sequence[T]) -> list[T]:
    """Return the batch with copies of its last member, up to a power of two.

    So a few programs serve batches of any size.
    """
    size = 1 << (len(batch) - 1).bit_length()
    copies = [batch[-1]] * (size - len(batch))
    return list(batch) + copies


def _stacked(problems: Sequence[Problem]) -> tuple[Data, np.ndarray]:
    """Return data and weights as NumPy arrays with the problems as leading axis.

    Rows of no weight fill up to the longest.
    """
    problems = _padded_to_power(problems)
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
    """Search from the prior's best draws.

    Returns
    -------
    Array, shape (problems, searches, k)
        Decorrelated coordinates where searches end.
    Array, shapes (problems, searches) and (problems, searches, k, k)
        F and its Hessian there.
    """
    centre, width = target.prior_location_scale
    draws = (
        centre + width * np.random.default_rng(seed).standard_normal((_PRIOR_DRAWS, len(centre)))
    ).T

    def of_problem(own_data: Data, w: Array) -> tuple[Array, Array, Array]:
        values = value(target, tuple(jnp.asarray(draws)), own_data, w)
        order = jnp.argsort(jnp.where(jnp.isnan(values), jnp.inf, values))[:_SEARCHES]
        near = levenberg_marquardt(target, jnp.asarray(draws)[:, order], own_data, w, steps=_STEPS)
        decorrelated = jnp.stack(target.decorrelate(list(near.coordinates))).T

        def objective(v: Array) -> Array:
            return value(target, tuple(target.recorrelate(list(v[:, None]))), own_data, w)[0]

        return decorrelated, near.value, jax.lax.map(jax.hessian(objective), decorrelated)

    return jax.vmap(of_problem)(data, weights)


def _modes_of_shared(
    target: Target, data: Data, weights: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Search as `_modes` does, the coefficients of processes integrated out."""
    # As many draws as are proposed in a round, which compiles nothing more.
    centre, width = target.prior_location_scale
    draws = centre + width * np.random.default_rng(seed).standard_normal(
        (_FEWEST_PROPOSALS, len(centre))
    )
    decorrelated = np.asarray(decorrelate_points(target.parametrisation, draws)).T
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
    """Draw the coefficients of a problem's own functions, shape (1, draws, functions).

    The batch's data may have more functions, which fill up.
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
def _slopes(target: Target, decorrelated: Array, data: Data, weights: Array) -> tuple[Array, Array]:
    """Return the negative log posterior and its gradient at decorrelated (problems, k, points)."""

    def one(own: Array, d: Data, w: Array) -> tuple[Array, Array]:
        def total(v: Array) -> tuple[Array, Array]:
            values = integrated(target, target.recorrelate(list(v)), d, w)
            return jnp.sum(values), values

        (_, values), gradient = jax.value_and_grad(total, has_aux=True)(own)
        return values, gradient

    return jax.vmap(one)(decorrelated, data, weights)


@jit_for(Use.OFTEN, "target")
def _in_data_units(target: Target, decorrelated: Array) -> ParamsInDataUnits:
    """Return named parameters, each of shape (problems, draws), from (problems, k, draws)."""
    columns = list(jnp.moveaxis(decorrelated, 1, 0))
    return target.constrain(target.recorrelate(columns))


def _log_posteriors(
    target: Target, decorrelated: np.ndarray, data: Data, weights: np.ndarray
) -> np.ndarray:
    """Return the log posterior, not normalised, at decorrelated coordinates of many draws.

    Coordinates have shape (problems, k, pool), the result (problems, pool). Work is cut into
    slices that bound memory: on CPUs a slice as a whole takes half the time of a loop over
    blocks that fit the cache.
    """
    functions = sum(features.shape[-1] for features in data.features)
    size = max(weights.size, len(weights) * (functions + 1) ** 2)
    return np.asarray(
        _in_slices(lambda part: _slice(target, part, data, weights), decorrelated, size)
    )


def _in_slices(work: Callable[[np.ndarray], Any], columns: np.ndarray, size: int) -> Any:
    """Apply ``work`` to some columns at a time, each of which takes ``size`` numbers.

    The last axis of arrays is columns.
    """
    count = columns.shape[-1]
    slices = -(-count * size // _NUMBERS_A_SLICE)
    each = -(-count // slices)
    whole = np.pad(columns, ((0, 0), (0, 0), (0, slices * each - count)), mode="edge")
    found = [jax.device_get(work(part)) for part in np.split(whole, slices, axis=-1)]
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=-1)[..., :count], *found)


@jit_for(Use.OFTEN, "target")
def _slice(target: Target, decorrelated: Array, data: Data, weights: Array) -> Array:
    def of_problem(points: Array, own_data: Data, w: Array) -> Array:
        density = -integrated(target, target.recorrelate(list(points)), own_data, w)
        return jnp.where(jnp.isnan(density), -jnp.inf, density)

    return jax.vmap(of_problem)(decorrelated, data, weights)
