"""The page of two recipes: what the candidate is worth, with intervals."""

import math
from typing import TYPE_CHECKING

from bayescale.terminal import style
from bayescale.units import in_loss_unit, number, percentage

if TYPE_CHECKING:
    from bayescale.decisions.recipes.recipes import Recipes

_NAMES = {
    "n_params_multiplier": "a parameter is worth",
    "n_tokens_multiplier": "a token is worth",
    "floor_ratio": "floor, over the base's",
    "compute_multiplier": "a FLOP is worth",
    "gain": "gain, nats",
}


def print_recipes(comparison: "Recipes") -> None:
    """Print a line for each quantity, and the verdict."""
    console = style.console()
    headings = ["", "at FLOPs", "median", "90 % interval", "better"]
    title = f"{comparison.candidate} in units of {comparison.base}"
    table = style.table(headings, title=title)
    for row in comparison.frame.to_dict("records"):
        compute = "" if math.isnan(row["compute"]) else f"{row['compute']:.2e}"
        median = number(row["q50"], 3)
        interval = f"{number(row['q05'], 3)} to {number(row['q95'], 3)}"
        name = in_loss_unit(_NAMES[row["quantity"]], comparison.runs.loss_unit)
        table.add_row(name, compute, median, interval, percentage(row["better"]))
    style.print_table(console, table)
    console.print(
        "Better: the probability that the quantity speaks for the candidate. FLOPs are 6·N·D, with "
        "each recipe at its own best split.",
        style="dim",
    )
    console.print(" ".join(comparison.sentences))
    for problem in comparison.problems:
        console.print(str(problem), style="red")
