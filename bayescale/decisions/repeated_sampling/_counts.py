"""Fitting the distribution of success rates to counts: the rates are summed out on a grid, NUTS
draws the rest.

A problem solved y times in n samples has likelihood ∫ p^y (1 − p)^(n − y) f(u) du over log hazards
u, a sum over cells with f at their centres. So is the first factor where it is broad, which leaves
no error to speak of; where it is narrower than a cell, f is a parabola through neighbouring centres
and the integral is taken at finer places. Hazards below the grid count as zero. Chains of all
groups run one compiled program, in threads.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pandas as pd
from jax import Array
from jax.scipy.special import logsumexp
from numpyro.infer.util import ParamInfo, potential_energy
from scipy.special import xlog1py, xlogy

from bayescale._internal.devices import pinned_device
from bayescale.decisions.repeated_sampling.families import SuccessRates
from bayescale.inference._chains import DEFAULT_WARMUP, Redraw, Schedule, sample, walk
from bayescale.inference._coordinates import constrained
from bayescale.inference._programs import Fields, compile_ahead
from bayescale.inference.nuts import NUTS
from bayescale.posterior.diagnostics import convergence, judge
from bayescale.processes.base import padded_size
from bayescale.results import Complaint

# Log hazards: of rates of 1 in 10^11, and of samples a thousandth of which would do.
CELLS, WIDTH = np.arange(-25.0, 7.0, 0.2), 0.2
_WITHIN = (np.arange(16) + 0.5) / 16 - 0.5
# Of the square of a cell's width over the variance of a likelihood.
_NARROW = 2.0
# Of the values at the centre before, the own and the one after, in what lies within a cell.
_PARABOLA = _WITHIN * (_WITHIN - 1) / 2, 1 - _WITHIN**2, _WITHIN * (_WITHIN + 1) / 2
# Few parameters and a smooth likelihood: long steps rarely diverge.
REDRAW = Redraw(acceptances=(0.8, 0.99))
_SPREAD_OF_STARTS = 0.3
_BLOCK = 250


class Table(NamedTuple):
    """The likelihood of rates, for each distinct pair of counts, relative to its largest.

    Attributes
    ----------
    likelihood : array, shape (pairs, 1 + cells)
        Of a rate of zero, and averages over cells.
    repeats : array, shape (pairs,)
        How many problems have the pair.
    """

    likelihood: Array | np.ndarray
    repeats: Array | np.ndarray


@dataclass(frozen=True, eq=False)
class Counts:
    """Problems of one group, by their distinct pairs of counts.

    Attributes
    ----------
    n_samples, n_correct : array, shape (problems,)
    """

    n_samples: np.ndarray
    n_correct: np.ndarray

    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs, shape (pairs, 2); the pair of each problem; how many problems have each."""
        both = np.stack([self.n_samples, self.n_correct], axis=1)
        distinct, pair_of_problem, repeats = np.unique(
            both, axis=0, return_inverse=True, return_counts=True
        )
        return distinct, pair_of_problem.reshape(-1), repeats

    def likelihood(self) -> np.ndarray:
        """Likelihood of a rate of zero and of the cells, relative to the largest, shape (pairs, 1 +
        cells).
        """
        n, y = self.pairs()[0].T[..., None].astype(np.float64)
        p = (y + 0.5) / (n + 1)
        narrow = WIDTH**2 * n * (1 - p) * np.log1p(-p) ** 2 / p > _NARROW
        fine = self.within()
        before, cells, after = ((fine * weights).mean(axis=-1) for weights in _PARABOLA)
        cells[:, :-1] += before[:, 1:]
        cells[:, 1:] += after[:, :-1]
        return np.column_stack(
            [y == 0, np.where(narrow, cells, self._relative(CELLS[:, None])[..., 0])]
        )

    def within(self) -> np.ndarray:
        """Likelihood of points within each cell, shape (pairs, cells, 16)."""
        return self._relative(CELLS[:, None] + WIDTH * _WITHIN)

    def _relative(self, log_hazard: np.ndarray) -> np.ndarray:
        n, y = self.pairs()[0].T[..., None, None].astype(np.float64)
        hazard = np.exp(log_hazard)
        largest = xlogy(y, y / n) + xlog1py(n - y, -y / n)
        return np.asarray(np.exp(y * np.log(-np.expm1(-hazard)) - (n - y) * hazard - largest))

    def table(self, size: int) -> Table:
        """Filled up to a number of pairs with some that no problem has."""
        _, _, repeats = self.pairs()
        more = size - len(repeats)
        return Table(
            np.pad(self.likelihood(), ((0, more), (0, 0)), constant_values=1),
            np.pad(repeats.astype(np.float64), (0, more)),
        )


