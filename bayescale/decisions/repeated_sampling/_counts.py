"""Fit the distribution of success rates to counts: rates are summed out on a grid, NUTS draws the
parameters.

A problem solved y times in n samples has likelihood ∫ p^y (1 − p)^(n − y) f(u) du over log hazards
u, which is a sum over cells. Where the first factor is broad, both factors are taken at the centres
of the cells, with a negligible error. Where it is narrower than a cell, f is a parabola through
neighbouring centres, and the integral is a sum over points within the cell. Hazards below the grid
count as zero. Chains of all groups run one compiled program, in threads.
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

from bayescale._internal.devices import on_host, pinned_device
from bayescale.decisions.repeated_sampling.families import SuccessRates
from bayescale.inference._chains import DEFAULT_WARMUP, Redraw, Schedule, sample, walk
from bayescale.inference._coordinates import constrained
from bayescale.inference._programs import Fields, compile_ahead
from bayescale.inference.nuts import NUTS
from bayescale.parameters import names_of
from bayescale.posterior.diagnostics import convergence, judge
from bayescale.processes.base import padded_size
from bayescale.results import Complaint

# Log hazards of the centres of the cells, from rates of 1 in 10^11 to rates that are almost one.
WIDTH = 0.2
CELLS = np.arange(-25.0, 7.0, WIDTH)
# Points within a cell, in widths from its centre.
_POINTS = (np.arange(16) + 0.5) / 16 - 0.5
# A likelihood is narrow where the square of a cell's width is so many times its variance.
_NARROW = 2.0
# Weights, at each point, of the values at the centres of the cell before, of the cell and of the
# cell after, for a parabola through them.
_WEIGHTS_BEFORE = _POINTS * (_POINTS - 1) / 2
_WEIGHTS_AT = 1 - _POINTS**2
_WEIGHTS_AFTER = _POINTS * (_POINTS + 1) / 2
# Few parameters and a smooth likelihood: long steps rarely diverge.
REDRAW = Redraw(acceptances=(0.8, 0.99))
_SPREAD_OF_STARTS = 0.3
_BLOCK = 250


class Table(NamedTuple):
    """The likelihood of rates, for each distinct pair of counts, relative to its largest.

    Attributes
    ----------
    likelihood : array, shape (pairs, 1 + cells)
        Likelihood of a rate of zero, then averages over cells.
    repeats : array, shape (pairs,)
        Number of problems with the pair.
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
        """Return the distinct pairs, shape (pairs, 2), the pair of each problem, and the number of
        problems with each pair.
        """
        both = np.stack([self.n_samples, self.n_correct], axis=1)
        distinct, pair_of_problem, repeats = np.unique(
            both, axis=0, return_inverse=True, return_counts=True
        )
        return distinct, pair_of_problem.reshape(-1), repeats

    def likelihood(self) -> np.ndarray:
        """Return the likelihood of a rate of zero and of the cells, relative to the largest, shape
        (pairs, 1 + cells).
        """
        n, y = self.pairs()[0].T[..., None].astype(np.float64)
        p = (y + 0.5) / (n + 1)
        narrow = WIDTH**2 * n * (1 - p) * np.log1p(-p) ** 2 / p > _NARROW
        at_centres = self._relative(CELLS[:, None])[..., 0]
        cells = np.where(narrow, self._averages(), at_centres)
        return np.column_stack([y == 0, cells])

    def _averages(self) -> np.ndarray:
        """Return the likelihood of each cell by its parabolas, shape (pairs, cells)."""
        at_points = self.at_points()
        cells = (at_points * _WEIGHTS_AT).mean(axis=-1)
        cells[:, :-1] += (at_points * _WEIGHTS_BEFORE).mean(axis=-1)[:, 1:]
        cells[:, 1:] += (at_points * _WEIGHTS_AFTER).mean(axis=-1)[:, :-1]
        return cells

    def at_points(self) -> np.ndarray:
        """Return the likelihood of points within each cell, shape (pairs, cells, points)."""
        return self._relative(CELLS[:, None] + WIDTH * _POINTS)

    def _relative(self, log_hazard: np.ndarray) -> np.ndarray:
        """Return the likelihood of log hazards, relative to the largest of each pair."""
        n, y = self.pairs()[0].T[..., None, None].astype(np.float64)
        hazard = np.exp(log_hazard)
        log_largest = xlogy(y, y / n) + xlog1py(n - y, -y / n)
        log_likelihood = y * np.log(-np.expm1(-hazard)) - (n - y) * hazard
        return np.exp(log_likelihood - log_largest)

    def table(self, size: int) -> Table:
        """Return the likelihoods of all pairs, padded to a number of pairs without problems."""
        _, _, repeats = self.pairs()
        padding = size - len(repeats)
        likelihood = np.pad(self.likelihood(), ((0, padding), (0, 0)), constant_values=1)
        return Table(likelihood, np.pad(repeats.astype(np.float64), (0, padding)))


