"""What the command line prints of two recipes: multipliers with intervals, and whether the
candidate is promoted.
"""

import math
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bayescale import terminal_style as style

if TYPE_CHECKING:
    from bayescale.decisions.recipes.gate import Audit
    from bayescale.decisions.recipes.recipes import Recipes

_NAMES = {
    "n_params_multiplier": "a parameter is worth",
    "n_tokens_multiplier": "a token is worth",
    "floor_ratio": "floor, over the base's",
    "compute_multiplier": "a FLOP is worth",
    "gain": "gain, nats",
}
_STYLES = {"promote": "green", "reject": "red", "undecided": "yellow"}


def recipes_as_json(found: "Recipes") -> dict[str, Any]:
    """The comparison as programs read it."""
    return found.to_dict()


def print_recipes(found: "Recipes") -> None:
    """One row a quantity."""
    console = style.console()
    table = style.table(
        "",
        "at FLOPs",
        "median",
        "90 % interval",
        "better",
        title=f"{found.candidate} in units of {found.base}",
    )
    for row in found.frame.to_dict("records"):
        at = "" if math.isnan(row["compute"]) else f"{row['compute']:.2e}"
        low, median, high = (
            style.number(row[q], 3) if math.isfinite(row[q]) else "∞" for q in ("q05", "q50", "q95")
        )
        table.add_row(
            _NAMES[row["quantity"]], at, median, f"{low} to {high}", f"{100 * row['better']:.0f} %"
        )
    console.print(table)
    told = "Better: the probability that it speaks for the candidate. FLOPs are 6·N·D, each recipe at its own best split."
    console.print(told, style="dim")
    console.print(" ".join(found.sentences))
    for problem in found.problems:
        console.print(str(problem), style="red")


def print_audit(audit: "Audit") -> None:
    """The decision and its sentence, and what they rest on."""
    console = style.console()
    console.print(Text(audit.decision, f"bold {_STYLES[audit.decision]}"))
    console.print(audit.sentence)
    console.print()
    rows = [
        (
            "data",
            f"{audit.data}, runs: "
            f"{', '.join(f'{count} {name}' for name, count in audit.n_runs.items())}",
        ),
        ("sha256", audit.data_sha256),
        ("fit", f"{audit.law}, {audit.noise}, {audit.method}, seed {audit.seed}"),
        ("date", audit.date),
    ]
    console.print(style.facts(rows))