@dataclass(frozen=True, eq=False)
class Fit:
    """Draws of one group.

    Attributes
    ----------
    params : dict of array, shape (chain, draw)
    table : DataFrame
        R-hat and effective sample sizes.
    diagnostics : dict of float
    problems : tuple of str
    """

    params: dict[str, np.ndarray]
    table: pd.DataFrame
    diagnostics: dict[str, float]
    problems: tuple[Complaint, ...]


def log_shares(rates: SuccessRates, params: Mapping[str, np.ndarray | Array]) -> Array:
    """The logarithm of the share of problems below the grid and in each cell, shape (…, 1 + cells);
    constants of shape (…).
    """
    params = {name: values[..., None] for name, values in params.items()}
    cells = rates.log_density(params, jnp.asarray(CELLS)) + jnp.log(WIDTH)
    tiny = jnp.finfo(cells.dtype).tiny
    below = jnp.log(jnp.maximum(rates.below(params, jnp.asarray([CELLS[0] - WIDTH / 2])), tiny))
    shares = jnp.concatenate([below, cells], axis=-1)
    return shares - logsumexp(shares, axis=-1, keepdims=True)


def log_likelihood(rates: SuccessRates, params: dict[str, Array], table: Table) -> Array:
    """Return the log likelihood of the counts of a group, but for constants; shape ()."""
    likelihood = table.likelihood @ jnp.exp(log_shares(rates, params))
    return jnp.log(jnp.maximum(likelihood, jnp.finfo(likelihood.dtype).tiny)) @ table.repeats


def model(rates: SuccessRates, table: Table) -> None:
    """The NumPyro model: one site a parameter, and the counts' likelihood as a factor."""
    params = {p.name: numpyro.sample(p.name, p.prior) for p in rates.parameters}
    numpyro.factor("n_correct", log_likelihood(rates, params, table))


def fit_rates(rates: SuccessRates, groups: Sequence[Counts], method: NUTS) -> list[Fit]:
    """Draw the parameters of each group, all groups side by side.

    Groups whose diagnostics are not good are drawn again with shorter steps.

    Parameters
    ----------
    rates : SuccessRates
    groups : sequence of Counts
    method : NUTS
        Its ``chains``, ``draws``, ``warmup`` and ``seed``.
    """
    size = padded_size(max(len(group.pairs()[0]) for group in groups))
    tables = [group.table(size) for group in groups]
    starts = _starts(rates, _pooled_log_hazards(groups), method)
    warmup = DEFAULT_WARMUP if method.warmup is None else method.warmup
    chain = RatesChain(rates, Schedule(warmup, method.draws))
    fits: dict[int, Fit] = {}
    for number, acceptance in enumerate(REDRAW.attempts(method.chains * method.draws)):
        doubtful = [i for i in range(len(groups)) if i not in fits or fits[i].problems]
        if not doubtful:
            break

        def arguments(
            lane: tuple[int, int], number: int = number, acceptance: float = acceptance
        ) -> tuple[Any, ...]:
            key = _key(method.seed, number, *lane)
            return key, np.asarray(acceptance), starts[lane], tables[lane[0]]

        program = _program(chain, arguments((doubtful[0], 0)))
        lanes = itertools.product(doubtful, range(method.chains))
        drawn = sample(dict.fromkeys(lanes, program), arguments)
        for i in doubtful:
            fits[i] = _fit([drawn[i, number] for number in range(method.chains)])
    return [fits[i] for i in range(len(groups))]


def _program(chain: "RatesChain", arguments: tuple[Any, ...]) -> Callable[..., Fields]:
    """Return the compiled chain, for the device that work goes to in this process."""
    device = pinned_device() or jax.local_devices()[0]
    return compile_ahead(chain, (device,), arguments).on(device)


