"""A smooth surface over the law's inputs: what a law misses at one size it misses at sizes like it.

    k(x, x') = (1 + r + r²/3) exp(−r),   r = √5 |x − x'| / ℓ

x holds the decades of the inputs, N and D for most laws. B. Matérn, "Spatial Variation", 1960; C.
E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, equation 4.17.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Parameter
from bayescale.processes.base import Locations, Process

_MOST_DECADES = 3.0


@dataclass(frozen=True)
class Matern(Process):
    """Matérn process of smoothness 5/2, alike in all directions.

    Parameters
    ----------
    length : float
        Over how many decades of an input departures stay alike.
    scale : float
        Of the half-Normal prior of the amplitude, in log loss.
    growth : float
        Decades by which departures are larger for each decade that the frontier of the sweep lies
        below 1e19 FLOP, three at most: losses of young models fall steeply, and laws miss more.
    functions : int
        Maximum number of functions that approximate the process.
    """

    length: float = 2.5
    scale: float = 0.035
    growth: float = 0.0
    functions: int = 16

    title: ClassVar[str] = "Matérn-5/2 surface over the inputs of the law"
    paper: ClassVar[str] = (
        "Matérn 1960, Spatial Variation; Rasmussen and Williams 2006, Gaussian Processes for "
        "Machine Learning, eq. 4.17"
    )

    def __post_init__(self) -> None:
        if not (0 < self.length < np.inf and 0 < self.scale < np.inf):
            raise InputError(
                f"matern: length={self.length} and scale={self.scale} must be positive numbers."
            )

    @property
    def formula(self) -> str:
        return f"δ(x) ~ GP(0, τ² Matérn-5/2), length {self.length:g} decades"

    @property
    def amplitude(self) -> Parameter:
        return Parameter(
            "matern_sd",
            dist.HalfNormal(self.scale),
            "size of the smooth departures from the law, in log loss",
        )

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance k between locations, shape (a, b)."""
        distance = np.linalg.norm(a.decades[:, None] - b.decades, axis=-1)
        r = np.sqrt(5) * distance / self.length
        young = np.clip(-a.sweep.compute, 0.0, _MOST_DECADES)
        return np.asarray(10 ** (2 * self.growth * young) * (1 + r + r**2 / 3) * np.exp(-r))
