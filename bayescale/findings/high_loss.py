"""A loss that is too high for a cross-entropy in nats per token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class HighLoss(Rule):
    """Find losses that no model of text has, in nats per token.

    Parameters
    ----------
    highest : float
        The loss of a uniform guess over the largest vocabularies, nats.
    highest_median : float
        The median loss of runs that were trained, nats, of models of this size and more.
    large : float
        Parameters of such models.
    """

    highest: float = 12.5
    highest_median: float = 7.8
    large: float = 1e8

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "The losses are higher than those of a uniform guess, or of any large model that was "
        "trained: perplexities, bits or sums over a document rather than nats per token."
    )
    remedy: ClassVar[str] = (
        "Give nats per token: of a perplexity the natural logarithm, of bits 0.693 times as much."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the runs that are too high, or none."""
        if not sweep.has_loss:
            return
        loss = sweep.column("loss")
        rows = loss > self.highest
        large = sweep.has("n_params") and sweep.column("n_params").min() >= self.large
        median = float(np.median(loss))
        if not rows.any() and large and median > self.highest_median:
            yield self.finding(
                sweep,
                f"Half of the losses are {median:.3g} or more, which no model of this size has "
                f"that was trained: they are in another unit, or the runs had far too few tokens.",
                largest=loss.max(),
            )
        if rows.any():
            yield self.finding(
                sweep,
                f"loss is as large as {loss.max():g}; it should be nats per token, not perplexity "
                f"or bits per document.",
                rows,
                largest=loss.max(),
            )
