"""Losses that are unlike those of language models of the same N and D."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import NOTE, Finding, Rule

# Besiroglu et al. 2024, table 1, of the runs of Hoffmann et al. 2022.
_E, _A, _B, _ALPHA, _BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658


@dataclass(frozen=True)
class UnusualScale(Rule):
    """Find losses far from those of Chinchilla's runs at the same N and D.

    Parameters
    ----------
    least, most : float
        Median ratio to the loss that the published law gives.
    """

    least: float = 0.4
    most: float = 1.4

    severity: ClassVar[str] = NOTE
    meaning: ClassVar[str] = (
        "At the same N and D a language model of general text has quite another loss. Right for "
        "bytes, code, simple text or tiny models; but units of N or D that are off by a thousand "
        "look the same."
    )
    remedy: ClassVar[str] = "Check that N and D are counts, and not thousands or millions."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if not (sweep.has_loss and sweep.has("n_params", "n_tokens")):
            return
        of_size = _A / sweep.column("n_params") ** _ALPHA
        of_tokens = _B / sweep.column("n_tokens") ** _BETA
        ratio = float(np.median(sweep.column("loss") / (_E + of_size + of_tokens)))
        if self.least <= ratio <= self.most:
            return
        yield self.finding(
            sweep,
            f"The losses are {ratio:.2g} times those of language models of general text with as "
            f"many parameters and tokens (median).",
            ratio=ratio,
        )
