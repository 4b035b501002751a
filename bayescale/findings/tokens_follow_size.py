"""Tokens that follow the size, so that the two exponents cannot be told apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class TokensFollowSize(Rule):
    """Find runs on a line D = k·N.

    Parameters
    ----------
    spread : float
        Most that log(D/N) may range over on a line.
    """

    spread: float = 0.05

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "Tokens grow with the size along one line: a run that has more of one has more of the "
        "other. How loss falls with each is set by the prior; how it falls along the line is "
        "known."
    )
    remedy: ClassVar[str] = (
        "Add runs off this line, or fit a law of compute, such as power_law, along it."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        log_ratio = sweep.log_tokens_per_param
        if log_ratio is not None and np.ptp(log_ratio) < self.spread:
            ratio = np.exp(np.mean(log_ratio))
            yield self.finding(
                sweep,
                f"n_tokens is {ratio:.3g} times n_params in every run; alpha and beta cannot be "
                f"told apart.",
                ratio=ratio,
            )
