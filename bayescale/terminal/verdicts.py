"""The part of a page that says what speaks against an answer: data, model and sampling."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding

from bayescale.findings.base import DOUBTFUL, NOTE, REFUSED

if TYPE_CHECKING:
    from bayescale.findings.base import Finding
    from bayescale.posterior.posterior import Posterior

_COLOURS = {REFUSED: "red", DOUBTFUL: "yellow", NOTE: "dim"}
_INDENT = (0, 0, 0, 2)


def print_verdicts(console: Console, posterior: "Posterior", diagnostics: str) -> None:
    """Print three verdicts, each with its findings; in green only where all three are good.

    Parameters
    ----------
    console : Console
    posterior : Posterior
    diagnostics : str
        Figures of the sampling, as text.
    """
    verdicts = posterior.verdicts
    good = "green" if verdicts.is_good else ""
    n_runs = len(posterior.runs)
    text = "good." if verdicts.data_is_good else "doubtful."
    console.print(f"Data: {text}", style=good if verdicts.data_is_good else "yellow")
    print_findings(console, verdicts.data, n_runs)
    text = "good." if verdicts.model_is_good else "doubtful; it does not describe these runs."
    console.print(f"Model: {text}", style=good if verdicts.model_is_good else "yellow")
    print_findings(console, verdicts.model, n_runs)
    text = "good" if verdicts.sampling_is_good else "do not trust this fit as it is"
    colour = good if verdicts.sampling_is_good else "red"
    console.print(f"Sampling: {diagnostics}: {text}.", style=colour)
    for problem in posterior.problems:
        console.print(Padding(str(problem), _INDENT), style="red")
    console.print()


def print_findings(console: Console, findings: "Sequence[Finding]", n_runs: int) -> None:
    """Print each finding with its remedy and its runs, in the colour of its severity."""
    for finding in findings:
        rows = finding.rows_in_words(n_runs)
        plural = "run" if len(finding.rows) == 1 else "runs"
        text = f"{finding.code}: {finding} ({plural}: {rows})"
        console.print(Padding(text, _INDENT), style=_COLOURS[finding.severity])
