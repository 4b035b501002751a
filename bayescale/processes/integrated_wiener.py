"""A curve along compute whose slope wanders: the further from the runs, the less their law is to be
trusted.

    k(t, t') = 3 min(|t|, |t'|)² (max(|t|, |t'|) − min(|t|, |t'|)/3) / 2   where t and t' have one
    sign, else 0

t is decades of compute from the mean of the runs, where value and slope are zero, so that the law
keeps its meaning. The variance is |t|³: τ is the departure to expect one decade away. G. Wahba,
"Improper priors, spline smoothing and the problem of guarding against model errors in regression",
1978.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Parameter
from bayescale.processes.base import Locations, Process


@dataclass(frozen=True)
class IntegratedWiener(Process):
    """Two-sided integrated Wiener process in decades of compute.

    Parameters
    ----------
    scale : float
        Of the half-Normal prior of the amplitude, in log loss.
    functions : int
        Maximum number of functions that approximate the process.
    """

    scale: float = 0.01
    functions: int = 8

    title: ClassVar[str] = "Integrated Wiener process along compute"
    paper: ClassVar[str] = (
        "Wahba 1978, Improper priors, spline smoothing and the problem of guarding against "
        "model errors in regression"
    )
    formula: ClassVar[str] = (
        "δ(t) = τ √3 ∫₀ᵗ W(s) ds, variance τ²|t|³, t decades of compute from the mean run"
    )

    def __post_init__(self) -> None:
        if not 0 < self.scale < np.inf:
            raise InputError(f"integrated_wiener: scale={self.scale} must be a positive number.")

    @property
    def amplitude(self) -> Parameter:
        return Parameter(
            "drift_sd",
            dist.HalfNormal(self.scale),
            "departure from the law a decade of compute away, log loss",
        )

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance k between locations, shape (a, b)."""
        s, t = a.compute_decades[:, None], b.compute_decades[None, :]
        nearer, further = np.minimum(abs(s), abs(t)), np.maximum(abs(s), abs(t))
        return np.where(s * t > 0, 1.5 * nearer**2 * (further - nearer / 3), 0.0)
