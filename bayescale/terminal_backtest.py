"""What the command line prints of a backtest: what the intervals held, how far off the forecasts
were, and each hidden run.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from scipy.stats import binom

from bayescale import terminal_style as style
from bayescale._internal.discovery import describe

if TYPE_CHECKING:
    import pandas as pd

    from bayescale.decisions.checks.backtest import Backtest

_SHARES = (50, 80, 90, 95)
_SCORES = {
    "crps": ("CRPS", "{:.5f}"),
    "log_score": ("log score", "{:.3f}"),
    "rmsle": ("RMSLE of the median", "{:.5f}"),
    "bias": ("bias of the median", "{:+.5f}"),
}
_MOST_RUNS = 24
_CHANCE = 0.9


def backtest_as_json(tested: "Backtest") -> dict[str, Any]:
    """The backtest as programs read it."""
    return tested.to_dict()


def print_backtest(tested: "Backtest") -> None:
    """The scores beside today's practice, folds or hidden runs one by one, and what to make of it."""
    console = style.console()
    posterior = next(iter(tested.posteriors.values()))
    ours = tested.frame[tested.frame["model"] == tested.model]
    console.print(
        style.facts(
            [
                ("data", f"{tested.runs.name}, {len(tested.runs):,} runs"),
                ("law", posterior.law.formula),
                ("noise", posterior.noise.formula),
                ("method", f"{describe(posterior.method)}, seed {posterior.method.seed}"),
                ("hidden", _hidden(tested, ours)),
            ]
        )
    )
    console.print(_scores(tested))
    console.print()
    console.print(_verdict(ours))
    console.print(
        "CRPS, RMSLE and bias are in log loss: 0.01 is one per cent of the loss. Of log scores the "
        "larger is better."
    )
    console.print()
    console.print(_runs(ours) if len(tested.posteriors) == 1 else _folds(tested))
    if len(tested.posteriors) == 1 and len(ours) > _MOST_RUNS:
        console.print(
            f"The dearest {_MOST_RUNS} of {len(ours):,} hidden runs; all are in the frame of "
            f"bs.backtest in Python."
        )
    for problem in tested.problems:
        console.print(Padding(str(problem), (0, 0, 0, 2)), style="red")


def _hidden(tested: "Backtest", ours: "pd.DataFrame") -> str:
    names = list(tested.posteriors)
    if len(names) == 1:
        fitted = len(tested.posteriors[names[0]].runs)
        return f"{names[0]}: {len(ours):,} runs, forecast from the other {fitted:,}"
    return f"{len(ours):,} runs in {len(names)} folds, each forecast by a fit of its own"


def _scores(tested: "Backtest") -> Table:
    summary = tested.summary()
    table = style.table("", tested.model, "today's practice: " + summary.index[1])
    for share in _SHARES:
        held = summary[f"coverage{share}"]
        table.add_row(f"{share} % intervals hold", *(_percent(value) for value in held))
    for name, (label, form) in _SCORES.items():
        table.add_row(
            label, *(form.format(value) if np.isfinite(value) else "-" for value in summary[name])
        )
    return table


def _verdict(ours: "pd.DataFrame") -> Text:
    """Whether chance alone explains what the 90 % intervals held."""
    count, held = len(ours), int(ours["covered90"].sum())
    low, high = (int(edge) for edge in binom.interval(_CHANCE, count, 0.9))
    said = f"The 90 % intervals hold {held:,} of {count:,} hidden runs; were they right and the runs independent, "
    said += f"{low:,} to {high:,} would be no surprise"
    if held < low:
        return Text(f"{said}: they are too narrow.", "red")
    if held > high:
        return Text(f"{said}: they are too wide.", "yellow")
    return Text(f"{said}.", "green")


def _runs(ours: "pd.DataFrame") -> Table:
    known = [name for name in ("n_params", "n_tokens") if name in ours]
    heading = {"n_params": "N", "n_tokens": "D"}
    table = style.table(
        "run",
        *(heading[name] for name in known),
        "FLOPs",
        "decades",
        "loss",
        "median",
        "90 % interval",
        "",
        left=("",),
    )
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
    for row in ours.sort_values("compute").tail(_MOST_RUNS).to_dict("records"):
        side = "" if row["covered90"] else ("above" if row["loss"] > row["q95"] else "below")
        table.add_row(
            str(row["run_id"]),
            *(style.count(row[name]) for name in known),
            f"{row['compute']:.1e}",
            f"{row['decades']:+.1f}",
            style.number(row["loss"]),
            style.number(row["q50"]),
            f"{style.number(row['q05'])} – {style.number(row['q95'])}",
            Text(side, "red"),
        )
    return table


def _folds(tested: "Backtest") -> Table:
    table = style.table("hidden", "fitted", "runs", "50 %", "90 %", "CRPS", "bias", "CRPS, today's")
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
    for name, fold in tested.frame.groupby("fold", sort=False):
        ours, todays = (rows for _, rows in fold.groupby(fold["model"] != tested.model))
        bias = np.log(ours["q50"] / ours["loss"]).mean()
        table.add_row(
            str(name),
            f"{ours['n_train'].iloc[0]:,}",
            f"{len(ours):,}",
            *(_percent(ours[column].mean()) for column in ("covered50", "covered90")),
            f"{ours['crps'].mean():.5f}",
            f"{bias:+.5f}",
            f"{todays['crps'].mean():.5f}",
        )
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