@dataclass(frozen=True, eq=False)
class Fit:
    """Draws of one group.

    Attributes
    ----------
    params : dict of array, shape (chain, draw)
    table : DataFrame
        R-hat and effective sample sizes.
    diagnostics : dict of float
    problems : tuple of Complaint
    """

    params: dict[str, np.ndarray]
    table: pd.DataFrame
    diagnostics: dict[str, float]
    problems: tuple[Complaint, ...]


def log_shares(rates: SuccessRates, params: Mapping[str, np.ndarray | Array]) -> Array:
    """Return the logarithm of the share of problems below the grid and in each cell, shape (…, 1 +
    cells), for parameters of shape (…).
    """
    params = {name: values[..., None] for name, values in params.items()}
    cells = rates.log_density(params, jnp.asarray(CELLS)) + jnp.log(WIDTH)
    tiny = jnp.finfo(cells.dtype).tiny
    edge = jnp.asarray([CELLS[0] - WIDTH / 2])
    below = jnp.log(jnp.maximum(rates.below(params, edge), tiny))
    shares = jnp.concatenate([below, cells], axis=-1)
    return shares - logsumexp(shares, axis=-1, keepdims=True)


def log_likelihood(rates: SuccessRates, params: dict[str, Array], table: Table) -> Array:
    """Return the log likelihood of the counts of a group, up to a constant; shape ()."""
    likelihood = table.likelihood @ jnp.exp(log_shares(rates, params))
    return jnp.log(jnp.maximum(likelihood, jnp.finfo(likelihood.dtype).tiny)) @ table.repeats


def model(rates: SuccessRates, table: Table) -> None:
    """Declare the NumPyro model: a site for each parameter, and the counts' likelihood."""
    params = {}
    for parameter in rates.parameters:
        params[parameter.name] = numpyro.sample(parameter.name, parameter.prior)
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
    starts = _starts(rates, np.array(list(map(_pooled_log_hazard, groups))), method)
    warmup = DEFAULT_WARMUP if method.warmup is None else method.warmup
    chain = RatesChain(rates, Schedule(warmup, method.draws))
    fits: dict[int, Fit] = {}
    to_draw = list(range(len(groups)))
    for attempt, acceptance in enumerate(REDRAW.attempts(method.chains * method.draws)):
        if not to_draw:
            break

        def arguments(
            lane: tuple[int, int], attempt: int = attempt, acceptance: float = acceptance
        ) -> tuple[Any, ...]:
            key = _key(method.seed, attempt, *lane)
            return key, np.asarray(acceptance), starts[lane], tables[lane[0]]

        program = _program(chain, arguments((to_draw[0], 0)))
        lanes = itertools.product(to_draw, range(method.chains))
        draws = sample(dict.fromkeys(lanes, program), arguments)
        for group in to_draw:
            fits[group] = _fit([draws[group, number] for number in range(method.chains)])
        to_draw = [group for group in to_draw if fits[group].problems]
    # The first attempt draws all groups, in their order.
    return list(fits.values())


def _program(chain: "RatesChain", arguments: tuple[Any, ...]) -> Callable[..., Fields]:
    """Return the compiled chain, for the host's CPU unless work is pinned to a device."""
    with on_host():
        device = pinned_device() or jax.local_devices()[0]
        return compile_ahead(chain, (device,), arguments).on(device)


def _key(seed: int, *numbers: int) -> Array:
    key = jax.random.key(seed)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def _pooled_log_hazard(group: Counts) -> float:
    """Return the log hazard of the pooled success rate of a group."""
    rate = (group.n_correct.sum() + 0.5) / (group.n_samples.sum() + 1)
    return float(np.log(-np.log1p(-rate)))


