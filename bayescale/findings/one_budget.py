"""One compute budget says nothing about how loss falls with compute."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class OneBudget(Rule):
    """Find a sweep of one budget."""

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "All runs cost the same compute. They show which size is best at this budget, and nothing "
        "about more compute."
    )
    remedy: ClassVar[str] = (
        "Read the best size at this budget and no further; for a plan, repeat the sweep at two or "
        "more other budgets."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if not sweep.has_loss or sweep.compute is None or len(sweep) < 2 or not sweep.is_one_budget:
            return
        budget = float(np.exp(np.log(sweep.compute).mean()))
        yield self.finding(
            sweep,
            f"All {len(sweep)} runs have one budget, {budget:.2g} FLOPs; a loss at another is the "
            f"prior's.",
            budget=budget,
        )
