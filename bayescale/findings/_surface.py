"""A cheap robust fit of a sum of powers, by which rules judge residuals before any real fit.

    log L = log(E + Σ_k A_k x_k^−a_k),  x_k in units of its geometric mean

Least squares on log loss under a soft absolute error, from a few starting points; milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

_STARTING_SHARES = (0.2, 0.6, 0.9)
_STARTING_EXPONENT = 0.3
_SMALLEST_SCALE = 1e-5
# Of a Normal distribution: standard deviation over the median of absolute values.
_SD_OVER_MAD = 1.4826
_EVALUATIONS = 100
_TOLERANCE = 1e-6
# Rows of the first, rough fits.
_ROUGH = 300
# Of the logarithms of levels and exponents, in units of geometric means.
_LIMIT = 30.0
_HIGHEST = 5.0


@dataclass(frozen=True, eq=False)
class Surface:
    """A fitted sum of powers.

    Attributes
    ----------
    residual : array, shape (runs,)
        Log loss less the fit.
    scale : float
        Robust standard deviation of a run.
    jacobian : array, shape (runs, parameters)
        Slopes of the residual.
    floor : float
        E, as a share of the mean loss.
    without_floor : float
        By how much −2 log likelihood rises where E is nought.
    """

    residual: np.ndarray
    scale: float
    jacobian: np.ndarray
    floor: float
    without_floor: float

    @property
    def scores(self) -> np.ndarray:
        """Residuals in robust standard deviations, shape (runs,)."""
        return self.residual / self.scale


def fit_surface(log_loss: np.ndarray, logs: Sequence[np.ndarray]) -> Surface:
    """Fit a sum of powers of inputs, whose logarithms are given, each of shape (runs,)."""
    centred = [values - values.mean() for values in logs]
    observed = log_loss - log_loss.mean()
    every = slice(None, None, max(len(observed) // _ROUGH, 1))
    few = [values[every] for values in centred]
    starts = [_start(share, len(logs)) for share in _STARTING_SHARES]
    tried = [_minimum(observed[every], few, start, 0.1) for start in starts]
    rough = min(tried, key=_cost)
    scale = _scale(rough.fun, len(rough.x))
    best = _minimum(observed, centred, rough.x, scale)
    pure = _minimum(observed, centred, best.x[1:], scale)
    scale = _scale(best.fun, len(best.x))
    rise = 2 * (_cost(pure) - _cost(best)) / scale**2
    return Surface(-best.fun, scale, best.jac, float(np.exp(best.x[0])), float(rise))


def _start(share: float, n_inputs: int) -> np.ndarray:
    """Return a starting point: log E, then the logarithms of each level and exponent."""
    term = [np.log((1 - share) / n_inputs), np.log(_STARTING_EXPONENT)]
    return np.array([np.log(share), *np.tile(term, n_inputs)])


def _minimum(
    observed: np.ndarray, logs: list[np.ndarray], start: np.ndarray, scale: float
) -> OptimizeResult:
    """Return the least squares from a starting point; without E where it has no log E."""
    floors = len(start) % 2

    def terms(point: np.ndarray) -> np.ndarray:
        """Return the logarithms of the terms, shape (terms, runs)."""
        made = [np.full(len(observed), point[0])] if floors else []
        for level, exponent, log in zip(
            point[floors::2], point[floors + 1 :: 2], logs, strict=True
        ):
            made.append(level - np.exp(exponent) * log)
        return np.stack(made)

    def residuals(point: np.ndarray) -> np.ndarray:
        logarithms = terms(point)
        largest = logarithms.max(axis=0)
        total = np.exp(logarithms - largest).sum(axis=0)
        return np.asarray(np.log(total) + largest - observed)

    def slopes(point: np.ndarray) -> np.ndarray:
        logarithms = terms(point)
        shares = np.exp(logarithms - logarithms.max(axis=0))
        shares /= shares.sum(axis=0)
        columns = list(shares[:floors])
        for share, exponent, log in zip(shares[floors:], point[floors + 1 :: 2], logs, strict=True):
            columns += [share, -share * np.exp(exponent) * log]
        return np.stack(columns, axis=1)

    low, high = np.full(len(start), -_LIMIT), np.full(len(start), _HIGHEST)
    return least_squares(
        residuals,
        np.clip(start, low + 1, high - 1),
        jac=slopes,
        bounds=(low, high),
        loss="soft_l1",
        f_scale=scale,
        max_nfev=_EVALUATIONS,
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )


def _cost(found: OptimizeResult) -> float:
    return float(found.cost)


def _scale(residual: np.ndarray, n_parameters: int) -> float:
    freedom = max(len(residual) - n_parameters, 1)
    spread = _SD_OVER_MAD * np.median(np.abs(residual))
    return float(max(spread * np.sqrt(len(residual) / freedom), _SMALLEST_SCALE))
