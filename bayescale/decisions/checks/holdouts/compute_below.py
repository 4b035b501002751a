"""Fit small runs alone: the further the hidden ones lie beyond, the harder the test."""

from dataclasses import dataclass

from bayescale.decisions.checks.holdouts.base import LAST_BIT, Fold, compute, fold, require_share
from bayescale.runs import Runs


@dataclass(frozen=True)
class ComputeBelow:
    """Fit the runs below a fraction of the largest compute, and hide the others.

    Parameters
    ----------
    fraction : float
        Of the largest run's compute, between 0 and 1.

    Examples
    --------
    >>> import bayescale as bs
    >>> (hidden,) = bs.ComputeBelow(0.1).split(bs.datasets.simulate(seed=1))
    >>> hidden.name, len(hidden.train), len(hidden.test)
    ('runs from 0.1 of the largest compute', 27, 18)
    """

    fraction: float = 0.1

    def split(self, runs: Runs) -> tuple[Fold, ...]:
        """The one split."""
        require_share("compute_below: fraction", self.fraction)
        flops = compute(runs)
        # Runs of one budget go together, though the last bit of N·D may differ.
        small = flops < self.fraction * flops.max() * (1 - LAST_BIT)
        return (fold(runs, f"runs from {self.fraction:g} of the largest compute", small, ~small),)
