"""Preposterior analysis of linear and Normal quantities: the value of losses not yet measured for a
decision, in closed form.

A decision a about an unknown q costs ½ h (q − a)² more than the best one. Over posterior draws, q
and the log losses f of candidate runs are nearly jointly Normal, so with u ~ Normal(0, I), f = mean
+ Z u and q = mean + b·u + rest, the variance of q once the runs of a set S have been measured with
errors σ_j is

    v(S) = b' (I + Σ_{j∈S} z_j z_j' / σ_j²)⁻¹ b + Var(rest)

whatever they turn out to be, and the regret to expect is ½ E[h] v(S). Where h differs between draws
they count in proportion to it, which is exact: E[h (q − a)²] = E[h] E_h[(q − a)²]. Z comes from one
eigendecomposition of the covariance of the candidates, after which a set costs the inverse of a
matrix of a few rows.

H. Raiffa and R. Schlaifer, "Applied Statistical Decision Theory", 1961; K. Chaloner and I.
Verdinelli, "Bayesian Experimental Design: A Review", 1995, section 2, for the linear model; V. V.
Fedorov, "Theory of Optimal Experiments", 1972, for exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Powers of cost by which gains are divided, from the most telling runs to the best for their cost:
# a search begins with each.
_THRIFT = (0.0, 0.25, 0.5, 1.0)
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class Preposterior:
    """A decision, and how candidate runs bear on it.

    Attributes
    ----------
    loadings : array, shape (candidates, r)
        Z, of log losses.
    decision : array, shape (r,)
        b.
    rest : float
        Variance of q that no candidate tells of.
    noise : array, shape (candidates,)
        σ², of log losses.
    curvature : float
        E[h].
    """

    loadings: np.ndarray
    decision: np.ndarray
    rest: float
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
        root = np.sqrt(weights * curvature / mean)
        f, q = (
            root[:, None] * (values - root**2 @ values) for values in (log_losses, optimum[:, None])
        )
        values, vectors = np.linalg.eigh(f.T @ f)
        informative = values > _NEGLIGIBLE * max(values[-1], _NEGLIGIBLE)
        scales, vectors = np.sqrt(values[informative]), vectors[:, informative]
        decision = (vectors.T @ (f.T @ q))[:, 0] / scales
        rest = max(float(np.sum(q**2) - decision @ decision), 0.0)
        return cls(vectors * scales, decision, rest, noise, mean)

    def regret(self, chosen: Sequence[int] = ()) -> float:
        """Return the regret to expect once the chosen candidates have been run."""
        return (
            self.curvature
            / 2
            * float(self.decision @ self._covariance(chosen) @ self.decision + self.rest)
        )

    def gains(self, chosen: Sequence[int] = ()) -> np.ndarray:
        """Return how much one more of each candidate lowers it, shape (candidates,)."""
        spread = self.loadings @ self._covariance(chosen)
        known = self.noise + np.sum(spread * self.loadings, axis=1)
        return np.asarray(self.curvature / 2 * (spread @ self.decision) ** 2 / known)

    def best(self, cost: np.ndarray, budget: float, most: int, price: float = 0.0) -> list[int]:
        """Candidates, each once, that make regret and price · cost together least: greedy from
        several rules, then exchange.

        Parameters
        ----------
        cost : array, shape (candidates,)
        budget : float
            What they may cost together.
        most : int
            How many there may be.
        price : float
            Regret that a unit of cost is worth.

        Returns
        -------
        list of int
            The one that gains most for its cost first, then the one that does so once the first is
            known, and so on.
        """
        sets = [
            self._exchanged(self._greedy(cost, budget, most, price, p), cost, budget, most, price)
            for p in _THRIFT
        ]
        chosen = min(sets, key=lambda candidates: self._score(candidates, cost, price))
        ordered: list[int] = []
        while left := [j for j in chosen if j not in ordered]:
            gains = self.gains(ordered)
            ordered.append(max(left, key=lambda j: gains[j] / cost[j]))
        return ordered

    def _covariance(self, chosen: Sequence[int]) -> np.ndarray:
        loadings = self.loadings[list(chosen)]
        return np.linalg.inv(
            np.eye(len(self.decision)) + loadings.T @ (loadings / self.noise[list(chosen), None])
        )

    def _score(self, chosen: Sequence[int], cost: np.ndarray, price: float) -> float:
        return self.regret(chosen) + price * float(cost[list(chosen)].sum())

    def _greedy(
        self, cost: np.ndarray, budget: float, most: int, price: float, thrift: float
    ) -> list[int]:
        chosen: list[int] = []
        while len(chosen) < most:
            gains = self.gains(chosen) - price * cost
            possible = (cost <= budget - cost[chosen].sum()) & (gains > 0)
            possible[chosen] = False
            if not possible.any():
                break
            chosen.append(int(np.argmax(np.where(possible, gains / cost**thrift, -np.inf))))
        return chosen

    def _exchanged(
        self, chosen: list[int], cost: np.ndarray, budget: float, most: int, price: float
    ) -> list[int]:
        """Replace, add and drop one at a time while that lowers the score."""
        score, moved = self._score(chosen, cost, price), True
        while moved:
            moved = False
            for out in (*chosen, None):
                if out is not None and out not in chosen:
                    continue
                kept = [j for j in chosen if j != out]
                without = self._score(kept, cost, price)
                with_each = without - self.gains(kept) + price * cost
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
