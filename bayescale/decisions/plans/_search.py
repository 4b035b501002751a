"""Search for the set of candidate runs that serves an aim best within a budget: greedy from several
rules, then exchange.

V. V. Fedorov, "Theory of Optimal Experiments", 1972, for exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

from bayescale.decisions.plans._preposterior import Preposterior

# A search begins with each power of cost by which gains are divided, from the most telling runs to
# the best for their cost; and with the most that one run may take of the budget, since a run that
# takes all of it is not exchanged for two.
_THRIFT = (0.0, 0.25, 0.5, 1.0)
_LARGEST_SHARES = (1.0, 1 / 2, 1 / 4, 1 / 8)
# So many of the sets found are improved by exchange.
_IMPROVED = 4
_NEGLIGIBLE = 1e-9
# What is left of a variance is not taken for less than this share of it: logarithms stay finite.
_LEAST_SHARE = 1e-12


class Aim(Protocol):
    """The aim of a choice: a score for each set of runs."""

    def score(self, chosen: Sequence[int]) -> float:
        """Return the score of a set of candidates; the least is best."""
        ...

    def with_each(self, chosen: Sequence[int]) -> np.ndarray:
        """Return the scores of the set with one more of each candidate, shape (candidates,)."""
        ...


@dataclass(frozen=True, eq=False)
class LeastRegret:
    """The expected regret of a decision, and what each run must save.

    Attributes
    ----------
    outlook : Preposterior
        Of the decision alone.
    regret : float
        To expect before any run. It falls in proportion to the variance of the decision.
    charge : array, shape (candidates,)
        The regret that each run must save.
    """

    outlook: Preposterior
    regret: float
    charge: np.ndarray

    def score(self, chosen: Sequence[int]) -> float:
        """Return the regret that is left and the charges of the set."""
        return self.left(chosen) + float(self.charge[list(chosen)].sum())

    def with_each(self, chosen: Sequence[int]) -> np.ndarray:
        """Return the same with one more of each candidate, shape (candidates,)."""
        charges = float(self.charge[list(chosen)].sum()) + self.charge
        return self._unit * self.outlook.left_with_each(chosen)[0] + charges

    def left(self, chosen: Sequence[int]) -> float:
        """Return the regret to expect once the chosen candidates have been run."""
        return self._unit * float(self.outlook.left(chosen)[0])

    @property
    def _unit(self) -> float:
        """Regret per unit of variance."""
        variance = float(self.outlook.variances[0])
        return self.regret / variance if variance > 0 else 0.0


@dataclass(frozen=True, eq=False)
class LeastLeft:
    """The variances of several quantities that are left, as the weighted sum of the logarithms of
    their shares, which is the same in all units of the quantities, and a toll on each run.

    Attributes
    ----------
    outlook : Preposterior
    weights : array, shape (quantities,)
    toll : float
        By how much a run must lower the sum.
    """

    outlook: Preposterior
    weights: np.ndarray
    toll: float

    def score(self, chosen: Sequence[int]) -> float:
        """Return the weighted sum and the tolls of the set."""
        shares = self._shares(self.outlook.left(chosen)[:, None])
        return float(self.weights @ np.log(shares[:, 0])) + self.toll * len(chosen)

    def with_each(self, chosen: Sequence[int]) -> np.ndarray:
        """Return the same with one more of each candidate, shape (candidates,)."""
        shares = self._shares(self.outlook.left_with_each(chosen))
        return np.asarray(self.weights @ np.log(shares)) + self.toll * (len(chosen) + 1)

    def _shares(self, left: np.ndarray) -> np.ndarray:
        """Return variances as shares of those before any run; one for a quantity that is known."""
        before = self.outlook.variances[:, None]
        shares = left / np.where(before > 0, before, 1.0)
        return np.where(before > 0, np.maximum(shares, _LEAST_SHARE), 1.0)


def best_set(aim: Aim, cost: np.ndarray, budget: float, most: int) -> list[int]:
    """Return candidates, each once, whose score is least.

    Parameters
    ----------
    aim : Aim
    cost : array, shape (candidates,)
    budget : float
        What they may cost together.
    most : int
        How many there may be.

    Returns
    -------
    list of int
        The one that gains most for its cost first, then the one that does so once the first is
        known, and so on.
    """
    begun = []
    for thrift, share in product(_THRIFT, _LARGEST_SHARES):
        chosen = _greedy(aim, cost, cost <= share * budget, budget, most, thrift)
        if chosen not in begun:
            begun.append(chosen)
    begun.sort(key=aim.score)
    improved = [_exchanged(aim, chosen, cost, budget, most) for chosen in begun[:_IMPROVED]]
    return _in_order(aim, min(improved, key=aim.score), cost)


def _greedy(
    aim: Aim, cost: np.ndarray, allowed: np.ndarray, budget: float, most: int, thrift: float
) -> list[int]:
    chosen: list[int] = []
    score = aim.score(chosen)
    while len(chosen) < most:
        after = aim.with_each(chosen)
        gains = score - after
        possible = allowed & (cost <= budget - cost[chosen].sum()) & (gains > 0)
        possible[chosen] = False
        if not possible.any():
            break
        best = int(np.argmax(np.where(possible, gains / cost**thrift, -np.inf)))
        chosen.append(best)
        score = float(after[best])
    return chosen


def _exchanged(
    aim: Aim, chosen: list[int], cost: np.ndarray, budget: float, most: int
) -> list[int]:
    """Replace, add and drop one at a time while that lowers the score."""
    score, moved = aim.score(chosen), True
    while moved:
        moved = False
        for out in (*chosen, None):
            if out is not None and out not in chosen:
                continue
            kept = [j for j in chosen if j != out]
            after, to = _best_of_one_more(aim, kept, cost, budget, most)
            if after < score - _NEGLIGIBLE * abs(score):
                chosen, score, moved = to, after, True
    return chosen


def _best_of_one_more(
    aim: Aim, kept: list[int], cost: np.ndarray, budget: float, most: int
) -> tuple[float, list[int]]:
    """Return the least score of a set as it is or with one more candidate, and that set."""
    alone = aim.score(kept)
    if len(kept) == most:
        return alone, kept
    after = aim.with_each(kept)
    after[cost > budget - cost[kept].sum()] = np.inf
    after[kept] = np.inf
    best = int(np.argmin(after))
    return (float(after[best]), [*kept, best]) if after[best] < alone else (alone, kept)


def _in_order(aim: Aim, chosen: list[int], cost: np.ndarray) -> list[int]:
    """Return the same candidates, at each place the one that gains most for its cost."""
    ordered: list[int] = []
    while left := [j for j in chosen if j not in ordered]:
        worth = (aim.score(ordered) - aim.with_each(ordered)) / cost
        ordered.append(max(left, key=lambda j: worth[j]))
    return ordered