def _starts(rates: SuccessRates, log_hazard: np.ndarray, method: NUTS) -> np.ndarray:
    """Draw decorrelated coordinates about the family's start, shape (groups, chains, k)."""
    centre = np.stack(rates.start(jnp.asarray(log_hazard)), axis=-1)[:, None]
    shape = len(centre), method.chains, centre.shape[-1]
    rng = np.random.default_rng(method.seed)
    return np.asarray(centre + _SPREAD_OF_STARTS * rng.standard_normal(shape))


def _fit(chains: Sequence[dict[str, Array]]) -> Fit:
    """Return the draws of all chains with their diagnostics."""
    draws = {}
    for name in chains[0]:
        draws[name] = np.stack([chain[name] for chain in chains])
    divergences = int(draws.pop("diverging").sum())
    table = convergence(draws)
    diagnostics, problems = judge(table, divergences)
    return Fit(draws, table, diagnostics, problems)


@dataclass(frozen=True)
class RatesChain:
    """One chain over the parameters of a family; equal ones share compiled programs."""

    rates: SuccessRates
    schedule: Schedule

    def __call__(self, key: Array, acceptance: Array, start: Array, table: Table) -> Fields:
        """Trace the chain: parameters and ``diverging``, each of shape (draws,)."""
        parameters = self.rates.parameters
        names = names_of(parameters)

        def potential(point: Array) -> Array:
            sites = dict(zip(names, self.rates.recorrelate(tuple(point)), strict=True))
            return potential_energy(model, (self.rates, table), {}, sites)

        value, gradient = jax.value_and_grad(potential)(start)
        first = ParamInfo(start, value, gradient)
        kept = walk(potential, first, self.schedule, key, acceptance, dense_mass=True)
        params = constrained(parameters, self.rates.recorrelate(tuple(kept["z"].T)))
        return params | {"diverging": kept["diverging"]}


def draw_log_hazards(group: Counts, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the rate of each problem of a group from its distribution given the counts.

    Rates are drawn as log hazards; −∞ is a rate of zero, for a hazard below the grid.

    Parameters
    ----------
    group : Counts
    shares : array, shape (draws, 1 + cells)
        Shares of problems below the grid and in the cells, for each draw of the parameters.
    rng : Generator

    Returns
    -------
    array, shape (draws, problems)
    """
    pairs, pair_of_problem, _ = group.pairs()
    at_points = group.at_points()
    likelihood = np.column_stack([pairs[:, 1] == 0, at_points.mean(axis=-1)])
    cumulative_points = np.cumsum(at_points, axis=-1)
    log_hazard = np.empty((len(shares), len(pair_of_problem)))
    for first in range(0, len(shares), _BLOCK):
        block = slice(first, first + _BLOCK)
        cumulative = np.cumsum(shares[block, None] * likelihood, axis=-1)
        cell = _draw_cells(cumulative, pair_of_problem, rng)
        inside = np.clip(cell - 1, 0, len(CELLS) - 1)
        edges = cumulative_points[pair_of_problem, inside]
        uniform = rng.random(edges.shape[:2])[..., None]
        point = (uniform * edges[..., -1:] > edges).sum(axis=-1)
        drawn = CELLS[inside] + WIDTH * _POINTS[np.minimum(point, len(_POINTS) - 1)]
        log_hazard[block] = np.where(cell < 1, -np.inf, drawn)
    return log_hazard


def _draw_cells(
    cumulative: np.ndarray, pair_of_problem: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw a cell for each draw and problem, shape (draws, problems); 0 is below the grid.

    Parameters
    ----------
    cumulative : array, shape (draws, pairs, 1 + cells)
        Cumulative sums over the cells of a probability up to a constant.
    pair_of_problem : array of int, shape (problems,)
    rng : Generator
    """
    n_draws, n_pairs, n_cells = cumulative.shape
    totals = cumulative[:, pair_of_problem, -1]
    uniform = rng.random(totals.shape)
    # Rows one after the other, each a unit above the one before, are one sorted array.
    offsets = np.arange(n_draws * n_pairs).reshape(n_draws, n_pairs, 1)
    edges = cumulative / cumulative[..., -1:] + offsets
    rows = offsets[:, pair_of_problem, 0]
    position = np.searchsorted(edges.reshape(-1), rows + uniform, side="right")
    return position - rows * n_cells
