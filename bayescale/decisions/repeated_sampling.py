"""Fitting the distribution of success rates to counts: the rates are summed out on a grid of log-odds, NUTS draws the rest.

A problem solved y times in n samples has likelihood ∫ p^y (1 − p)^(n − y) f(x) dx. The first factor may be much narrower than a
cell of the grid and is averaged over each cell beforehand; the density f is smooth and is taken at the cell's centre. Rates below
the grid count as zero. All groups and chains are one batch of one compiled program.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pandas as pd
from jax import Array
from jax.scipy.special import logsumexp
from numpyro.distributions import biject_to
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo, potential_energy
from numpyro.util import fori_collect
from scipy.special import log_expit, xlog1py, xlogy

from bayescale.decisions.success_rates import SuccessRates
from bayescale.inference.nuts import NUTS
from bayescale.posterior import convergence, judge
from bayescale.processes.base import filled_up

# Log-odds of 1 in 10^11 to 60,000 to 1.
CELLS, WIDTH = np.arange(-25.0, 11.0, 0.15), 0.15
_WITHIN = (np.arange(16) + 0.5) / 16 - 0.5
_WARMUP = 500
# Acceptance to aim at, pass after pass, until diagnostics are good.
_PASSES = (0.9, 0.99)
_SPREAD_OF_STARTS = 0.3
_BLOCK = 250


class Table(NamedTuple):
    """The likelihood of rates, for each distinct pair of counts, relative to its largest.

    Attributes
    ----------
    log_likelihood : array, shape (pairs, 1 + cells)
        Of a rate of zero, and averages over cells.
    repeats : array, shape (pairs,)
        How many problems have the pair.
    """

    log_likelihood: Array | np.ndarray
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
        found, place, repeats = np.unique(both, axis=0, return_inverse=True, return_counts=True)
        return found, place.reshape(-1), repeats

    def likelihood(self) -> np.ndarray:
        """Of rates within each cell, relative to the largest, shape (pairs, cells, 16)."""
        (n, y) = self.pairs()[0].T[..., None, None].astype(np.float64)
        log_odds = CELLS[:, None] + WIDTH * _WITHIN
        largest = xlogy(y, y / n) + xlog1py(n - y, -y / n)
        return np.asarray(np.exp(y * log_expit(log_odds) + (n - y) * log_expit(-log_odds) - largest))

    def table(self, size: int) -> Table:
        """Filled up to a number of pairs with some that no problem has."""
        pairs, _, repeats = self.pairs()
        at_zero = (pairs[:, 1] == 0).astype(np.float64)
        with np.errstate(divide="ignore"):
            known = np.log(np.column_stack([at_zero, self.likelihood().mean(axis=-1)]))
        more = size - len(pairs)
        return Table(np.pad(known, ((0, more), (0, 0))), np.pad(repeats.astype(np.float64), (0, more)))


@dataclass(frozen=True, eq=False)
class Fit:
    """Draws of one group.

    Attributes
    ----------
    constants : dict of array, shape (chain, draw)
    table : DataFrame
        R-hat and effective sample sizes.
    diagnostics : dict of float
    problems : tuple of str
    """

    constants: dict[str, np.ndarray]
    table: pd.DataFrame
    diagnostics: dict[str, float]
    problems: tuple[str, ...]


def log_shares(rates: SuccessRates, constants: dict[str, Array]) -> Array:
    """The logarithm of the share of problems below the grid and in each cell, shape (…, 1 + cells); constants of shape (…)."""
    constants = {name: values[..., None] for name, values in constants.items()}
    cells = rates.log_density(constants, jnp.asarray(CELLS)) + jnp.log(WIDTH)
    tiny = jnp.finfo(cells.dtype).tiny
    below = jnp.log(jnp.maximum(rates.below(constants, jnp.asarray([CELLS[0] - WIDTH / 2])), tiny))
    shares = jnp.concatenate([below, cells], axis=-1)
    return shares - logsumexp(shares, axis=-1, keepdims=True)


def log_likelihood(rates: SuccessRates, constants: dict[str, Array], table: Table) -> Array:
    """Of the counts of a group, but for constants; shape ()."""
    return logsumexp(log_shares(rates, constants) + table.log_likelihood, axis=-1) @ table.repeats


def model(rates: SuccessRates, table: Table) -> None:
    """The NumPyro model: one site a parameter, and the counts' likelihood as a factor."""
    constants = {p.name: numpyro.sample(p.name, p.prior) for p in rates.parameters}
    numpyro.factor("n_correct", log_likelihood(rates, constants, table))


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
    size = filled_up(max(len(group.pairs()[0]) for group in groups))
    tables = [group.table(size) for group in groups]
    stacked = Table(*(np.repeat(np.stack(parts), method.chains, axis=0) for parts in zip(*tables, strict=True)))
    pooled = [(g.n_correct.sum() + 0.5) / (g.n_samples.sum() + 1) for g in groups]
    starts = _starts(rates, np.log(pooled) - np.log1p(-np.asarray(pooled)), method)
    fits: list[Fit] = []
    for number, acceptance in enumerate(_PASSES):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(method.seed), number), len(starts))
        warmup = _WARMUP if method.warmup is None else method.warmup
        found = _sample(rates, warmup, method.draws, keys, acceptance, starts, stacked)
        drawn = [_fit(found, slice(i * method.chains, (i + 1) * method.chains)) for i in range(len(groups))]
        fits = [new if not fits or fits[i].problems else fits[i] for i, new in enumerate(drawn)]
        if not any(fit.problems for fit in fits):
            break
    return fits


