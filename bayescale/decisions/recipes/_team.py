"""Partial pooling of groups of runs of one team: one Normal distribution of all groups.

Near its posterior, the log losses of a group are linear in its coordinates θ, those of
`AtFrontier`, and in the coefficients u of its departures from the law:

    log L_g = log L_0 + J_g θ_g + Φ_g u_g + ε_g

Alone, θ has the library's Normal(m, S) and u is Normal(0, I). Groups of one team share a part of
how they differ from m, and a part of how they depart from the law:

    cov(θ_g, θ_h) = (1 − f²) S,    cov(δ_g(x), δ_h(x')) = (1 − h²) k(x, x')    for two groups g, h

The level of the loss is each group's own. Where groups are scores of the same runs, the scatter of
a run has the correlation r in two scores. All of f, h and r are unknown: each combination of a few
values is weighed by the likelihood of what all groups have seen.

So a posterior of all groups follows from those of each alone by an affine map of draws, which has
the mean and the covariance of the linear model, and leaves draws as they are where nothing is
shared. What is not Normal in them stays.

A. Gelman and J. Hill, "Data Analysis Using Regression and Multilevel/Hierarchical Models", 2007,
chapter 12, for partial pooling.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.linalg import block_diag, cho_factor, cho_solve, solve_triangular

_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
_CORRELATIONS = (0.0, 0.5, 0.9)

RECIPES = np.array(list(product(_SHARES, _SHARES, [0.0])))
"""Values of f, h and r for groups that have runs of their own, shape (options, 3)."""

SCORES = np.array(list(product([1.0], _SHARES, _CORRELATIONS)))
"""The same for scores of the same runs. These were made at the same sizes and lengths, so that they
leave open the same of floor and exponents, which each score has for itself.
"""

# The linear model is not the truth, and its likelihood is surer of how alike groups are than
# hidden runs bear out.
_CONFIDENCE = 0.5
# A combination with less weight than this changes no draw.
_LEAST_WEIGHT = 0.003
_JITTER = 1e-9


class Group(NamedTuple):
    """The log losses that one group has seen, as a linear model of v = (θ, u) less its prior mean.

    Attributes
    ----------
    seen : array, shape (runs,)
        Log losses, less what the prior mean of v gives.
    slopes : array, shape (runs, k)
    scatter : array, shape (runs,)
        Standard deviations.
    runs : array, shape (runs,)
        Name of each training run; groups may have runs in common.
    draws : array, shape (draws, k)
        v, from the posterior of the group alone.
    """

    seen: np.ndarray
    slopes: np.ndarray
    scatter: np.ndarray
    runs: np.ndarray
    draws: np.ndarray


class Common(NamedTuple):
    """Prior covariances of v.

    Attributes
    ----------
    own : array, shape (k, k)
        Of one group.
    of_law : array, shape (groups, groups, k, k)
        Between groups, where all of how they differ from the library is shared.
    of_departures : array, shape (groups, groups, k, k)
        Between groups, where all departures are shared.
    """

    own: np.ndarray
    of_law: np.ndarray
    of_departures: np.ndarray


class Likeness(NamedTuple):
    """Values of f, h and r, which say how alike groups are: one of each for each draw."""

    law: np.ndarray
    departures: np.ndarray
    scatter: np.ndarray


class Together(NamedTuple):
    """Draws of v of all groups.

    Attributes
    ----------
    draws : list of arrays, each of shape (draws, k)
        For each group, given what all have seen; rows of one number belong together.
    of_others : list of arrays, each of shape (draws, k)
        For each group, given what all but it have seen, by the linear model.
    likeness : Likeness
        How alike the groups are in each draw.
    """

    draws: list[np.ndarray]
    of_others: list[np.ndarray]
    likeness: Likeness


class _Normal(NamedTuple):
    mean: np.ndarray
    root: np.ndarray


def together(groups: Sequence[Group], common: Common, options: np.ndarray, seed: int) -> Together:
    """Return draws of v of all groups together.

    Parameters
    ----------
    groups : sequence of Group
        With equally many draws.
    common : Common
    options : array, shape (options, 3)
        Values of f, h and r, equally probable before anything is seen.
    seed : int
        Of which draw takes which likeness, and of what the others say.

    Returns
    -------
    Together
    """
    model = _Linear(groups, common)
    logs = np.array([model.log_likelihood(*option) for option in options])
    weights = np.exp(_CONFIDENCE * (logs - logs.max()))
    weights[weights < _LEAST_WEIGHT * weights.sum()] = 0.0
    chosen = _spread(weights / weights.sum(), len(groups[0].draws), seed)
    unit = np.concatenate(list(_whitened(groups, common)), axis=1)
    moved, of_others = np.empty((2, *unit.shape))
    rng = np.random.default_rng(seed)
    for option in np.unique(chosen):
        rows = chosen == option
        normal = model.posterior(*options[option])
        moved[rows] = normal.mean + unit[rows] @ normal.root.T
        for g, here in enumerate(model.columns):
            other = model.without(g, *options[option])
            fresh = rng.standard_normal((rows.sum(), len(other.mean)))
            of_others[rows, here] = other.mean + fresh @ other.root.T
    count = len(groups)
    likeness = Likeness(*options[chosen].T)
    return Together(np.split(moved, count, axis=1), np.split(of_others, count, axis=1), likeness)


def _whitened(groups: Sequence[Group], common: Common) -> Iterator[np.ndarray]:
    """Yield the draws of each group in units of the linear model of the group alone."""
    nothing = np.zeros((1, 1, *common.own.shape))
    for group in groups:
        alone = _Linear([group], Common(common.own, nothing, nothing)).posterior(1.0, 1.0, 0.0)
        yield solve_triangular(alone.root, (group.draws - alone.mean).T, lower=True).T


class _Linear:
    """The linear model of all groups.

    Parameters
    ----------
    groups : sequence of Group
    common : Common
    """

    def __init__(self, groups: Sequence[Group], common: Common) -> None:
        self.seen = np.concatenate([group.seen for group in groups])
        self.slopes = block_diag(*(group.slopes for group in groups))
        self.own = np.kron(np.eye(len(groups)), common.own)
        self.of_law, self.of_departures = map(_across, common[1:])
        scatter = np.concatenate([group.scatter for group in groups])
        runs = np.concatenate([group.runs for group in groups])
        self.group = np.repeat(np.arange(len(groups)), [len(group.seen) for group in groups])
        size = len(common.own)
        self.columns = [slice(g * size, (g + 1) * size) for g in range(len(groups))]
        other = self.group[:, None] != self.group
        self.of_scatter = np.outer(scatter, scatter) * (other & (runs[:, None] == runs))
        # Of log losses, by each part; a combination of shares is a sum of these.
        self.seen_own = self._of_losses(self.own) + np.diag(scatter**2)
        self.seen_of_law = self._of_losses(self.of_law)
        self.seen_of_departures = self._of_losses(self.of_departures)

    def _of_losses(self, covariance: np.ndarray) -> np.ndarray:
        return self.slopes @ covariance @ self.slopes.T

    def _seen(self, law: float, departures: float, scatter: float) -> np.ndarray:
        """Return the covariance of the log losses that were seen."""
        shared = (1 - law**2) * self.seen_of_law + (1 - departures**2) * self.seen_of_departures
        return self.seen_own + shared + scatter * self.of_scatter

    def log_likelihood(self, law: float, departures: float, scatter: float) -> float:
        """Return the log density of what was seen, up to a constant."""
        root = np.linalg.cholesky(self._seen(law, departures, scatter))
        unit = solve_triangular(root, self.seen, lower=True)
        return float(-(unit @ unit) / 2 - np.log(np.diag(root)).sum())

    def posterior(self, law: float, departures: float, scatter: float) -> _Normal:
        """Return the distribution of v of all groups, given what all have seen."""
        prior = self._prior(law, departures)
        across = prior @ self.slopes.T
        return _conditional(prior, across, self._seen(law, departures, scatter), self.seen)

    def without(self, g: int, law: float, departures: float, scatter: float) -> _Normal:
        """Return the distribution of v of one group, given what all others have seen."""
        prior, here, rows = self._prior(law, departures), self.columns[g], self.group != g
        across = prior[here] @ self.slopes[rows].T
        seen = self._seen(law, departures, scatter)[np.ix_(rows, rows)]
        return _conditional(prior[here, here], across, seen, self.seen[rows])

    def _prior(self, law: float, departures: float) -> np.ndarray:
        shared = (1 - law**2) * self.of_law + (1 - departures**2) * self.of_departures
        return self.own + shared


def _conditional(
    prior: np.ndarray, across: np.ndarray, seen: np.ndarray, values: np.ndarray
) -> _Normal:
    """Return the Normal of v, given values that have a covariance and one with v."""
    gain = cho_solve(cho_factor(seen, lower=True), across.T).T
    covariance = prior - gain @ across.T
    covariance[np.diag_indices_from(covariance)] += _JITTER * np.diag(prior)
    return _Normal(gain @ values, np.linalg.cholesky(covariance))


def _across(blocks: np.ndarray) -> np.ndarray:
    """Return covariances between groups as one matrix, without those of a group with itself."""
    count, _, size, _ = blocks.shape
    other = ~np.eye(count, dtype=bool)
    between = blocks * other[:, :, None, None]
    return between.transpose(0, 2, 1, 3).reshape(count * size, count * size)


def _spread(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return which option each of ``count`` draws takes, in proportion to the weights."""
    points = (np.arange(count) + 0.5) / count
    chosen = np.searchsorted(np.cumsum(weights), points).clip(max=len(weights) - 1)
    return np.random.default_rng(seed).permutation(chosen)
