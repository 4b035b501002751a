"""Rows that are there twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class RepeatedRows(Rule):
    """Find rows that are equal in all columns."""

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Rows are equal in every column, to the last digit of the loss: one run that was written "
        "twice and would count twice."
    )
    remedy: ClassVar[str] = "Drop all but the first of them."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the rows after the first of their kind, or none."""
        again = sweep.frame.duplicated().to_numpy()
        if again.any():
            yield self.finding(
                sweep, f"{again.sum()} of {len(sweep)} rows repeat another in all columns.", again
            )
