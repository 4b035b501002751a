"""The page of a check: what was found about a table of runs, and what to do."""

from typing import TYPE_CHECKING

from bayescale.findings.base import SEVERITIES
from bayescale.terminal import style
from bayescale.terminal.verdicts import print_findings

if TYPE_CHECKING:
    from bayescale.decisions.checks.check import Check

_HEADINGS = {
    "refused": "Refused: a fit would not answer",
    "doubtful": "Doubtful: a fit would answer, and say this beside it",
    "note": "Notes",
}


def print_check(check: "Check") -> None:
    """Print the findings, the gravest first, or that there are none."""
    console = style.console()
    console.print(f"{check.name}, {check.n_runs:,} runs")
    if not check.findings:
        console.print("Nothing is wrong with these runs.", style="green")
    for severity in SEVERITIES:
        found = [finding for finding in check.findings if finding.severity == severity]
        if found:
            console.print(f"{_HEADINGS[severity]}:", style="bold")
            print_findings(console, found, check.n_runs)
