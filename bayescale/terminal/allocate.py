"""The page of an allocation: one table for all budgets, or one for each where there are bounds."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bayescale.decisions.plans.bounds import AMOUNTS, COSTS, TARGET_LOSS
from bayescale.posterior.extrapolation import Extrapolation
from bayescale.terminal import style
from bayescale.units import count, in_loss_unit, number

if TYPE_CHECKING:
    import pandas as pd

    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.posterior.posterior import Posterior

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


def print_allocation(posterior: "Posterior", plans: "Allocation") -> None:
    """Print the plans, headed by the name of the runs and the law."""
    console = style.console()
    console.print(f"{posterior.runs.name}, {posterior.law.formula}")
    if plans.is_plain:
        style.print_table(console, plan_table(posterior, plans))
        print_extrapolations(console, posterior, plans)
        print_notes(console, plans)
        return
    for budget, statistics in _by_budget(plans):
        console.print()
        style.print_table(console, _bounded_table(plans, budget, statistics))
        _print_feasible(console, plans.over, statistics)
        _print_binding(console, plans.binding_shares(budget))
    print_extrapolations(console, posterior, plans)
    print_notes(console, plans)


def print_notes(console: Console, plans: "Allocation") -> None:
    """Print what a reader of the plans must know."""
    for note in plans.notes:
        console.print(note, style="yellow")


def extrapolations(posterior: "Posterior", plans: "Allocation") -> dict[float, Extrapolation]:
    """Return how far the median plan of each budget lies beyond the runs."""
    found = {}
    for budget, statistics in _by_budget(plans):
        medians = statistics["q50"]
        at = {name: float(medians[name]) for name in ("n_params", "n_tokens")}
        found[budget] = Extrapolation.of(posterior, at)
    return found


def print_extrapolations(console: Console, posterior: "Posterior", plans: "Allocation") -> None:
    """Say of each budget how far its plan lies beyond the runs; nothing of plans among them."""
    for budget, place in extrapolations(posterior, plans).items():
        if place.sentence:
            style_of_line = "bold red" if place.is_far else "yellow" if place.is_outside else ""
            console.print(f"At {budget:.3g}: {place.sentence}", style=style_of_line)


def plan_table(posterior: "Posterior", plans: "Allocation") -> Table:
    """Return a table with a line for each budget, and its interval below."""
    point = len(plans.arrays["loss"]) == 1
    content = " of a point fit" if point else ": median, and 90 % interval"
    names = [_label(name, plans) for name in _UNBOUNDED]
    table = style.table(["compute, FLOPs", *names], title=f"Compute-optimal plans{content}")
    places = extrapolations(posterior, plans)
    for budget, statistics in _by_budget(plans):
        medians, intervals = [f"{budget:.3g}"], [""]
        for name in _UNBOUNDED:
            low, median, high = _quantiles(name, statistics)
            medians.append(median)
            intervals.append(f"{low} – {high}")
        style.add_row(table, medians, "red" if places[budget].is_far else None)
        if not point:
            style.add_row(table, intervals, "dim")
    return table


def _by_budget(plans: "Allocation") -> Iterator[tuple[float, "pd.DataFrame"]]:
    """Yield each budget with the statistics of its quantities, indexed by quantity."""
    for _, rows in plans.frame.groupby(plans.over, sort=False):
        yield float(rows[plans.over].iloc[0]), rows.set_index("quantity")


def _bounded_table(plans: "Allocation", budget: float, statistics: "pd.DataFrame") -> Table:
    title = AMOUNTS[plans.over].title.format(budget)
    quantities = [name for name in _NAMES if name in statistics.index]
    if len(plans.arrays["loss"]) == 1:
        table = style.table(["", "point fit"], title=title)
        for name in quantities:
            _, value, _ = _quantiles(name, statistics)
            table.add_row(_label(name, plans), value)
        return table
    table = style.table(["", "median", "5 %", "95 %"], title=title)
    for name in quantities:
        low, median, high = _quantiles(name, statistics)
        # A quantity on which all draws agree needs no interval.
        if low == high:
            table.add_row(_label(name, plans), median, "", "")
        else:
            table.add_row(_label(name, plans), median, low, high)
    return table


def _label(name: str, plans: "Allocation") -> str:
    return in_loss_unit(_NAMES[name], plans.loss_unit)


def _print_feasible(console: Console, over: str, statistics: "pd.DataFrame") -> None:
    """Print the share of draws that have no plan, where some have none."""
    if "feasible" not in statistics.index:
        return
    feasible = statistics["mean"]["feasible"]
    lacking = "reaches this loss" if over == TARGET_LOSS.name else "can be trained and serve"
    if feasible < 1:
        console.print(
            f"In {1 - feasible:.0%} of the draws no plan within the bounds {lacking}. The table "
            f"is of the other draws.",
            style="yellow",
        )


def _print_binding(console: Console, shares: Mapping[str, float]) -> None:
    """Print which bounds limit the plan, and in what share of the draws."""
    binding, slack = [], []
    for name, share in shares.items():
        if share > 0:
            binding.append(f"{name} in {share:.0%}")
        else:
            slack.append(name)
    if binding:
        console.print(f"Bounds that limit the plan, by share of draws: {', '.join(binding)}.")
    if slack:
        console.print(f"Bounds that never limit the plan: {', '.join(slack)}.", style="dim")


def _quantiles(name: str, statistics: "pd.DataFrame") -> tuple[str, str, str]:
    """Return the 5 %, 50 % and 95 % quantiles of a quantity, as text."""
    low = _text(name, statistics["q05"][name])
    median = _text(name, statistics["q50"][name])
    high = _text(name, statistics["q95"][name])
    return low, median, high


def _text(name: str, value: float) -> str:
    if name in _COUNTS:
        return count(value)
    return number(value, 4 if name == "loss" else 3)
