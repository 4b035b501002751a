"""Hide the runs of largest compute: a forecast is for such runs."""

from dataclasses import dataclass

import numpy as np

from bayescale.decisions.checks.holdouts.base import LAST_BIT, Fold, compute, fold, require_share
from bayescale.runs import Runs


@dataclass(frozen=True)
class LargestCompute:
    """Hide the share of the runs that took the most compute.

    Parameters
    ----------
    share : float
        Of the runs, between 0 and 1; rounded up to whole runs.

    Examples
    --------
    >>> import bayescale as bs
    >>> (hidden,) = bs.LargestCompute(0.2).split(bs.datasets.simulate(seed=1))
    >>> hidden.name, len(hidden.train), len(hidden.test)
    ('the largest-compute 20 %', 36, 9)
    """

    share: float = 0.2

    def split(self, runs: Runs) -> tuple[Fold, ...]:
        """Return the one split."""
        require_share("largest_compute: share", self.share)
        order = np.argsort(compute(runs), kind="stable")
        hidden = int(np.ceil(self.share * len(runs) - LAST_BIT))
        kept = len(runs) - hidden
        name = f"the largest-compute {100 * self.share:g} %"
        return (fold(runs, name, order[:kept], order[kept:]),)
