"""The page of a design: the runs in order, what they leave to be known, and when to stop."""

from typing import TYPE_CHECKING

from bayescale.terminal import style
from bayescale.units import count, number

if TYPE_CHECKING:
    from bayescale.decisions.plans.design import Design

_HEADINGS = (
    "run",
    "N",
    "D",
    "D/N",
    "FLOPs",
    "FLOPs so far",
    "loss left",
    "N* left",
    "regret after",
)


def print_design(design: "Design") -> None:
    """Print a line for each run."""
    console = style.console()
    title = f"Runs to make after {design.name}, for a model of {design.compute:.3g} FLOPs"
    table = style.table(_HEADINGS, title=title)
    for run, row in design.summary().iterrows():
        table.add_row(
            str(run),
            count(row["n_params"]),
            count(row["n_tokens"]),
            number(row["n_tokens"] / row["n_params"], 3),
            f"{row['flops']:.2e}",
            f"{row['cumulative_flops']:.2e}",
            f"{row['loss_left']:.0%}",
            f"{row['n_params_left']:.0%}",
            number(row["regret_after"], 3),
        )
    style.print_table(console, table)
    console.print(" ".join(design.sentences))
    console.print(
        f"Left is the width of an interval at the target, as a share of what it is now; regret is "
        f"in {design.loss_unit} there. Each run is judged as if the runs above it were known.",
        style="dim",
    )