def _key(seed: int, *numbers: int) -> Array:
    key = jax.random.key(seed)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def _pooled_log_hazards(groups: Sequence[Counts]) -> np.ndarray:
    """Return the log hazard of each group's pooled success rate, shape (groups,)."""
    solved = np.array([group.n_correct.sum() for group in groups])
    tried = np.array([group.n_samples.sum() for group in groups])
    rate = (solved + 0.5) / (tried + 1)
    return np.log(-np.log1p(-rate))


def _starts(rates: SuccessRates, log_hazard: np.ndarray, method: NUTS) -> np.ndarray:
    """Draw decorrelated coordinates about the family's start, shape (groups, chains, k)."""
    centre = np.stack(rates.start(jnp.asarray(log_hazard)), axis=-1)[:, None]
    shape = len(centre), method.chains, centre.shape[-1]
    return np.asarray(
        centre + _SPREAD_OF_STARTS * np.random.default_rng(method.seed).standard_normal(shape)
    )


def _fit(chains: Sequence[dict[str, Array]]) -> Fit:
    drawn = {name: np.stack([np.asarray(chain[name]) for chain in chains]) for name in chains[0]}
    divergences = int(drawn.pop("diverging").sum())
    table = convergence(drawn)
    return Fit(drawn, table, *judge(table, divergences))


@dataclass(frozen=True)
class RatesChain:
    """One chain over the parameters of a family; equal ones share compiled programs."""

    rates: SuccessRates
    schedule: Schedule

    def __call__(self, key: Array, acceptance: Array, start: Array, table: Table) -> Fields:
        """Trace the chain: parameters and ``diverging``, each of shape (draws,)."""
        parameters = self.rates.parameters

        def potential(point: Array) -> Array:
            values = self.rates.recorrelate(tuple(point))
            sites = {p.name: value for p, value in zip(parameters, values, strict=True)}
            return potential_energy(model, (self.rates, table), {}, sites)

        value, gradient = jax.value_and_grad(potential)(start)
        first = ParamInfo(start, value, gradient)
        kept = walk(potential, first, self.schedule, key, acceptance, dense_mass=True)
        params = constrained(parameters, self.rates.recorrelate(tuple(kept["z"].T)))
        return params | {"diverging": kept["diverging"]}


def draw_log_hazards(group: Counts, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rates of the problems of a group given their counts, as log hazards, −∞ for one below the
    grid.

    Parameters
    ----------
    group : Counts
    shares : array, shape (draws, 1 + cells)
        Of each draw of the parameters.
    rng : Generator

    Returns
    -------
    array, shape (draws, problems)
    """
    pairs, pair_of_problem, _ = group.pairs()
    within = group.within()
    known = np.column_stack([pairs[:, 1] == 0, within.mean(axis=-1)])
    parts = np.cumsum(within, axis=-1)
    log_hazard = np.empty((len(shares), len(pair_of_problem)))
    for first in range(0, len(shares), _BLOCK):
        block = slice(first, first + _BLOCK)
        total = np.cumsum(shares[block, None] * known, axis=-1)
        chance = rng.random((len(total), len(pair_of_problem))) * total[:, pair_of_problem, -1]
        # Rows one after the other, each a unit above the one before, are one sorted array.
        rows = np.arange(len(total))[:, None] * len(pairs) + pair_of_problem
        ends = (
            total / total[..., -1:] + np.arange(total[..., 0].size).reshape(*total.shape[:2], 1)
        ).reshape(-1)
        cell = (
            np.searchsorted(ends, rows + chance / total[:, pair_of_problem, -1], side="right")
            - rows * total.shape[-1]
        )
        inside = np.clip(cell - 1, 0, len(CELLS) - 1)
        edges = parts[pair_of_problem, inside]
        part = (rng.random(edges.shape[:2])[..., None] * edges[..., -1:] > edges).sum(axis=-1)
        log_hazard[block] = np.where(
            cell < 1, -np.inf, CELLS[inside] + WIDTH * _WITHIN[np.minimum(part, len(_WITHIN) - 1)]
        )
    return log_hazard
