"""One size says nothing about how loss falls with size."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class OneSize(Rule):
    """Find a sweep of one size."""

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "All runs have the same number of parameters, so nothing shows how loss falls with size, "
        "and the prior decides it."
    )
    remedy: ClassVar[str] = "Add runs of other sizes: three at least, over a factor of ten."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if len(sweep) < 2 or not sweep.has("n_params"):
            return
        if np.ptp(sweep.log("n_params")) == 0:
            yield self.finding(
                sweep, "every run has the same n_params; alpha and A cannot be told from E."
            )
