"""What the command line prints of a plan: the answers in sentences, the numbers, the runs to make
first.
"""

from typing import TYPE_CHECKING, Any

from bayescale import terminal_style as style
from bayescale.terminal_design import print_design
from bayescale.terminal_sensitivity import print_sensitivity

if TYPE_CHECKING:
    from pathlib import Path

    from bayescale.decisions.plans.plan import Plan

_STATISTICS = ("mean", "sd", "q05", "q50", "q95")
_COUNTS = ("n_params", "n_tokens")
_NAMES = {
    "n_params": "best parameters N*",
    "n_tokens": "best tokens D*",
    "tokens_per_param": "D*/N*",
    "loss": "loss of the law there",
    "planned_loss": "loss of the planned run",
    "above_floor": "above the floor",
    "loss_10x": "loss at 10 times the compute",
    "next_factor": "times the budget for 0.01 nats",
}


def plan_as_json(plan: "Plan") -> dict[str, Any]:
    """The plan as programs read it."""
    return plan.to_dict()


def print_plan(plan: "Plan", page: "Path | None") -> None:
    """Sentences first; whoever wants more reads on."""
    console = style.console()
    console.print(
        f"{plan.posterior.runs.name}, {plan.posterior.law.formula}, {plan.compute:.3g} FLOPs\n"
    )
    for sentence in plan.sentences[: None if plan.design is None else -1]:
        console.print(f"- {sentence}")
    table = style.table("", "median", "5 %", "95 %", title="Over the posterior")
    told = plan.summary()
    for name, label in _NAMES.items():
        if name in told.index:
            row: dict[Any, Any] = told.loc[name].to_dict()
            show = style.count if name in _COUNTS else style.number
            table.add_row(label, *(show(row[q]) for q in ("q50", "q05", "q95")))
    console.print()
    console.print(table)
    if plan.design is not None:
        print_design(plan.design)
    if plan.sensitivity is not None:
        print_sensitivity(plan.sensitivity)
    if page is not None:
        console.print(f"\nThe page is {page}.")
