"""What the command line prints of a design: the runs in order of worth, and when to stop."""

from typing import TYPE_CHECKING, Any

from bayescale import terminal_style as style

if TYPE_CHECKING:
    from bayescale.decisions.plans.design import Design


def design_as_json(plan: "Design") -> dict[str, Any]:
    """The design as programs read it."""
    return plan.to_dict()


def print_design(plan: "Design") -> None:
    """One row a run."""
    console = style.console()
    headings = "N", "D", "D/N", "FLOPs", "spent", "regret after", "worth of 1e18 FLOPs"
    table = style.table(
        "run",
        *headings,
        title=f"Runs to make after {plan.name}, for a model of {plan.compute:.3g} FLOPs",
    )
    for place, row in plan.summary().iterrows():
        table.add_row(
            str(place),
            style.count(row["n_params"]),
            style.count(row["n_tokens"]),
            style.number(row["n_tokens"] / row["n_params"], 3),
            f"{row['flops']:.2e}",
            f"{row['cumulative_flops']:.2e}",
            style.number(row["regret_after"], 3),
            f"{row['worth_per_flop'] * 1e18:.1e}",
        )
    console.print(table)
    console.print(" ".join(plan.sentences))
    console.print(
        "Regret and worth are in nats per token at the target; each run is judged with those above "
        "it known.",
        style="dim",
    )
