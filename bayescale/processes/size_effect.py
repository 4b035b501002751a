"""One departure for all runs of a model size: what a width, a depth or a learning rate that went
with it did to every run of it.

    k(N, N') = 1 where N = N', else 0

D. V. Lindley and A. F. M. Smith, "Bayes Estimates for the Linear Model", 1972.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Parameter
from bayescale.processes.base import Locations, Process


@dataclass(frozen=True)
class SizeEffect(Process):
    """Independent departures of model sizes; a new size has its own.

    Sizes of one run have none, since nothing tells it from scatter; nor has any size of a sweep in
    which none repeats.

    Parameters
    ----------
    scale : float
        Of the half-Normal prior of the amplitude, in log loss.
    """

    scale: float = 0.01

    title: ClassVar[str] = "One departure for each model size"
    paper: ClassVar[str] = "Lindley and Smith 1972, Bayes Estimates for the Linear Model"
    inputs: ClassVar[tuple[str, ...]] = ("n_params",)
    functions: ClassVar[int] = 24
    tolerates_rest: ClassVar[bool] = True
    of_identity: ClassVar[bool] = True
    formula: ClassVar[str] = "δ_N ~ Normal(0, τ²)"

    def __post_init__(self) -> None:
        if not 0 < self.scale < np.inf:
            raise InputError(f"size_effect: scale={self.scale} must be a positive number.")

    @property
    def amplitude(self) -> Parameter:
        return Parameter(
            "size_sd",
            dist.HalfNormal(self.scale),
            "size of the departures of model sizes from the law, in log loss",
        )

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance k between locations, shape (a, b)."""
        return (a.log_size[:, None] == b.log_size[None, :]).astype(float)
