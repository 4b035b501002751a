"""What the command line prints of a sensitivity: each answer, where other assumptions take it, and
which takes it furthest.
"""

from typing import TYPE_CHECKING, Any

from bayescale import terminal_style as style

if TYPE_CHECKING:
    from bayescale.decisions.checks.sensitivity import Sensitivity

_NAMES = {
    "alpha": "α",
    "beta": "β",
    "a": "a",
    "n_params": "N*",
    "n_tokens": "D*",
    "loss": "loss",
}
_COUNTS = ("n_params", "n_tokens")


def sensitivity_as_json(found: "Sensitivity") -> dict[str, Any]:
    """The sensitivity as programs read it."""
    return found.to_dict()


def print_sensitivity(found: "Sensitivity") -> None:
    """One row a quantity, and how to read it."""
    console = style.console()
    title = f"Other likelihoods, laws and runs, at {style.number(found.compute, 3)} FLOPs"
    headings = "median", "90 % interval", "others", "shift", "furthest by"
    table = style.table("", *headings, left=headings[-1:], title=title)
    for quantity, row in found.summary().iterrows():
        number = style.count if quantity in _COUNTS else style.number
        interval = f"{number(row['q05'])} to {number(row['q95'])}"
        others = f"{number(row['lowest'])} to {number(row['highest'])}"
        shift = f"{row['largest_shift']:+.1f}"
        table.add_row(
            _NAMES[str(quantity)], number(row["q50"]), interval, others, shift, str(row["variant"])
        )
    console.print(table)
    told = (
        "a = β/(α + β). Others: the least and the greatest median. Shift: in standard deviations "
        "of the posterior; beyond 2, "
        "what is assumed matters more than the interval says."
    )
    console.print(told, style="dim")
    for problem in found.problems:
        console.print(str(problem), style="yellow")
