"""A metric that rises with scale is no loss."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import REFUSED, Finding, Rule


@dataclass(frozen=True)
class RisingMetric(Rule):
    """Find a loss that rises along every input that varies, and by more than chance.

    Parameters
    ----------
    least_rank_correlation : float
        Spearman's correlation along each input, at least.
    z : float
        The largest of these correlations over its standard deviation by chance, at least, of a
        metric that is above 1.
    z_of_share : float
        The same of a metric between 0 and 1.
    """

    least_rank_correlation: float = 0.2
    z: float = 3.0
    z_of_share: float = 1.8

    severity: ClassVar[str] = REFUSED
    meaning: ClassVar[str] = (
        "What is given as the loss rises with every input, as an accuracy or a score does; a "
        "scaling law of the loss falls."
    )
    remedy: ClassVar[str] = (
        "Give the loss; or turn an accuracy into a share of errors, 1 − accuracy; or take a law "
        "that predicts accuracy."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding for all runs, or none."""
        if not sweep.has_loss or len(sweep) < 4:
            return
        varying = [name for name in sweep.inputs if np.ptp(sweep.log(name)) > 0]
        if not varying or np.ptp(sweep.log_loss) == 0:
            return
        correlations = np.array([sweep.rank_correlation(name) for name in varying])
        is_share = bool(sweep.column("loss").max() <= 1)
        strongest = float(correlations.max())
        certain = strongest * np.sqrt(len(sweep) - 1) > (self.z_of_share if is_share else self.z)
        if correlations.min() <= self.least_rank_correlation or not certain:
            return
        looks = "It lies between 0 and 1, as an accuracy does. " if is_share else ""
        yield self.finding(
            sweep,
            f"The loss rises with {' and '.join(varying)} (rank correlation {strongest:.2f}), "
            f"where a loss falls. {looks}".strip(),
            rank_correlation=strongest,
        )
