"""Two values of an input say little about how loss falls with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule

_EXPONENTS = {"n_params": "alpha", "n_tokens": "beta", "flops": "the exponent"}


@dataclass(frozen=True)
class TwoValues(Rule):
    """Find an input that takes two values."""

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "The runs have only two sizes, or two numbers of tokens, or two budgets. A floor and a "
        "power have three constants, so the prior decides what two values leave open."
    )
    remedy: ClassVar[str] = "Add runs at other values: three at least, over a factor of ten."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of each input that takes two values."""
        if not sweep.has_loss:
            return
        for name, exponent in _EXPONENTS.items():
            if sweep.has(name) and len(np.unique(sweep.column(name))) == 2:
                yield self.finding(
                    sweep,
                    f"{name} takes only two values; {exponent} is set by its prior as much as by "
                    f"the runs.",
                )
