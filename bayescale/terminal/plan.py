"""The page of a plan: the answers in sentences, the numbers, the runs to make first."""

from typing import TYPE_CHECKING

from rich.table import Table

from bayescale.posterior.extrapolation import Extrapolation
from bayescale.terminal import style
from bayescale.terminal.design import print_design
from bayescale.terminal.sensitivity import print_sensitivity
from bayescale.units import count, in_loss_unit, number

if TYPE_CHECKING:
    from bayescale.decisions.plans.plan import Plan

_COUNTS = ("n_params", "n_tokens")
_NAMES = {
    "n_params": "best parameters N*",
    "n_tokens": "best tokens D*",
    "tokens_per_param": "D*/N*",
    "loss": "loss of the law there",
    "planned_loss": "loss of the planned run",
    "above_floor": "loss above the floor",
    "loss_10x": "loss at 10 times the compute",
    "next_factor": "budget for 0.01 nats less, times this one",
}


def print_plan(plan: "Plan") -> None:
    """Print the plan: its sentences, its numbers, and the runs to make first."""
    console = style.console()
    runs, law = plan.posterior.runs, plan.posterior.law
    console.print(f"{runs.name}, {law.formula}, {plan.compute:.3g} FLOPs\n")
    # The last sentence is on the runs to make, which the design prints itself.
    sentences = plan.sentences if plan.design is None else plan.sentences[:-1]
    for sentence in sentences:
        console.print(f"- {sentence}")
    place = Extrapolation.of(plan.posterior, {"n_params": plan.n_params, "n_tokens": plan.n_tokens})
    if place.sentence:
        colour = "bold red" if place.is_far else ""
        console.print(f"The plan is {place.sentence}", style=colour)
    console.print()
    style.print_table(console, _quantity_table(plan))
    if plan.design is not None:
        print_design(plan.design)
    if plan.sensitivity is not None:
        print_sensitivity(plan.sensitivity)


def _quantity_table(plan: "Plan") -> Table:
    table = style.table(["", "median", "5 %", "95 %"], title="Quantities over the posterior")
    summary = plan.summary()
    unit = plan.posterior.runs.loss_unit
    for name, label in _NAMES.items():
        if name in summary.index:
            text = count if name in _COUNTS else number
            low = text(summary["q05"][name])
            median = text(summary["q50"][name])
            high = text(summary["q95"][name])
            table.add_row(in_loss_unit(label, unit), median, low, high)
    return table
