"""The page of an allocation's backtest: scores, then each hidden budget."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayescale._internal.discovery import describe
from bayescale.decisions.checks.allocations.truth import COUNTS
from bayescale.terminal import style
from bayescale.units import count, percentage

if TYPE_CHECKING:
    from bayescale.decisions.checks.backtest_allocation import AllocationBacktest

_SCORES: dict[str, tuple[str, Callable[[float], str]]] = {
    "coverage50": ("50 %", percentage),
    "coverage90": ("90 %", percentage),
    "width": ("width", "{:.2f}".format),
    "bias": ("bias", "{:+.2f}".format),
    "crps": ("CRPS", "{:.3f}".format),
    "regret": ("regret", "{:.4f}".format),
    "n_budgets": ("budgets", str),
}


def print_backtest_allocation(backtest: "AllocationBacktest") -> None:
    """Print the scores beside Hoffmann's approaches, and each hidden budget."""
    console = style.console()
    console.print(_heading(backtest))
    style.print_table(console, _score_table(backtest))
    console.print()
    console.print(
        "Shares are of the hidden optima that an interval holds. Width of the 90 % interval, bias "
        "of the median and CRPS are in decades of N: 0.30 is a factor of two. Regret is in nats."
    )
    console.print()
    style.print_table(console, _budget_table(backtest))
    for complaint in backtest.lacking:
        console.print(Padding(str(complaint), (0, 0, 0, 2)), style="yellow")
    for problem in backtest.problems:
        console.print(Padding(str(problem), (0, 0, 0, 2)), style="red")


def _heading(backtest: "AllocationBacktest") -> Table:
    posterior = next(iter(backtest.posteriors.values()))
    counting = int((backtest.optima["status"] == COUNTS).sum())
    return style.facts(
        [
            ("data", f"{backtest.runs.name}, {len(backtest.runs):,} runs"),
            ("law", posterior.law.formula),
            ("noise", posterior.noise.formula),
            ("method", f"{describe(posterior.method)}, seed {posterior.method.seed}"),
            ("budgets", f"{len(backtest.optima)}, of which {counting} show their optimum"),
            ("hidden", "; ".join(backtest.posteriors)),
        ]
    )


def _score_table(backtest: "AllocationBacktest") -> Table:
    summary = backtest.summary()
    cells = pd.DataFrame({"": summary.index})
    for name, (heading, as_text) in _SCORES.items():
        cells[heading] = summary[name].map(as_text).to_numpy()
    return style.table_of(cells)


def _budget_table(backtest: "AllocationBacktest") -> Table:
    """Return a line for each hidden budget of each cut, of the model alone."""
    rows = backtest.frame[backtest.frame["model"] == backtest.model]
    cells = pd.DataFrame({"budget": rows["compute"].map("{:.1e}".format)})
    cells["times"] = rows["times"].map("{:,.1f}".format)
    cells["fitted"] = rows["n_train"].map("{:,}".format)
    cells["N*"] = rows["n_params"].map(count)
    cells["± decades"] = rows["se"].map("{:.3f}".format)
    cells["median"] = rows["q50"].map(count)
    cells["90 % interval"] = rows["q05"].map(count) + " – " + rows["q95"].map(count)
    side = np.where(rows["error"] < 0, "above", "below")
    outside = pd.Series(np.where(rows["covered90"], "", side), index=rows.index)
    cells[""] = outside.map(partial(Text, style="red"))
    return style.table_of(cells, left=[""])
