"""One departure for all runs of a group: those of a budget, of a training run, of a model family.

    k(g, g') = 1 where g = g', else 0

D. V. Lindley and A. F. M. Smith, "Bayes Estimates for the Linear Model", 1972.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.laws.base import Parameter
from bayescale.processes.base import Locations, Process


@dataclass(frozen=True)
class SharedEffect(Process):
    """Independent departures of groups; a new group has its own."""

    title: ClassVar[str] = "One departure for each group of runs"
    paper: ClassVar[str] = "Lindley and Smith 1972, Bayes Estimates for the Linear Model"
    columns: ClassVar[tuple[str, ...]] = ("group",)
    functions: ClassVar[int] = 64
    of_identity: ClassVar[bool] = True
    formula: ClassVar[str] = "δ_g ~ Normal(0, τ²)"

    @property
    def amplitude(self) -> Parameter:
        return Parameter(
            "group_sd",
            dist.HalfNormal(0.02),
            "size of the departures of groups from the law, in log loss",
        )

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance k between locations, shape (a, b)."""
        return (a.group[:, None] == b.group[None, :]).astype(float)
