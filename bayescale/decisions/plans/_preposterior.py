"""Preposterior analysis of linear and Normal quantities: the value of losses not yet measured for a
decision, in closed form.

A decision a about an unknown q costs ½ h (q − a)² more than the best one. Over posterior draws, q
and the log losses f of candidate runs are nearly jointly Normal, with covariance K of the losses
and k of losses and q. The variance of q once the runs of a set S have been measured with errors σ_j
is

    v(S) = Var(q) − k_S' (K_SS + diag σ²_S)⁻¹ k_S

whatever they turn out to be, and the regret to expect is ½ E[h] v(S). Where h differs between draws
they count in proportion to it, which is exact: E[h (q − a)²] = E[h] E_h[(q − a)²]. A set costs the
solution of as many equations as it has runs, whatever the losses depend on.

H. Raiffa and R. Schlaifer, "Applied Statistical Decision Theory", 1961; K. Chaloner and I.
Verdinelli, "Bayesian Experimental Design: A Review", 1995, section 2, for the linear model; V. V.
Fedorov, "Theory of Optimal Experiments", 1972, for exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

# A search begins with each power of cost by which gains are divided, from the most telling runs to
# the best for their cost; and with the most that one run may take of the budget, since a run that
# takes all of it is not exchanged for two.
_THRIFT = (0.0, 0.25, 0.5, 1.0)
_LARGEST_SHARES = (1.0, 1 / 2, 1 / 4, 1 / 8)
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class Preposterior:
    """A decision, and how candidate runs bear on it.

    Attributes
    ----------
    covariance : array, shape (candidates, candidates)
        K, of log losses.
    with_decision : array, shape (candidates,)
        k, of log losses and q.
    variance : float
        Of q.
    noise : array, shape (candidates,)
        σ², of log losses.
    curvature : float
        E[h].
    """

    covariance: np.ndarray
    with_decision: np.ndarray
    variance: float
    noise: np.ndarray
    curvature: float

    @classmethod
    def of(
        cls,
        log_losses: np.ndarray,
        optimum: np.ndarray,
        curvature: np.ndarray,
        weights: np.ndarray,
        noise: np.ndarray,
    ) -> "Preposterior":
        """Build from draws.

        Parameters
        ----------
        log_losses : array, shape (draws, candidates)
        optimum : array, shape (draws,)
            q, the decision that is best under each draw.
        curvature : array, shape (draws,)
            h, not negative.
        weights : array, shape (draws,)
            Probabilities.
        noise : array, shape (candidates,)
        """
        mean = float(weights @ curvature)
        counts = weights * curvature / mean
        losses = log_losses - counts @ log_losses
        decision = optimum - counts @ optimum
        counted = counts[:, None] * losses
        variance = float(counts @ decision**2)
        return cls(losses.T @ counted, decision @ counted, variance, noise, mean)

    def beginning_at(self, regret: float) -> "Preposterior":
        """Return the same decision with a regret, before any run, that is known more exactly than
        by the variance of q: where q may be far off, loss is no parabola.
        """
        if self.variance == 0:
            return self
        return replace(self, curvature=2 * regret / self.variance)

    def regret(self, chosen: Sequence[int] = ()) -> float:
        """Return the regret to expect once the chosen candidates have been run."""
        known = self.with_decision[list(chosen)]
        explained = float(known @ self._solve(chosen, known))
        return self.curvature / 2 * max(self.variance - explained, 0.0)

    def gains(self, chosen: Sequence[int] = ()) -> np.ndarray:
        """Return how much one more of each candidate lowers it, shape (candidates,)."""
        across = self.covariance[list(chosen)]
        left = self.with_decision - self.with_decision[list(chosen)] @ self._solve(chosen, across)
        explained = np.sum(across * self._solve(chosen, across), axis=0)
        variance = np.diag(self.covariance) - explained + self.noise
        return np.asarray(self.curvature / 2 * left**2 / variance)

    def best(
        self, cost: np.ndarray, budget: float, most: int, price: float = 0.0, toll: float = 0.0
    ) -> list[int]:
        """Candidates, each once, that make regret and charges together least: greedy from several
        rules, then exchange.

        Parameters
        ----------
        cost : array, shape (candidates,)
        budget : float
            What they may cost together.
        most : int
            How many there may be.
        price : float
            Regret that a unit of cost is worth.
        toll : float
            Regret that each run must save besides.

        Returns
        -------
        list of int
            The one that gains most for its cost first, then the one that does so once the first is
            known, and so on.
        """
        charge = price * cost + toll
        sets = []
        for thrift, share in product(_THRIFT, _LARGEST_SHARES):
            allowed = cost <= share * budget
            begin = self._greedy(cost, allowed, budget, most, charge, thrift)
            sets.append(self._exchanged(begin, cost, budget, most, charge))
        chosen = min(sets, key=lambda candidates: self._score(candidates, charge))
        ordered: list[int] = []
        while left := [j for j in chosen if j not in ordered]:
            gains = self.gains(ordered)
            ordered.append(max(left, key=lambda j: gains[j] / cost[j]))
        return ordered

    def _solve(self, chosen: Sequence[int], right: np.ndarray) -> np.ndarray:
        """Return (K_SS + diag σ²_S)⁻¹ times an array of the chosen candidates."""
        rows = list(chosen)
        measured = self.covariance[np.ix_(rows, rows)] + np.diag(self.noise[rows])
        return np.asarray(np.linalg.solve(measured, right))

    def _score(self, chosen: Sequence[int], charge: np.ndarray) -> float:
        return self.regret(chosen) + float(charge[list(chosen)].sum())

    def _greedy(
        self,
        cost: np.ndarray,
        allowed: np.ndarray,
        budget: float,
        most: int,
        charge: np.ndarray,
        thrift: float,
    ) -> list[int]:
        chosen: list[int] = []
        while len(chosen) < most:
            gains = self.gains(chosen) - charge
            possible = allowed & (cost <= budget - cost[chosen].sum()) & (gains > 0)
            possible[chosen] = False
            if not possible.any():
                break
            chosen.append(int(np.argmax(np.where(possible, gains / cost**thrift, -np.inf))))
        return chosen

    def _exchanged(
        self, chosen: list[int], cost: np.ndarray, budget: float, most: int, charge: np.ndarray
    ) -> list[int]:
        """Replace, add and drop one at a time while that lowers the score."""
        score, moved = self._score(chosen, charge), True
        while moved:
            moved = False
            for out in (*chosen, None):
                if out is not None and out not in chosen:
                    continue
                kept = [j for j in chosen if j != out]
                without = self._score(kept, charge)
                with_each = without - self.gains(kept) + charge
                with_each[
                    (cost > budget - cost[kept].sum()) | np.isin(np.arange(len(cost)), kept)
                ] = np.inf
                if len(kept) == most:
                    with_each[:] = np.inf
                best = int(np.argmin(with_each))
                after, to = min(
                    (without, kept),
                    (float(with_each[best]), [*kept, best]),
                    key=lambda candidates: candidates[0],
                )
                if after < score * (1 - _NEGLIGIBLE):
                    chosen, score, moved = to, after, True
        return chosen
