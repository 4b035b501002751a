"""Chains for posteriors whose weights are too uneven: many at once, which learn their steps from
each other.

Two groups of chains take turns, so that the chains of one can stand still while those of the other
move. A chain moves along the difference of two chains of the other group,

    y = x + γ (a − b),   γ = 2.38 / √(2 k), and now and then 1

which needs no tuning and fits a long and bent posterior, or it jumps to a draw of the last mixture.
The density of a point is an estimate without bias (see `_conditional`), and a chain keeps the
estimate of where it stands, so its draws are exact. A step renews only part of the numbers that the
estimate is made from, so that two estimates differ less.

C. J. F. ter Braak, "A Markov Chain Monte Carlo Version of the Genetic Algorithm Differential
Evolution", 2006; C. Andrieu and G. O. Roberts, "The Pseudo-Marginal Approach for Efficient Monte
Carlo Computations", 2009; G. Deligiannidis, A. Doucet and M. K. Pitt, "The Correlated
Pseudo-Marginal Method", 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import jax
import numpy as np

from bayescale.inference._conditional import Weighable, joined
from bayescale.inference._mixture import Mixture

Weigh = Callable[[np.ndarray, np.ndarray], Weighable]
"""From points, shape (k, n), and numbers ξ, shape (functions, n), to what is found there."""

_CHAINS = 128
"""Chains of a group: two tiles."""
_STEPS, _WARMUP, _THINNING, _MOST_PASSES = 200, 100, 8, 4
_JUMPS, _LONG_STEPS = 0.3, 0.1
_RENEWED = 0.4
_JITTER = 1e-4
_LARGEST_DRIFT = 4.0


class Group(NamedTuple):
    """Chains of one group, where they stand.

    Attributes
    ----------
    points : array, shape (k, chains)
    standard : array, shape (functions, chains)
        ξ.
    found : Weighable
        What was found there.
    """

    points: np.ndarray
    standard: np.ndarray
    found: Weighable


@dataclass(frozen=True, eq=False)
class Population:
    """Draws of all chains.

    Attributes
    ----------
    points : array, shape (kept, k, chains)
    found : Weighable
        Of all draws, one after the other.
    """

    points: np.ndarray
    found: Weighable

    @classmethod
    def of(cls, kept: list[Group]) -> "Population":
        """Join where chains stood after some steps."""
        found = joined([group.found for group in kept])
        return cls(np.stack([group.points for group in kept]), found)

    @property
    def ess(self) -> float:
        """The effective number of draws of the coordinate that has fewest, from how far the means
        of chains differ: chains that do not mix count as one draw each.
        """
        return float(_effective(self.points).min())

    @property
    def drift(self) -> float:
        """The largest difference of a coordinate's mean between both halves of the steps, in
        standard errors.
        """
        halves = np.array_split(self.points, 2)
        means = [half.mean(axis=(0, 2)) for half in halves]
        variances = [half.var(axis=(0, 2)) / _effective(half) for half in halves]
        return float(np.max(np.abs(means[0] - means[1]) / np.sqrt(variances[0] + variances[1])))

    def reliable(self, fewest: float) -> bool:
        """Return whether enough draws are effective and the chains have stopped to drift."""
        return self.ess >= fewest and self.drift < _LARGEST_DRIFT


def populated(
    weigh: Weigh,
    start: Annotated[np.ndarray, "k chains"],
    n_functions: int,
    proposal: Mixture,
    rng: np.random.Generator,
    fewest: float,
) -> Population:
    """Run the chains of both groups, in passes, until the draws of one pass are reliable.

    Parameters
    ----------
    weigh : callable
    start : array, shape (k, 256)
        Where the chains start, as a sample of the posterior as it is known so far.
    n_functions : int
        Length of ξ.
    proposal : Mixture
        What chains jump to.
    rng : numpy Generator
    fewest : float
        Effective draws that a reliable pass has.
    """
    groups = []
    for points in np.split(start, 2, axis=1):
        standard = rng.standard_normal((n_functions, points.shape[1]))
        groups.append(Group(points, standard, weigh(points, standard)))
    for _ in range(_WARMUP):
        groups = _moved(groups, weigh, proposal, rng)
    for _ in range(_MOST_PASSES):
        kept = []
        for step in range(_STEPS):
            groups = _moved(groups, weigh, proposal, rng)
            if step % _THINNING == 0:
                kept.append(joined(groups))
        population = Population.of(kept)
        if population.reliable(fewest):
            break
    return population


def n_chains() -> int:
    """Return the number of chains of both groups."""
    return 2 * _CHAINS


def _moved(
    groups: list[Group], weigh: Weigh, proposal: Mixture, rng: np.random.Generator
) -> list[Group]:
    """Return both groups after a step of each."""
    first, second = groups
    first = _stepped(first, second, weigh, proposal, rng)
    return [first, _stepped(second, first, weigh, proposal, rng)]


def _stepped(
    moving: Group, resting: Group, weigh: Weigh, proposal: Mixture, rng: np.random.Generator
) -> Group:
    """Return a group after a step that each chain accepts or not."""
    tried, correction = _tried(moving, resting, proposal, rng)
    found = weigh(tried.points, tried.standard)
    gain = found.log_estimate - moving.found.log_estimate + correction
    accepted = np.log(rng.uniform(size=len(gain))) < gain
    return _chosen(accepted, tried._replace(found=found), moving)


def _tried(
    moving: Group, resting: Group, proposal: Mixture, rng: np.random.Generator
) -> tuple[Group, np.ndarray]:
    """Return where the chains of a group would go, and what is added to the gain in log density."""
    k, chains = moving.points.shape
    fresh = rng.standard_normal(moving.standard.shape)
    if rng.uniform() < _JUMPS:
        points = proposal.draw(chains, rng)
        correction = proposal.log_density(moving.points) - proposal.log_density(points)
        return moving._replace(points=points, standard=fresh), correction
    size = 1.0 if rng.uniform() < _LONG_STEPS else 2.38 / np.sqrt(2 * k)
    first = rng.integers(chains, size=chains)
    second = (first + rng.integers(1, chains, size=chains)) % chains
    difference = resting.points[:, first] - resting.points[:, second]
    jitter = _JITTER * rng.standard_normal(moving.points.shape)
    standard = np.sqrt(1 - _RENEWED**2) * moving.standard + _RENEWED * fresh
    points = moving.points + size * difference + jitter
    return moving._replace(points=points, standard=standard), np.zeros(chains)


def _chosen(accepted: np.ndarray, tried: Group, stood: Group) -> Group:
    """Return where chains stand: at what was tried where it is accepted."""
    chosen: Group = jax.tree.map(lambda new, old: np.where(accepted, new, old), tried, stood)
    return chosen


def _effective(points: np.ndarray) -> np.ndarray:
    """Return the effective number of draws of each coordinate, shape (k,)."""
    chains = points.shape[2]
    between = points.mean(axis=0).var(axis=1, ddof=1)
    return np.asarray(chains * points.var(axis=(0, 2)) / between)
