"""Runs that do no better than a uniform guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule

VOCABULARY = 14_000
"""Tokens of the smallest vocabulary in common use."""

HIGHEST = 12.5
"""Nats; what is higher is no loss of a single token at all."""


def are_untrained(
    sweep: Sweep, vocabulary: float = VOCABULARY, highest: float = HIGHEST
) -> np.ndarray:
    """Return a mask of the runs at or above the loss of a uniform guess, shape (runs,)."""
    loss = sweep.column("loss")
    return np.asarray((loss > np.log(vocabulary)) & (loss < highest))


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

    vocabulary: float = VOCABULARY
    highest: float = HIGHEST

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
        uniform = np.log(self.vocabulary)
        rows = are_untrained(sweep, self.vocabulary, self.highest)
        if rows.any():
            verb = "has" if rows.sum() == 1 else "have"
            yield self.finding(
                sweep,
                f"{rows.sum()} of {len(sweep)} runs {verb} a loss above {uniform:.2f} nats, that "
                f"of a uniform guess over {self.vocabulary:,.0f} tokens.",
                rows,
                uniform=uniform,
            )
