"""The law of loss along a schedule of learning rates.

At step t, with S(t) the sum of learning rates up to t, and S_k that sum when the rate changes from
η_{k−1} to η_k,

    loss(t) = E + A (S(t) / S_ref)^−α − D(t)
    D(t) = B Σ_k (S_k / S_ref)^γ (η_{k−1}^κ − η_k^κ) (1 − (1 + C (S(t) − S_k) / S_k)^−β)

with rates in units of the peak. A decay lowers the loss by B, fully once the sum has grown by some
multiple of 1/C *of what it was*: the drop saturates in the fraction of the run that decays, however
long the run is. With γ a little above zero, the longer a rate was held, the more its decay gives.
Changes of the warm-up are left out. The multi-power law (K. Luo et al. 2025, arXiv:2503.12811) has
κ = 1, γ = 0 and S(t) − S_k alone, so that a decay over some share of a short run gives less than a
decay over the same share of a long one.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from bayescale.curves.schedule import Schedule

Values: TypeAlias = float | np.ndarray

_MOST_CHANGES = 100


class Coefficients(NamedTuple):
    """Coefficients of the law, numbers or arrays of shape (batch,); losses as the curves count
    them, rates as shares of the peak.
    """

    floor: Values
    gap: Values
    exponent: Values
    drop: Values
    speed: Values
    shape: Values
    power: Values
    growth: Values


@dataclass(frozen=True, eq=False)
class Track:
    """Sums of learning rates along one schedule, as the law needs them.

    Attributes
    ----------
    sums : array, shape (points,)
        S(t) over S_ref.
    since : array, shape (points, changes)
        (S(t) − S_k) / S_k, zero before the change.
    at_change : array, shape (changes,)
        S_k over S_ref.
    before, after : array, shape (changes,)
        The learning rate before and after each change, as shares of the peak.
    """

    sums: np.ndarray
    since: np.ndarray
    at_change: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, schedule: Schedule, steps: np.ndarray, peak: float, reference: float) -> "Track":
        """Return the track of a schedule at steps.

        Parameters
        ----------
        schedule : Schedule
        steps : array, shape (points,)
        peak : float
            Learning rate that counts as one.
        reference : float
            S_ref, in steps at the peak.
        """
        grid = _with_first(schedule)
        rates = grid.rates / peak
        sums = sums_of(grid, peak)
        # The rise of a warm-up is forgotten soon, and is part of the floor.
        warmed = int(np.argmax(rates >= 0.999 * rates.max()))
        changes = warmed + np.flatnonzero(np.abs(np.diff(rates[warmed:])) > 1e-9)
        if len(changes) > _MOST_CHANGES:
            edges = np.linspace(0, len(changes), _MOST_CHANGES + 1).astype(int)
        else:
            edges = np.arange(len(changes) + 1)
        first, last = changes[edges[:-1]], changes[edges[1:] - 1]
        at_change = np.maximum((sums[first] + sums[last + 1]) / 2, 1e-9 * reference)
        here = np.interp(steps, grid.steps, sums)
        since = np.maximum(here[:, None] - at_change, 0.0) / at_change
        return cls(here / reference, since, at_change / reference, rates[first], rates[last + 1])

    def drop(self, at: Coefficients) -> np.ndarray:
        """Return D(t), how far changes of the learning rate have lowered the loss.

        Coefficients may be arrays of shape (batch,); the result is then (batch, points).
        """
        drop, speed, shape, power, growth = (
            np.asarray(one)[..., None] for one in (at.drop, at.speed, at.shape, at.power, at.growth)
        )
        weights = (self.before**power - self.after**power) * self.at_change**growth
        left = np.exp(-shape[..., None] * np.log1p(self.since * speed[..., None]))
        return np.asarray(drop * np.einsum("...pc,...c->...p", 1 - left, weights))

    def trunk(self, at: Coefficients) -> np.ndarray:
        """Return the law's loss if the learning rate had stayed at its peak."""
        floor, gap, exponent = (
            np.asarray(one)[..., None] for one in (at.floor, at.gap, at.exponent)
        )
        return np.asarray(floor + gap * self.sums**-exponent)

    def loss(self, at: Coefficients) -> np.ndarray:
        """Return the law's loss."""
        return self.trunk(at) - self.drop(at)


def sums_of(schedule: Schedule, peak: float) -> np.ndarray:
    """Return the sum of learning rates up to each knot, in steps at the peak."""
    grid = _with_first(schedule)
    means = (grid.rates[1:] + grid.rates[:-1]) / 2
    sums = np.append(0.0, np.cumsum(means * np.diff(grid.steps))) / peak
    return sums[len(sums) - len(grid.steps) :]


def _with_first(schedule: Schedule) -> Schedule:
    """Return the schedule from step zero: before its first knot the rate is taken as constant."""
    if schedule.steps[0] <= 0:
        return schedule
    steps = np.append(0.0, schedule.steps)
    return Schedule(steps, np.append(schedule.rates[0], schedule.rates))
