"""What the command line prints of plans: short where compute alone bounds them, otherwise what they
spend and what binds.
"""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from bayescale import terminal_style as style

if TYPE_CHECKING:
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.posterior.posterior import Posterior

_STATISTICS = ("mean", "sd", "q05", "q50", "q95")
_QUANTILES = ("q05", "q50", "q95")
_SHORT = ("n_params", "n_tokens", "tokens_per_param", "loss")
_NAMES = {
    "n_params": "parameters N*",
    "n_tokens": "tokens D*",
    "tokens_per_param": "D*/N*",
    "epochs": "epochs, D*/unique tokens",
    "loss": "loss, nats per token",
    "train_flops": "training, FLOPs",
    "serve_flops": "serving, FLOPs",
    "lifetime_flops": "both, FLOPs",
    "total_cost": "cost",
    "days": "days of training",
}
_COUNTS = ("n_params", "n_tokens", "tokens_per_param")
_BUDGETS = {
    "compute": "Best plan for {:.3g} FLOPs of training",
    "lifetime_compute": "Best plan for {:.3g} FLOPs, serving included",
    "cost": "Best plan for a cost of {:,.4g}",
    "target_loss": "Cheapest plan for a loss of {:.4g}",
}


def allocation_as_json(plans: "Allocation") -> list[dict[str, Any]]:
    """One object a budget, as programs read it."""
    return plans.records()


def print_allocation(posterior: "Posterior", plans: "Allocation") -> None:
    """The plans, under the name of what was fitted."""
    console = style.console()
    console.print(f"{posterior.runs.name}, {posterior.law.formula}")
    if not _bounded(plans):
        console.print(plan_table(posterior, plans))
        return
    for plan in allocation_as_json(plans):
        console.print()
        console.print(_full_table(plans, plan))
        feasible = plan.get("feasible", {"mean": 1.0})["mean"]
        if feasible < 1:
            console.print(
                f"{1 - feasible:.0%} of the draws reach this loss by no plan within the bounds; "
                f"the others are told above.",
                style="yellow",
            )
        told = [f"{name} in {share:.0%}" for name, share in plan["binding"].items() if share > 0]
        idle = [name for name, share in plan["binding"].items() if share == 0]
        if told:
            console.print(f"What binds, in shares of the draws: {', '.join(told)}.")
        if idle:
            console.print(f"Never in the way: {', '.join(idle)}.", style="dim")


def plan_table(posterior: "Posterior", plans: "Allocation") -> Table:
    """A line a budget, and its interval below."""
    point = posterior.n_draws == 1
    title = "Compute-optimal plans" + (
        " of a point fit" if point else ": median, and 90 % interval"
    )
    table = style.table("compute, FLOPs", *(_NAMES[name] for name in _SHORT), title=title)
    for plan in allocation_as_json(plans):
        quantiles = [[_text(name, plan[name][q]) for q in _QUANTILES] for name in _SHORT]
        table.add_row(f"{plan['compute']:.3g}", *(middle for _, middle, _ in quantiles))
        if not point:
            table.add_row("", *(f"{low} – {high}" for low, _, high in quantiles), style="dim")
    return table


def _full_table(plans: "Allocation", plan: dict[str, Any]) -> Table:
    title = _BUDGETS[plans.over].format(plan[plans.over])
    quantities = [name for name in _NAMES if name in plan]
    if plans.draws.sizes["draw"] == 1:
        table = style.table("", "point fit", title=title)
        for name in quantities:
            table.add_row(_NAMES[name], _text(name, plan[name]["q50"]))
        return table
    table = style.table("", "median", "5 %", "95 %", title=title)
    for name in quantities:
        low, middle, high = (_text(name, plan[name][q]) for q in _QUANTILES)
        # What every draw agrees on needs no interval.
        table.add_row(_NAMES[name], middle, *(("", "") if low == high else (low, high)))
    return table


def _text(name: str, value: float) -> str:
    return (
        style.count(value) if name in _COUNTS else style.number(value, 4 if name == "loss" else 3)
    )


def _bounded(plans: "Allocation") -> bool:
    return set(plans.draws.data_vars) != set(_SHORT)
