"""Each parameter by itself: the prior that its row of the law's table has, where the geometric
means of all runs are one.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.parameters import Parameter, Values
from bayescale.priors.base import Prior
from bayescale.sweep import Sweep


@dataclass(frozen=True)
class Separate(Prior):
    """Independent priors of the law's own parameters."""

    title: ClassVar[str] = "Each parameter by itself, about the mean of the runs"

    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return the law's own rows."""
        return parameters

    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the values as they are."""
        return coordinates

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return all rows."""
        return np.arange(len(log_compute))
