"""The page of a backtest: coverage and scores, then each hidden run or each fold."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from scipy.stats import binom

from bayescale._internal.discovery import describe
from bayescale.terminal import style
from bayescale.units import count, number, percentage

if TYPE_CHECKING:
    from bayescale.decisions.checks.backtest import Backtest

_LEVELS = (50, 80, 90, 95)
_SCORES = {
    "crps": ("CRPS", "{:.5f}"),
    "log_score": ("log score", "{:.3f}"),
    "rmsle": ("RMSLE of the median", "{:.5f}"),
    "bias": ("bias of the median", "{:+.5f}"),
}
_COUNTS = {"n_params": "N", "n_tokens": "D"}
_MAX_RUNS = 24
# Counts of covered runs in the central range of this probability are put down to chance.
_CHANCE = 0.9


def print_backtest(backtest: "Backtest") -> None:
    """Print the scores beside today's practice, and each hidden run, or each fold of several."""
    console = style.console()
    model_rows = backtest.frame[backtest.frame["model"] == backtest.model]
    console.print(_heading(backtest, model_rows))
    style.print_table(console, _score_table(backtest))
    console.print()
    console.print(_verdict(model_rows))
    console.print(
        "CRPS, RMSLE and bias are in log loss: 0.01 is one per cent of the loss. A larger log "
        "score is better."
    )
    console.print()
    if len(backtest.posteriors) == 1:
        _print_runs(console, model_rows)
    else:
        style.print_table(console, _fold_table(backtest))
    for problem in backtest.problems:
        console.print(Padding(str(problem), (0, 0, 0, 2)), style="red")


def _heading(backtest: "Backtest", model_rows: pd.DataFrame) -> Table:
    posterior = next(iter(backtest.posteriors.values()))
    return style.facts(
        [
            ("data", f"{backtest.runs.name}, {len(backtest.runs):,} runs"),
            ("law", posterior.law.formula),
            ("noise", posterior.noise.formula),
            ("method", f"{describe(posterior.method)}, seed {posterior.method.seed}"),
            ("hidden", _hidden(backtest, len(model_rows))),
        ]
    )


def _hidden(backtest: "Backtest", n_hidden: int) -> str:
    """Return which runs were hidden, in words."""
    folds = list(backtest.posteriors)
    if len(folds) == 1:
        fitted = len(backtest.posteriors[folds[0]].runs)
        return f"{folds[0]}: {n_hidden:,} runs, forecast from the other {fitted:,}"
    return f"{n_hidden:,} runs in {len(folds)} folds, each forecast by a fit of its own"


def _score_table(backtest: "Backtest") -> Table:
    """Return coverage and scores of the model and of today's practice."""
    summary = backtest.summary()
    table = style.table(["", backtest.model, f"today's practice: {summary.index[1]}"])
    for level in _LEVELS:
        model, baseline = summary[f"coverage{level}"].map(percentage)
        table.add_row(f"coverage of {level} % intervals", model, baseline)
    for name, (label, form) in _SCORES.items():
        scores = summary[name].map(form.format)
        model, baseline = scores.where(np.isfinite(summary[name]), "-")
        table.add_row(label, model, baseline)
    return table


def _verdict(model_rows: pd.DataFrame) -> Text:
    """Return whether chance alone explains how many runs the 90 % intervals cover."""
    n_runs, covered = len(model_rows), int(model_rows["covered90"].sum())
    low, high = np.array(binom.interval(_CHANCE, n_runs, 0.9), dtype=int)
    sentence = (
        f"The 90 % intervals hold {covered:,} of {n_runs:,} hidden runs. If they were right and "
        f"the runs independent, {low:,} to {high:,} would be no surprise"
    )
    if covered < low:
        return Text(f"{sentence}: they are too narrow.", "red")
    if covered > high:
        return Text(f"{sentence}: they are too wide.", "yellow")
    return Text(f"{sentence}.", "green")


def _print_runs(console: Console, model_rows: pd.DataFrame) -> None:
    """Print the hidden runs with the most compute, one line each."""
    style.print_table(console, _run_table(model_rows.sort_values("compute").tail(_MAX_RUNS)))
    if len(model_rows) > _MAX_RUNS:
        console.print(
            f"The table has the {_MAX_RUNS} of {len(model_rows):,} hidden runs with the most "
            f"compute. The frame of bs.backtest in Python has all."
        )


def _run_table(rows: pd.DataFrame) -> Table:
    cells = pd.DataFrame({"run": rows["run_id"].map(str)})
    for name, heading in _COUNTS.items():
        if name in rows:
            cells[heading] = rows[name].map(count)
    cells["FLOPs"] = rows["compute"].map("{:.1e}".format)
    cells["decades"] = rows["decades"].map("{:+.1f}".format)
    cells["loss"] = rows["loss"].map(number)
    cells["median"] = rows["q50"].map(number)
    cells["90 % interval"] = rows["q05"].map(number) + " – " + rows["q95"].map(number)
    side = np.where(rows["loss"] > rows["q95"], "above", "below")
    outside = pd.Series(np.where(rows["covered90"], "", side), index=rows.index)
    cells[""] = outside.map(partial(Text, style="red"))
    return style.table_of(cells, left=[""])


def _fold_table(backtest: "Backtest") -> Table:
    headings = ["hidden", "fitted", "runs", "50 %", "90 %", "CRPS", "bias", "CRPS, today's"]
    table = style.table(headings)
    for name, fold in backtest.frame.groupby("fold", sort=False):
        by_model = fold["model"] == backtest.model
        model_rows, baseline_rows = fold[by_model], fold[~by_model]
        bias = np.log(model_rows["q50"] / model_rows["loss"]).mean()
        table.add_row(
            str(name),
            f"{model_rows['n_train'].iloc[0]:,}",
            f"{len(model_rows):,}",
            percentage(model_rows["covered50"].mean()),
            percentage(model_rows["covered90"].mean()),
            f"{model_rows['crps'].mean():.5f}",
            f"{bias:+.5f}",
            f"{baseline_rows['crps'].mean():.5f}",
        )
    return table