def _starts(rates: SuccessRates, log_odds: np.ndarray, method: NUTS) -> np.ndarray:
    """Unconstrained coordinates about the family's start, shape (groups × chains, k)."""
    values = zip(rates.parameters, rates.start(jnp.asarray(log_odds)), strict=True)
    centre = np.stack([biject_to(p.prior.support).inv(value) for p, value in values], axis=-1)
    centre = np.repeat(centre, method.chains, axis=0)
    return np.asarray(centre + _SPREAD_OF_STARTS * np.random.default_rng(method.seed).standard_normal(centre.shape))


def _fit(found: dict[str, Array], own: slice) -> Fit:
    constants = {name: np.asarray(values[own]) for name, values in found.items() if name != "diverging"}
    table = convergence(constants)
    return Fit(constants, table, *judge(table, int(np.asarray(found["diverging"][own]).sum())))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _sample(
    rates: SuccessRates, warmup: int, draws: int, keys: Array, acceptance: float, starts: Array, tables: Table
) -> dict[str, Array]:
    def one(key: Array, start: Array, table: Table) -> dict[str, Array]:
        def potential(z: Array) -> Array:
            sites = {p.name: value for p, value in zip(rates.parameters, z, strict=True)}
            return potential_energy(model, (rates, table), {}, sites)

        initialise, advance = hmc(potential, algo="NUTS")
        state = initialise(
            ParamInfo(start, *jax.value_and_grad(potential)(start)),
            num_warmup=warmup,
            target_accept_prob=acceptance,
            dense_mass=True,
            rng_key=key,
        )
        kept = fori_collect(
            warmup, warmup + draws, advance, state, transform=lambda s: {"z": s.z, "diverging": s.diverging}, progbar=False
        )
        own = {p.name: biject_to(p.prior.support)(kept["z"][:, i]) for i, p in enumerate(rates.parameters)}
        return own | {"diverging": kept["diverging"]}

    return jax.vmap(one)(keys, starts, tables)


def draw_log_odds(group: Counts, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rates of the problems of a group given their counts, as log-odds, −∞ for a rate below the grid.

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
    pairs, place, _ = group.pairs()
    within = group.likelihood()
    known = np.column_stack([pairs[:, 1] == 0, within.mean(axis=-1)])
    parts = np.cumsum(within, axis=-1)
    found = np.empty((len(shares), len(place)))
    for first in range(0, len(shares), _BLOCK):
        block = slice(first, first + _BLOCK)
        total = np.cumsum(shares[block, None] * known, axis=-1)
        chance = rng.random((len(total), len(place))) * total[:, place, -1]
        # Rows one after the other, each a unit above the one before, are one sorted array.
        rows = np.arange(len(total))[:, None] * len(pairs) + place
        ends = (total / total[..., -1:] + np.arange(total[..., 0].size).reshape(*total.shape[:2], 1)).reshape(-1)
        cell = np.searchsorted(ends, rows + chance / total[:, place, -1], side="right") - rows * total.shape[-1]
        inside = np.clip(cell - 1, 0, len(CELLS) - 1)
        edges = parts[place, inside]
        part = (rng.random(edges.shape[:2])[..., None] * edges[..., -1:] > edges).sum(axis=-1)
        found[block] = np.where(cell < 1, -np.inf, CELLS[inside] + WIDTH * _WITHIN[np.minimum(part, len(_WITHIN) - 1)])
    return found
