"""A loss that is too low for a cross-entropy in nats per token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class LowLoss(Rule):
    """Find losses below those of any model of text, in nats per token.

    Parameters
    ----------
    lowest_median : float
        Nats per token.
    """

    lowest_median: float = 0.05

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "The losses are lower than the entropy of any text: another unit, or a metric of another "
        "kind."
    )
    remedy: ClassVar[str] = (
        "Give nats per token; where these are errors or losses of another task, read the floor E "
        "and its prior with care."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if not sweep.has_loss:
            return
        median = float(np.median(sweep.column("loss")))
        if median < self.lowest_median:
            yield self.finding(
                sweep,
                f"Half of the losses are below {median:.3g}, lower than any cross-entropy of text "
                f"in nats per token.",
                median=median,
            )
