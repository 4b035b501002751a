"""The page of a design: the runs in order of worth, and when to stop."""

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
    "regret after",
    "worth of 1e18 FLOPs",
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
            number(row["regret_after"], 3),
            f"{row['worth_per_flop'] * 1e18:.1e}",
        )
    style.print_table(console, table)
    console.print(" ".join(design.sentences))
    console.print(
        f"Regret and worth are in {design.loss_unit} at the target. Each run is judged as if the "
        f"runs above it were known.",
        style="dim",
    )
