"""A drift of the best size: the further beyond the runs, the less their optimum is to be trusted.

    δ = τ g(u) Z(t),   g(u) = u / sqrt(1 + (u/2)²)

u is decades of N at constant compute, less their mean over the runs, and t decades of compute from
the dearest run, where Z and its slope are zero. The slope of Z is an Ornstein–Uhlenbeck process of
unit variance and length ℓ, so that an exponent of the optimum wanders and comes back:

    Cov(Z(s), Z(t)) = (V(s) + V(t) − V(s − t))/2,   V(h) = 2ℓ² (|h|/ℓ − 1 + exp(−|h|/ℓ))

A loss that is tilted along u by τ moves its least by τ over its curvature there, about 0.4 in log
loss for a decade of N squared. G. E. Uhlenbeck and L. S. Ornstein, "On the Theory of the Brownian
Motion", 1930.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Parameter
from bayescale.processes.base import Locations, Process

_REACH = 2.0


@dataclass(frozen=True)
class OptimumDrift(Process):
    """Integrated Ornstein–Uhlenbeck process along compute, times a tilt along the size.

    Parameters
    ----------
    scale : float
        Of the half-Normal prior of the amplitude: log loss for a decade of N and one of compute.
    length : float
        ℓ, in decades of compute.
    """

    scale: float = 0.0125
    length: float = 1.0

    title: ClassVar[str] = "Drift of the best size along compute"
    paper: ClassVar[str] = "Uhlenbeck and Ornstein 1930, On the Theory of the Brownian Motion"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    functions: ClassVar[int] = 6
    formula: ClassVar[str] = (
        "δ(u, t) = τ u/sqrt(1 + (u/2)²) Z(t), Z integrated Ornstein–Uhlenbeck from the dearest run"
    )

    def __post_init__(self) -> None:
        if not (0 < self.scale < np.inf and 0 < self.length < np.inf):
            raise InputError(
                f"optimum_drift: scale={self.scale} and length={self.length} must be positive "
                f"numbers."
            )

    @property
    def amplitude(self) -> Parameter:
        return Parameter(
            "tilt_sd",
            dist.HalfNormal(self.scale),
            "tilt of log loss along the size, a decade of compute from the dearest run",
        )

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance between locations, shape (a, b)."""
        s, t = a.compute_decades - a.dearest, b.compute_decades - b.dearest
        apart = self._variance(s[:, None] - t[None, :])
        along = (self._variance(s)[:, None] + self._variance(t)[None, :] - apart) / 2
        return np.asarray(along * _tilt(a)[:, None] * _tilt(b)[None, :])

    def _variance(self, h: np.ndarray) -> np.ndarray:
        lengths = np.abs(h) / self.length
        return np.asarray(2 * self.length**2 * (lengths + np.expm1(-lengths)))


def _tilt(at: Locations) -> np.ndarray:
    return np.asarray(at.shape_decades / np.sqrt(1 + (at.shape_decades / _REACH) ** 2))
