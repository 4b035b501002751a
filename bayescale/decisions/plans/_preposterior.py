"""Preposterior analysis of linear and Normal quantities: what losses not yet measured would tell of
quantities that a decision needs, in closed form.

Over posterior draws, a quantity q and the log losses f of candidate runs are nearly jointly Normal,
with covariance K of the losses and k of losses and q. The variance of q once the runs of a set S
have been measured with errors σ_j is

    v(S) = Var(q) − k_S' (K_SS + diag σ²_S)⁻¹ k_S

whatever they turn out to be. A set costs the solution of as many equations as it has runs, whatever
the losses depend on. `_search` chooses sets.

A decision a about an unknown q that costs ½ h (q − a)² more than the best one has the expected
regret ½ E[h] v(S). Where h differs between draws they count in proportion to it, which is exact:
E[h (q − a)²] = E[h] E_h[(q − a)²].

H. Raiffa and R. Schlaifer, "Applied Statistical Decision Theory", 1961; K. Chaloner and I.
Verdinelli, "Bayesian Experimental Design: A Review", 1995, section 2, for the linear model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Preposterior:
    """Quantities of interest, and how candidate runs bear on them.

    Attributes
    ----------
    covariance : array, shape (candidates, candidates)
        K, of log losses.
    with_quantities : array, shape (quantities, candidates)
        k, of log losses and each quantity.
    variances : array, shape (quantities,)
        Of each quantity.
    noise : array, shape (candidates,)
        σ², of log losses.
    """

    covariance: np.ndarray
    with_quantities: np.ndarray
    variances: np.ndarray
    noise: np.ndarray

    @classmethod
    def of(
        cls,
        log_losses: np.ndarray,
        quantities: np.ndarray,
        weights: np.ndarray,
        noise: np.ndarray,
    ) -> "Preposterior":
        """Build from draws.

        Parameters
        ----------
        log_losses : array, shape (draws, candidates)
        quantities : array, shape (draws, quantities)
        weights : array, shape (draws,)
            Probabilities.
        noise : array, shape (candidates,)
        """
        losses = log_losses - weights @ log_losses
        wanted = quantities - weights @ quantities
        counted = weights[:, None] * losses
        return cls(losses.T @ counted, wanted.T @ counted, weights @ wanted**2, noise)

    def left(self, chosen: Sequence[int] = ()) -> np.ndarray:
        """Return the variance of each quantity once the chosen candidates have been run, shape
        (quantities,).
        """
        known = self.with_quantities[:, list(chosen)]
        explained = np.sum(known.T * self._solve(chosen, known.T), axis=0)
        return np.maximum(self.variances - explained, 0.0)

    def left_with_each(self, chosen: Sequence[int] = ()) -> np.ndarray:
        """Return the same with one more of each candidate, shape (quantities, candidates)."""
        rows = list(chosen)
        across = self.covariance[rows]
        solved = self._solve(chosen, across)
        related = self.with_quantities - self.with_quantities[:, rows] @ solved
        variance = np.diag(self.covariance) - np.sum(across * solved, axis=0) + self.noise
        return np.maximum(self.left(chosen)[:, None] - related**2 / variance, 0.0)

    def _solve(self, chosen: Sequence[int], right: np.ndarray) -> np.ndarray:
        """Return (K_SS + diag σ²_S)⁻¹ times an array, one row per chosen candidate."""
        rows = list(chosen)
        measured = self.covariance[np.ix_(rows, rows)] + np.diag(self.noise[rows])
        return np.asarray(np.linalg.solve(measured, right))
