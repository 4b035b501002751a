"""The page of a gate: whether the candidate is promoted, and what the decision rests on."""

from typing import TYPE_CHECKING

from rich.text import Text

from bayescale.terminal import style

if TYPE_CHECKING:
    from bayescale.decisions.recipes.gate import Audit

_STYLES = {"promote": "green", "reject": "red", "undecided": "yellow"}


def print_audit(audit: "Audit") -> None:
    """Print the decision, its sentence, and the data and fit behind it."""
    console = style.console()
    console.print(Text(audit.decision, f"bold {_STYLES[audit.decision]}"))
    console.print(audit.sentence)
    console.print()
    groups = ", ".join(f"{count} {name}" for name, count in audit.n_runs.items())
    rows = [
        ("data", f"{audit.data}, runs: {groups}"),
        ("sha256", audit.data_sha256),
        ("fit", f"{audit.law}, {audit.noise}, {audit.method}, seed {audit.seed}"),
        ("date", audit.date),
    ]
    console.print(style.facts(rows))
