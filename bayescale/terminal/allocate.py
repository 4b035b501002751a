"""The page of an allocation: one table for all budgets, or one for each where bounds are given."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bayescale.decisions.plans.bounds import AMOUNTS, COSTS, TARGET_LOSS
from bayescale.terminal import style

if TYPE_CHECKING:
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.posterior.posterior import Posterior

_QUANTILES = ("q05", "q50", "q95")
_UNBOUNDED = ("n_params", "n_tokens", "tokens_per_param", "loss")
_NAMES = {
    "n_params": "parameters N*",
    "n_tokens": "tokens D*",
    "tokens_per_param": "D*/N*",
    "epochs": "epochs, D*/unique tokens",
    "loss": "loss, nats per token",
    "serve_flops": "serving, FLOPs",
    **{cost.quantity: cost.label for cost in COSTS},
}
_COUNTS = ("n_params", "n_tokens", "tokens_per_param")
# The statistics of each quantity, by name.
_Statistics = Mapping[str, Mapping[Any, Any]]


def print_allocation(posterior: "Posterior", plans: "Allocation") -> None:
    """Print the plans, headed by the name of the runs and the law."""
    console = style.console()
    console.print(f"{posterior.runs.name}, {posterior.law.formula}")
    if set(plans.draws.data_vars) == set(_UNBOUNDED):
        style.print_table(console, plan_table(posterior, plans))
        return
    for budget, statistics in _by_budget(plans):
        console.print()
        style.print_table(console, _bounded_table(plans, budget, statistics))
        _print_feasible(console, plans.over, statistics)
        _print_binding(console, plans.binding_shares(budget))


def plan_table(posterior: "Posterior", plans: "Allocation") -> Table:
    """Return a table with a line for each budget, and its interval below."""
    point = posterior.n_draws == 1
    content = " of a point fit" if point else ": median, and 90 % interval"
    table = style.table(
        "compute, FLOPs",
        *(_NAMES[name] for name in _UNBOUNDED),
        title=f"Compute-optimal plans{content}",
    )
    for budget, statistics in _by_budget(plans):
        quantiles = [_quantiles(name, statistics) for name in _UNBOUNDED]
        table.add_row(f"{budget:.3g}", *(median for _, median, _ in quantiles))
        if not point:
            intervals = [f"{low} – {high}" for low, _, high in quantiles]
            table.add_row("", *intervals, style="dim")
    return table


def _by_budget(plans: "Allocation") -> Iterator[tuple[float, _Statistics]]:
    """Yield each budget with the statistics of its quantities."""
    for _, rows in plans.frame.groupby(plans.over, sort=False):
        records = rows.to_dict("records")
        yield records[0][plans.over], {record["quantity"]: record for record in records}


def _bounded_table(plans: "Allocation", budget: float, statistics: _Statistics) -> Table:
    title = AMOUNTS[plans.over].title.format(budget)
    quantities = [name for name in _NAMES if name in statistics]
    if plans.draws.sizes["draw"] == 1:
        table = style.table("", "point fit", title=title)
        for name in quantities:
            _, value, _ = _quantiles(name, statistics)
            table.add_row(_NAMES[name], value)
        return table
    table = style.table("", "median", "5 %", "95 %", title=title)
    for name in quantities:
        low, median, high = _quantiles(name, statistics)
        # A quantity on which all draws agree needs no interval.
        interval = ("", "") if low == high else (low, high)
        table.add_row(_NAMES[name], median, *interval)
    return table


def _print_feasible(console: Console, over: str, statistics: _Statistics) -> None:
    """Print the share of draws that have no plan, where some have none."""
    if "feasible" not in statistics:
        return
    feasible = statistics["feasible"]["mean"]
    lacking = "reaches this loss" if over == TARGET_LOSS.name else "can be trained and serve"
    if feasible < 1:
        console.print(
            f"In {1 - feasible:.0%} of the draws no plan within the bounds {lacking}. The table "
            f"is of the other draws.",
            style="yellow",
        )


def _print_binding(console: Console, shares: Mapping[str, float]) -> None:
    """Print which bounds limit the plan, and in what share of the draws."""
    binding = [f"{name} in {share:.0%}" for name, share in shares.items() if share > 0]
    slack = [name for name, share in shares.items() if share == 0]
    if binding:
        console.print(f"Bounds that limit the plan, by share of draws: {', '.join(binding)}.")
    if slack:
        console.print(f"Bounds that never limit the plan: {', '.join(slack)}.", style="dim")


def _quantiles(name: str, statistics: _Statistics) -> list[str]:
    """Return the 5 %, 50 % and 95 % quantiles of a quantity, as text."""
    return [_text(name, statistics[name][quantile]) for quantile in _QUANTILES]


def _text(name: str, value: float) -> str:
    if name in _COUNTS:
        return style.count(value)
    return style.number(value, 4 if name == "loss" else 3)
