"""Importance sampling for the methods that can propose: weights against the exact posterior,
smoothed and judged.

A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry, "Pareto Smoothed Importance Sampling", 2024
(arXiv:1507.02646).
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._data import Data
from bayescale.inference.base import Target
from bayescale.kernels.blocks import in_blocks
from bayescale.kernels.objective import value
from bayescale.posterior.importance_weights import ESS_LIMIT, pareto_smoothed
from bayescale.results import Complaint

LARGEST_K, EVEN_K = 0.7, 0.5
# Of fewer, no tail has the five weights that a fit takes.
_FEWEST = 25


@dataclass(frozen=True, eq=False)
class Weighed:
    """Weights of proposals, and their diagnostics.

    Attributes
    ----------
    log_weights : array, shape (pool,)
        Pareto-smoothed; their exponentials add up to one.
    diagnostics : dict
        ``pareto_k``, ``ess_importance`` (effective number of independent draws) and
        ``log_evidence`` (of log loss).
    """

    log_weights: np.ndarray
    diagnostics: dict[str, float]

    @property
    def reliable(self) -> bool:
        """Return whether the weights have a tail that means can bear and enough effective draws."""
        return (
            self.diagnostics["pareto_k"] <= LARGEST_K
            and self.diagnostics["ess_importance"] >= ESS_LIMIT
        )

    @property
    def even(self) -> bool:
        """Return whether another proposal is hardly worth it: a tail far from the limit."""
        return self.reliable and self.diagnostics["pareto_k"] < EVEN_K

    def chosen(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw indices of members of the pool by weight, in systematic order and then shuffled."""
        return rng.permutation(systematic(np.exp(self.log_weights), draws, rng))


def systematic(weights: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw indices by weights of sum one, at even steps from a random start; sorted, (draws,)."""
    steps = (rng.uniform() + np.arange(draws)) / draws
    return np.minimum(np.searchsorted(np.cumsum(weights), steps * (1 - 1e-12)), len(weights) - 1)


def weigh(log_ratios: np.ndarray) -> Weighed:
    """Smooth and judge log target less log proposal, shape (pool,); a proposal out of bounds has
    minus infinity.
    """
    if 1 < np.isfinite(log_ratios).sum() < _FEWEST:
        log_weights, k = log_ratios - np.logaddexp.reduce(log_ratios), float("inf")
    else:
        log_weights, k = pareto_smoothed(log_ratios)
    diagnostics = {
        "pareto_k": k,
        "ess_importance": float(np.exp(-np.logaddexp.reduce(2 * log_weights))),
        "log_evidence": float(np.logaddexp.reduce(log_ratios) - np.log(len(log_ratios))),
    }
    return Weighed(log_weights, diagnostics)


@jit_for(Use.SEARCH, "target")
def log_posterior(target: Target, coordinates: Array, data: Data, weights: Array) -> Array:
    """Return log likelihood plus log prior, not normalised, shape (pool,).

    Unconstrained coordinates have shape (k, pool).
    """

    def of_block(columns: Array, run_weights: Array) -> Array:
        return -value(target, tuple(columns), data, run_weights)[None]

    density = in_blocks(of_block, coordinates, weights)[0]
    return jnp.where(jnp.isnan(density), -jnp.inf, density)


def complaint(weighed: Weighed, remedy: str) -> tuple[Complaint, ...]:
    """Return a complaint where the weights are not to be trusted."""
    if weighed.reliable:
        return ()
    k, effective = weighed.diagnostics["pareto_k"], weighed.diagnostics["ess_importance"]
    if k > LARGEST_K:
        message = (
            f"Pareto k is {k:.2f}, above {LARGEST_K}: the proposal misses part of the posterior. "
            f"{remedy}"
        )
        return (Complaint("pareto_k", message, {"pareto_k": k}),)
    message = (
        f"{effective:.0f} of the proposals are effective draws, below {ESS_LIMIT}: intervals are "
        f"rough. {remedy}"
    )
    return (Complaint("ess_importance", message, {"ess_importance": effective}),)
