"""Importance weights with their tail smoothed, and the number that says whether to believe them.

The largest ratios are replaced by quantiles of the generalised Pareto distribution that fits them;
its shape k says how heavy their tail is. This is ArviZ's ``psislw``, to rounding, without the
seconds that importing ArviZ takes.

A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry, "Pareto Smoothed Importance Sampling", 2024
(arXiv:1507.02646), algorithm 1; J. Zhang and M. A. Stephens, "A New and Efficient Estimation Method
for the Generalized Pareto Distribution", 2009, for the fit.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

ESS_LIMIT = 400
"""Effective draws below which intervals are rough."""

_FEWEST_IN_TAIL = 5
# Zhang and Stephens's prior of b, and a prior of k near 1/2 worth ten exceedances.
_PRIOR_OF_B, _PRIOR_COUNT, _PRIOR_K = 3, 10, 0.5


class Pareto(NamedTuple):
    """A generalised Pareto distribution of exceedances.

    Attributes
    ----------
    k : float
        Shape.
    scale : float
    """

    k: float
    scale: float

    @classmethod
    def fitted(cls, exceedances: np.ndarray) -> "Pareto":
        """Fit to sorted positive exceedances, shape (tail,)."""
        n = len(exceedances)
        nodes = 30 + int(np.sqrt(n))
        quartile = exceedances[int(n / 4 + 0.5) - 1]
        spread = 1 - np.sqrt(nodes / (np.arange(1, nodes + 1) - 0.5))
        b = spread / (_PRIOR_OF_B * quartile) + 1 / exceedances[-1]
        k = np.log1p(-b[:, None] * exceedances).mean(axis=1)
        profile = n * (np.log(-b / k) - k - 1)
        weights = np.exp(profile - logsumexp(profile))
        kept = weights >= 10 * np.finfo(float).eps
        mean_b = np.sum(b[kept] * weights[kept]) / np.sum(weights[kept])
        raw_k = float(np.log1p(-mean_b * exceedances).mean())
        shrunk = (n * raw_k + _PRIOR_COUNT * _PRIOR_K) / (n + _PRIOR_COUNT)
        return cls(shrunk, -raw_k / mean_b)

    def quantiles(self, probabilities: np.ndarray) -> np.ndarray:
        """Return quantiles of the exceedances."""
        logs = np.log1p(-probabilities)
        if abs(self.k) < np.finfo(float).eps:
            return np.asarray(-self.scale * logs)
        return np.asarray(self.scale * np.expm1(-self.k * logs) / self.k)


def pareto_smoothed(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Return importance weights with the largest of them smoothed.

    Parameters
    ----------
    log_ratios : array, shape (pool,)
        Log target less log proposal; minus infinity where the target is nil.

    Returns
    -------
    log_weights : array, shape (pool,)
        Their exponentials add up to one.
    k : float
        Shape of the generalised Pareto distribution of the largest; infinite where fewer than two
        proposals count, or no distribution fits.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.posterior.importance_weights import pareto_smoothed
    >>> ratios = np.random.default_rng(0).standard_normal(1000) / 2
    >>> log_weights, k = pareto_smoothed(ratios)
    >>> bool(k < 0.5), round(float(np.exp(log_weights).sum()), 6)
    (True, 1.0)
    """
    possible = np.isfinite(log_ratios)
    smoothed = np.full(log_ratios.shape, -np.inf)
    if possible.sum() < 2:
        smoothed[np.argmax(log_ratios)] = 0.0
        return smoothed, float("inf")
    # Equal weights have no tail to fit.
    if np.ptp(log_ratios[possible]) == 0:
        smoothed[possible] = -np.log(possible.sum())
        return smoothed, float("-inf")
    # Where one ratio dwarfs all others its tail is of zeros, and no distribution fits.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_weights, k = _smoothed_tail(log_ratios[possible])
    if not np.isfinite(k) or np.isnan(log_weights).any():
        log_weights, k = log_ratios[possible], np.inf
    smoothed[possible] = log_weights - logsumexp(log_weights)
    return smoothed, float(k)


def _smoothed_tail(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Return ratios relative to the largest, with their tail smoothed, and k."""
    n = len(log_ratios)
    relative = log_ratios - log_ratios.max()
    length = int(min(0.2 * n, 3 * np.sqrt(n)))
    order = np.argsort(relative, kind="stable")
    cutoff = max(relative[order[-length - 1]], np.log(np.finfo(float).tiny))
    tail = order[relative[order] > cutoff]
    if len(tail) < _FEWEST_IN_TAIL:
        return relative, np.inf
    exceedances = np.exp(relative[tail]) - np.exp(cutoff)
    pareto = Pareto.fitted(exceedances)
    if np.isfinite(pareto.k):
        middles = (np.arange(len(tail)) + 0.5) / len(tail)
        values = np.log(pareto.quantiles(middles) + np.exp(cutoff))
        # No weight is larger than the largest ratio.
        relative[tail] = np.minimum(values, 0.0)
    return relative, pareto.k
