"""Fewer runs than a law of N and D has constants."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class FewRuns(Rule):
    """Find a table with no more runs than the simplest law has constants."""

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "There are no more runs than constants in a floor and a power of each input, so any such "
        "law passes through all of them, and nothing shows how far runs scatter. Priors make up "
        "what the runs do not say."
    )
    remedy: ClassVar[str] = "Add runs, or read the intervals as the prior's."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if not (sweep.has_loss and sweep.inputs):
            return
        constants = 1 + 2 * len(sweep.inputs)
        if len(sweep) <= constants:
            yield self.finding(
                sweep,
                f"{len(sweep)} runs are no more than the {constants} constants of a floor and a "
                f"power of {' and '.join(sweep.inputs)}.",
                constants=constants,
            )
