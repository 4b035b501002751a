"""One number of tokens says nothing about how loss falls with tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class OneTokenCount(Rule):
    """Find a sweep of one number of tokens."""

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "All runs were trained on the same number of tokens, so nothing shows how loss falls with "
        "tokens; the prior decides it, and with it every plan."
    )
    remedy: ClassVar[str] = (
        "Add runs on other numbers of tokens: three at least, over a factor of ten; or fit a law "
        "of N alone."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if len(sweep) < 2 or not sweep.has("n_tokens"):
            return
        is_one_size = sweep.has("n_params") and np.ptp(sweep.log("n_params")) == 0
        if np.ptp(sweep.log("n_tokens")) == 0 and not is_one_size:
            yield self.finding(
                sweep, "every run has the same n_tokens; beta and B cannot be told from E."
            )
