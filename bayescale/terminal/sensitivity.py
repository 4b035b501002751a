"""The page of a sensitivity: each answer, and which other assumptions move it furthest."""

from typing import TYPE_CHECKING

from bayescale.terminal import style
from bayescale.units import count, number

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
_HEADINGS = ("", "median", "90 % interval", "range of medians", "shift", "largest shift by")


def print_sensitivity(sensitivity: "Sensitivity") -> None:
    """Print a line for each quantity, and how to read it."""
    console = style.console()
    compute = number(sensitivity.compute, 3)
    title = f"Other likelihoods, laws and runs, at {compute} FLOPs"
    table = style.table(_HEADINGS, left=_HEADINGS[-1:], title=title)
    for quantity, row in sensitivity.summary().iterrows():
        text = count if quantity in _COUNTS else number
        table.add_row(
            _NAMES[str(quantity)],
            text(row["q50"]),
            f"{text(row['q05'])} to {text(row['q95'])}",
            f"{text(row['lowest'])} to {text(row['highest'])}",
            f"{row['largest_shift']:+.1f}",
            str(row["variant"]),
        )
    style.print_table(console, table)
    console.print(
        "a = β/(α + β). Range of medians: the smallest and the largest of all variants. Shift: the "
        "largest change of the median, in standard deviations of the posterior. Beyond 2, the "
        "assumptions matter more than the interval says.",
        style="dim",
    )
    for problem in sensitivity.problems:
        console.print(str(problem), style="yellow")
