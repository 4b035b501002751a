"""Proposals of importance sampling for one problem: components about its modes, then mixtures that
are fitted to rounds of draws.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated

import numpy as np

from bayescale.inference._mixture import Mixture
from bayescale.inference._weighing import EVEN_K, Weighed, weigh

_COMPONENTS = 6
_FEWEST_ROUNDS = 3
# Effective draws, as a share of a round, at which the proposal is good enough.
_ENOUGH = 0.3
_FAR_BELOW, _SAME_MODE = 10.0, 0.1
_SMALLEST_CURVATURE = 1e-3
_WEAK_DIRECTIONS, _LONGER, _ASIDE = 2, 9.0, (0.0, 2.0, -2.0, 4.0, -4.0)


@dataclass(frozen=True, eq=False)
class Pool:
    """The proposals for one problem so far, in rounds.

    Attributes
    ----------
    first : Mixture
        The first proposal.
    used : tuple of Mixture
        One a round.
    draws : array, shape (k, pool)
    log_target : array, shape (pool,)
    log_densities : array, shape (rounds, pool)
        Log density of every draw under each mixture used.
    last : int
        Draws of the last round.
    """

    first: Mixture
    used: tuple[Mixture, ...] = ()
    draws: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    log_target: np.ndarray = field(default_factory=lambda: np.empty(0))
    log_densities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    last: int = 0

    @cached_property
    def weighed(self) -> Weighed:
        """The last round, weighed by the mixture that proposed it, which has not seen it.

        Against all mixtures used, earlier draws in the tails would be weighed by mixtures fitted to
        them, which is too little: evidence was low by some 0.05 nats and the sd of log E by a
        sixth.
        """
        return weigh(self.log_target[-self.last :] - self.log_densities[-1, -self.last :])

    @property
    def settled(self) -> bool:
        """Return whether weights are so even that a better proposal is hardly worth its round."""
        share = self.weighed.diagnostics["ess_importance"] / self.last
        even = self.weighed.diagnostics["pareto_k"] < EVEN_K and share > _ENOUGH
        return even and len(self.used) >= _FEWEST_ROUNDS

    @cached_property
    def proposal(self) -> Mixture:
        """The mixture that the next round draws from."""
        if not self.used:
            return self.first
        # Each draw came from the average of all mixtures used, which is good enough to fit the
        # next.
        return self.used[-1].fitted(
            self.draws, weigh(self.log_target - np.logaddexp.reduce(self.log_densities)).log_weights
        )

    def extended(self, draws: np.ndarray, log_target: np.ndarray) -> "Pool":
        """Return the pool with its last round made larger, by draws of the same proposal."""
        densities = np.stack([mixture.log_density(draws) for mixture in self.used])
        return replace(
            self,
            draws=np.concatenate([self.draws, draws], axis=1),
            log_target=np.concatenate([self.log_target, log_target]),
            log_densities=np.concatenate([self.log_densities, densities], axis=1),
            last=self.last + len(log_target),
        )

    def after(self, draws_of_round: np.ndarray, log_target: np.ndarray) -> "Pool":
        """Return the pool with one more round of the proposal."""
        draws = (
            np.concatenate([self.draws, draws_of_round], axis=1) if self.used else draws_of_round
        )
        earlier = [
            np.append(before, mixture.log_density(draws_of_round))
            for before, mixture in zip(self.log_densities, self.used, strict=True)
        ]
        densities = np.stack([*earlier, self.proposal.log_density(draws)])
        return Pool(
            self.first,
            (*self.used, self.proposal),
            draws,
            np.concatenate([self.log_target, log_target]),
            densities,
            len(log_target),
        )


def first_proposal(
    ends: Annotated[np.ndarray, "searches k"],
    values: Annotated[np.ndarray, "searches"],
    hessians: Annotated[np.ndarray, "searches k k"],
) -> Mixture:
    """Return components at the distinct modes, by their mass, then along the highest's weakest
    directions.

    Parameters
    ----------
    ends : array, shape (searches, k)
        Where searches ended, in decorrelated coordinates.
    values : array, shape (searches,)
        The negative log posterior there.
    hessians : array, shape (searches, k, k)
    """
    order = [
        int(i)
        for i in np.argsort(values)
        if np.isfinite(values[i]) and np.isfinite(hessians[i]).all()
    ]
    centres: list[np.ndarray] = []
    covariances: list[np.ndarray] = []
    shares: list[float] = []
    for i in order:
        if len(centres) == _COMPONENTS or (shares and values[i] > values[order[0]] + _FAR_BELOW):
            break
        end = ends[i]
        curvature, axes = np.linalg.eigh(hessians[i])
        curvature = np.maximum(curvature, _SMALLEST_CURVATURE)
        if any(
            np.sum((np.sqrt(curvature) * (axes.T @ (end - seen))) ** 2) < _SAME_MODE
            for seen in centres
        ):
            continue
        centres.append(end)
        covariances.append((axes / curvature) @ axes.T)
        shares.append(
            float(
                np.exp(values[order[0]] - values[i])
                / np.sqrt(np.prod(curvature / curvature.mean()))
            )
        )
    # Where data are weak the posterior is long and bent, and its Hessian knows the middle alone.
    spread, axes = np.linalg.eigh(covariances[0])
    longer = spread * np.where(
        np.arange(len(spread)) < len(spread) - _WEAK_DIRECTIONS, 1.0, _LONGER
    )
    for step in _ASIDE[: _COMPONENTS - len(centres)]:
        centres.append(centres[0] + step * np.sqrt(spread[-1]) * axes[:, -1])
        covariances.append((axes * longer) @ axes.T)
        shares.append(shares[0] / 2)
    return Mixture.about(
        np.stack(centres), np.stack(covariances), np.maximum(shares, 0.02 * max(shares))
    )
