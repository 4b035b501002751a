"""A loss that rises with size or with tokens while the other stays."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class RisingWithSize(Rule):
    """Find a loss that rises with size or with tokens while the other stays.

    Parameters
    ----------
    fewest : int
        Runs at one value of the other input.
    z : float
        Rank correlation over its standard deviation by chance, all values together.
    """

    fewest: int = 3
    z: float = 3.5

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "At equal tokens larger models are worse, or at equal sizes more tokens are. Every law of "
        "N and D falls in both, so it cannot describe these runs: most often the learning rate of "
        "the larger models is too high, or they have diverged."
    )
    remedy: ClassVar[str] = "Tune the large models, or drop the runs that went wrong."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of each input along which the loss rises."""
        if not (sweep.has_loss and sweep.has("n_params", "n_tokens")):
            return
        for along, fixed in (("n_params", "n_tokens"), ("n_tokens", "n_params")):
            total, freedom = 0.0, 0
            rows = np.zeros(len(sweep), dtype=bool)
            for one in sweep.cells(fixed):
                if len(one) >= self.fewest and np.ptp(sweep.column(along)[one]) > 0:
                    total += (len(one) - 1) * sweep.rank_correlation(along, one)
                    freedom += len(one) - 1
                    rows[one] = True
            z = total / np.sqrt(max(freedom, 1))
            if z > self.z:
                yield self.finding(
                    sweep,
                    f"The loss rises with {along} where {fixed} is equal, in {rows.sum()} runs.",
                    rows,
                    z=z,
                )
