"""Tokens per parameter that no sweep has, for units or for a design far from any optimum."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class UnusualRatio(Rule):
    """Find a sweep whose tokens per parameter are far from any that is trained.

    Parameters
    ----------
    least, most : float
        Median tokens per parameter.
    """

    least: float = 0.3
    most: float = 5000.0

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Half of the runs have far fewer or far more tokens per parameter than any compute-optimal "
        "plan, about 5 to 100: either N or D is in another unit, or the optimum lies far outside "
        "the sizes tried."
    )
    remedy: ClassVar[str] = (
        "Check that N and D are both counts; if they are, add runs nearer 20 tokens per parameter "
        "before you plan."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        ratios = sweep.tokens_per_param
        if ratios is None:
            return
        median = float(np.median(ratios))
        if self.least <= median <= self.most:
            return
        what = "few" if median < self.least else "many"
        yield self.finding(
            sweep,
            f"The runs have {median:.3g} tokens per parameter (median), far too {what} for any "
            f"plan that spends compute well.",
            median=median,
        )
