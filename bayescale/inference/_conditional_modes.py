"""The modes of the noise's parameters, with law and coefficients at their conditional modes, and
the points that are weighed about the highest of them.

Searches start from the prior's best draws. In each step law and coefficients move to their
conditional mode, which is a Gauss–Newton step, for the best of some draws of the noise's
parameters: large scatter holds the law near its prior, small scatter lets it go to the runs. From
the best ends Newton's method finds the noise's parameters, and the expansion of `_conditional` is
made anew there, until neither moves.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.progress import Tell, tell_nobody
from bayescale.inference._conditional import Linearisation, Weighable, joined, linearise, weighable
from bayescale.inference._coordinates import scored
from bayescale.inference._data import Data
from bayescale.inference._descent import Expansion, descended
from bayescale.inference._programs import Fields, Program, compile_ahead
from bayescale.inference.base import Problem, Target
from bayescale.kernels.mesh import devices
from bayescale.kernels.objective import value
from bayescale.laws.base import Parameter

S = TypeVar("S")
T = TypeVar("T")

TILE = 64
"""Points that one call of the compiled program weighs: their matrices stay in a core's cache."""

# A table without noise takes some thirty steps, as each lets the scatter fall by a little.
_PRIOR_DRAWS, _SEARCHES, _GAUSS_NEWTON_STEPS = 4096, 8, 50
_NEAR, _LEVEL = (1.0, 0.3, 0.1), 0.1
_FIRST_DAMPING, _GROW, _MOST_DAMPING = 10.0, 30.0, 1e6
_FEWEST_SEARCHES, _SAME_VALUE, _LAW_STEPS_AGAIN, _UNLIKELY = 4, 1.0, 3, 3.0
_MOST_ENDS, _FAR_BELOW, _SAME_END = 2, 20.0, 0.5
# Searches over more rows than this begin with a sample of them, which costs a tenth and ends close.
_MANY_ROWS, _SAMPLE = 2048, 1024
_ROUNDS, _NEWTON_STEPS, _SETTLED = 20, 6, 1e-2


@dataclass(frozen=True)
class Independent:
    """The objective of one target without what runs share; equal ones share compiled programs."""

    target: Target

    def __call__(self, draws: Array, data: Data, weights: Array) -> Fields:
        """Return the negative log posterior at unconstrained coordinates, shape (k, draws)."""
        values = value(self.target, tuple(draws), data, weights)
        return {"values": jnp.where(jnp.isnan(values), jnp.inf, values)}


@dataclass(frozen=True)
class Tile:
    """The program that weighs some points of one target; equal ones share compiled programs."""

    target: Target

    def __call__(
        self,
        points: Array,
        standard: Array,
        data: Data,
        weights: Array,
        linearisation: Linearisation,
    ) -> Fields:
        """Return the fields of `Weighable`."""
        return weighable(self.target, points, standard, data, weights, linearisation)._asdict()


@dataclass(frozen=True)
class Expand:
    """The program that expands one target about a point; equal ones share compiled programs."""

    target: Target

    def __call__(
        self, unconstrained: Array, coefficients: Array, data: Data, weights: Array
    ) -> Fields:
        """Return the fields of `Linearisation`."""
        return linearise(self.target, unconstrained, coefficients, data, weights)._asdict()


class Programs(NamedTuple):
    """The programs for problems of one target and shape, compiled in the background."""

    independent: Program
    expand: Program
    tile: Program

    @classmethod
    def of(cls, problem: Problem) -> "Programs":
        """Start to compile for the first of the devices that work is for, or take what an earlier
        problem of the shape has compiled.
        """
        return cls.on(devices()[0], problem)

    @classmethod
    def on(cls, device: jax.Device, problem: Problem) -> "Programs":
        """Start to compile for a device, or take what an earlier problem has compiled."""
        target, data, weights = problem.target, problem.data, problem.weights
        k, functions = len(target.parameters), problem.n_functions
        draws, points = np.zeros((k, _PRIOR_DRAWS)), np.zeros((k, TILE))
        about = (np.zeros(k), np.zeros(functions), data, weights)
        only = (device,)
        expand = compile_ahead(Expand(target), only, about)
        # The shapes come from the kept program: to trace it for every problem takes longer than
        # many a fit.
        expansion = Linearisation._make(expand.result[name] for name in Linearisation._fields)
        tile = (points, np.zeros((functions, TILE)), data, weights, expansion)
        return cls(
            compile_ahead(Independent(target), only, (draws, data, weights)),
            expand,
            compile_ahead(Tile(target), only, tile),
        )

    @property
    def device(self) -> jax.Device:
        """The device that the programs are compiled for."""
        return next(iter(self.tile.compiling))


def first(program: Program) -> Callable[..., Fields]:
    """Return a program as compiled for the first of its devices, as soon as it is."""
    return program.on(next(iter(program.compiling)))


class End(NamedTuple):
    """The end of a search.

    Attributes
    ----------
    value : float
        The negative log density there.
    unconstrained : array, shape (k,)
    coefficients : array, shape (functions,)
    """

    value: float
    unconstrained: np.ndarray
    coefficients: np.ndarray


