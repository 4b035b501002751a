"""Runs that do no better than a uniform guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class UntrainedRuns(Rule):
    """Find a few runs at or above the loss of a uniform guess.

    Parameters
    ----------
    vocabulary : float
        Tokens of the smallest vocabulary in common use.
    highest : float
        Nats; what is higher is no loss of a single token at all.
    """

    vocabulary: float = 14_000
    highest: float = 12.5

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Some runs have the loss of a uniform guess over the vocabulary or more: smoke tests, "
        "diverged runs, or models that have barely begun to learn."
    )
    remedy: ClassVar[str] = "Drop these runs, unless they were trained to the end as the others."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the runs that have not learned, or none."""
        if not sweep.has_loss:
            return
        loss = sweep.column("loss")
        uniform = np.log(self.vocabulary)
        rows = (loss > uniform) & (loss < self.highest)
        if rows.any():
            yield self.finding(
                sweep,
                f"{rows.sum()} of {len(sweep)} runs have a loss above {uniform:.2f} nats, that of "
                f"a uniform guess over {self.vocabulary:,.0f} tokens.",
                rows,
                uniform=uniform,
            )