class Mode(NamedTuple):
    """A mode of the noise's parameters.

    Attributes
    ----------
    linearisation : Linearisation
        About the law and the coefficients there.
    noise : array, shape (m,)
        Scored coordinates of the noise.
    value : float
        The negative log density there.
    hessian : array, shape (m, m)
        Of the negative log density.
    """

    linearisation: Linearisation
    noise: np.ndarray
    value: float
    hessian: np.ndarray


@dataclass(frozen=True, eq=False)
class Conditional:
    """One problem and its compiled programs.

    Attributes
    ----------
    problem : Problem
    programs : Programs
    workers : int
        Threads that weigh tiles.
    tell : callable
        Told of each step.
    """

    problem: Problem
    programs: Programs
    workers: int = 1
    tell: Tell = tell_nobody

    @cached_property
    def n_law(self) -> int:
        """Number of parameters of the law."""
        return self.problem.target.n_predictive

    @cached_property
    def noise_parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the noise."""
        return self.problem.target.noise.parameters

    @cached_property
    def prior_location_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the prior in unconstrained coordinates, each (k,)."""
        return self.problem.target.prior_location_scale

    def weigh(
        self, linearisation: Linearisation, points: np.ndarray, standard: np.ndarray
    ) -> Weighable:
        """Weigh points, shape (k, n), with draws ξ, shape (functions, n), about an expansion."""
        n = points.shape[1]
        padding = ((0, 0), (0, -n % TILE))
        padded = [np.pad(array, padding, mode="edge") for array in (points, standard)]
        tile = first(self.programs.tile)
        problem = self.problem

        def weigh_tile(begin: int) -> Weighable:
            here = slice(begin, begin + TILE)
            parts = [np.ascontiguousarray(array[:, here]) for array in padded]
            with jax.enable_x64(True):
                found = tile(*parts, problem.data, problem.weights, linearisation)
            return Weighable(**jax.device_get(found))

        tiles = self._side_by_side(weigh_tile, list(range(0, n, TILE)))
        return jax.tree.map(lambda whole: whole[..., :n], joined(tiles))

    def _side_by_side(self, work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        """Return the results of parts, worked on in as many threads as there are workers."""
        if self.workers == 1 or len(parts) == 1:
            return [work(part) for part in parts]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(work, parts))

    def modes(self, seed: int) -> list[Mode]:
        """Find distinct modes, the highest first."""
        if self.problem.padded_size > _MANY_ROWS:
            ends = self._ends_by_sample(seed)
        else:
            ends = self._ends(seed)
        found = self._side_by_side(self._settled, ends)
        finite = [mode for mode in found if np.isfinite(mode.hessian).all()] or found[:1]
        return sorted(finite, key=lambda mode: mode.value)

    def _ends(self, seed: int) -> list[End]:
        """Return distinct ends of searches from the prior's best draws, the highest first."""
        draws = self._prior_draws(seed)
        with jax.enable_x64(True):
            independent = first(self.programs.independent)
            found = independent(draws, self.problem.data, self.problem.weights)
        best = draws[:, np.argsort(np.asarray(found["values"]))[:_SEARCHES]].T
        starts = [End(np.inf, start, np.zeros(self.problem.n_functions)) for start in best]
        ends: list[End] = []
        while len(ends) < len(starts) and not _found_twice(ends):
            begin = len(ends)
            several = starts[begin : begin + max(self.workers, 2)]
            ends += self._side_by_side(lambda start: self._searched(start, seed), several)
        lowest = min(ends, key=lambda end: end.value)
        if self._is_unlikely(lowest):
            ends.append(self._searched_again(lowest, seed))
        return self._distinct(ends)

    def _ends_by_sample(self, seed: int) -> list[End]:
        """Return ends of searches that begin where those over a sample of the runs have ended."""
        problem = self.problem.thinned(_SAMPLE)
        # A thread of a batch does not know where the batch was told to work.
        programs = Programs.on(self.programs.device, problem)
        sample = replace(self, problem=problem, programs=programs)
        starts = sample._ends(seed)
        ends = self._side_by_side(lambda start: self._searched(start, seed), starts)
        return self._distinct(ends)

    def _distinct(self, ends: list[End]) -> list[End]:
        """Return the highest ends that lie apart, the highest first."""
        _, width = self.prior_location_scale
        ends = sorted(ends, key=lambda end: end.value)
        distinct: list[End] = []
        for end in ends:
            close = [np.abs((end.unconstrained - one.unconstrained) / width) for one in distinct]
            known = any(distance.max() < _SAME_END for distance in close)
            if not known and end.value < ends[0].value + _FAR_BELOW:
                distinct.append(end)
        return distinct[:_MOST_ENDS] or ends[:1]

    def _prior_draws(self, seed: int) -> np.ndarray:
        centre, width = self.prior_location_scale
        standard = np.random.default_rng(seed).standard_normal((_PRIOR_DRAWS, len(centre)))
        return (centre + width * standard).T

    def _searched(self, start: End, seed: int, law_steps: int = 0) -> End:
        """Follow Gauss–Newton steps from a start, with the best of some noises, each after some
        steps of the law alone.
        """
        p = self.n_law
        centre, width = (values[p:] for values in self.prior_location_scale)
        standard = np.random.default_rng(seed).standard_normal((TILE - 1, len(centre)))
        near = standard * np.resize(_NEAR, TILE - 1)[:, None]
        best = start._replace(value=np.inf)
        damping, linearisation = 0.0, self._law_moved(best, law_steps)
        for _ in range(_GAUSS_NEWTON_STEPS):
            self.tell("searching for modes")
            here = best.unconstrained[p:]
            tried = np.concatenate([here[None], here + width * near, centre + width * standard])
            scores = scored(self.noise_parameters, tried[:TILE])
            found = self._at_conditional_modes(linearisation.damped(damping), scores)
            i = int(np.argmax(found.log_density[0]))
            end = End(
                float(-found.log_density[0, i]),
                np.asarray(found.unconstrained[:, i]),
                np.asarray(found.coefficients[0, :, i]),
            )
            if not end.value < best.value:
                damping = max(_FIRST_DAMPING, damping * _GROW)
                if damping > _MOST_DAMPING:
                    break
                continue
            settled = best.value - end.value < _LEVEL
            best, damping = end, damping / _GROW
            if settled:
                break
            linearisation = self._law_moved(best, law_steps)
        return best

    def _is_unlikely(self, end: End) -> bool:
        """Return whether a parameter of the noise lies far from its prior."""
        centre, width = self.prior_location_scale
        away = np.abs((end.unconstrained - centre) / width)[self.n_law :]
        return bool(away.max(initial=0.0) > _UNLIKELY)

    def _searched_again(self, end: End, seed: int) -> End:
        """Search from an end once more, with the scatter of the prior at first.

        Where scatter fell before the law had settled, most runs count as far out and hardly move
        the law: so it went with tables that were computed from a law.
        """
        p = self.n_law
        centre = self.prior_location_scale[0][p:]
        unconstrained = np.concatenate([end.unconstrained[:p], centre])
        start = End(np.inf, unconstrained, np.zeros(self.problem.n_functions))
        return self._searched(start, seed, law_steps=_LAW_STEPS_AGAIN)

    def _law_moved(self, end: End, steps: int) -> Linearisation:
        """Return the expansion at an end, after steps of the law and the coefficients alone."""
        noise = scored(self.noise_parameters, end.unconstrained[self.n_law :])
        linearisation = self._expanded(end.unconstrained, end.coefficients)
        for _ in range(steps):
            linearisation = self._expanded(*self._conditional_mode(linearisation, noise))
        return linearisation

    def _settled(self, end: End) -> Mode:
        """Find the mode next to an end."""
        noise = scored(self.noise_parameters, end.unconstrained[self.n_law :])
        linearisation = self._expanded(end.unconstrained, end.coefficients)
        for _ in range(_ROUNDS):
            self.tell("settling at a mode")
            linearisation = self._expanded(*self._conditional_mode(linearisation, noise))
            expansion = self._descended(linearisation, noise)
            moved, noise = np.abs(expansion.at - noise), expansion.at
            if moved.max(initial=0.0) < _SETTLED:
                break
        return Mode(linearisation, noise, expansion.value, expansion.hessian)

    def _expanded(self, unconstrained: np.ndarray, coefficients: np.ndarray) -> Linearisation:
        expand = first(self.programs.expand)
        with jax.enable_x64(True):
            found = expand(unconstrained, coefficients, self.problem.data, self.problem.weights)
        return Linearisation(**jax.device_get(found))

    def _conditional_mode(
        self, linearisation: Linearisation, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return parameters and coefficients at the mode given the noise's parameters."""
        found = self._at_conditional_modes(linearisation, noise[None])
        return np.asarray(found.unconstrained[:, 0]), np.asarray(found.coefficients[0, :, 0])

    def _descended(self, linearisation: Linearisation, noise: np.ndarray) -> Expansion:
        def values(points: np.ndarray) -> np.ndarray:
            found = self._at_conditional_modes(linearisation, points)
            return np.asarray(-found.log_density[0])

        return descended(values, noise, _NEWTON_STEPS)

    def _at_conditional_modes(self, linearisation: Linearisation, noise: np.ndarray) -> Weighable:
        """Weigh points where η and ξ are zero, for noise of shape (points, m)."""
        whitened = np.zeros((self.n_law, len(noise)))
        points = np.concatenate([whitened, noise.T])
        standard = np.zeros((self.problem.n_functions, len(noise)))
        return self.weigh(linearisation, points, standard)


def _found_twice(ends: list[End]) -> bool:
    """Return whether the lowest value was reached by two searches, once enough have ended."""
    values = sorted(end.value for end in ends)
    return len(values) >= _FEWEST_SEARCHES and values[1] - values[0] < _SAME_VALUE


def cores() -> int:
    """Return how many threads this process may run at once."""
    return os.cpu_count() or 1
