"""Wide exports, with a column a run against steps, as one row a run."""

import re
from collections.abc import Sequence

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import missing, size_in
from bayescale.tables.columns import listed
from bayescale.tables.grid import Sheet
from bayescale.tables.headings import heading, headings_of
from bayescale.tables.roles import LOSS, N_TOKENS, QUANTITIES, SURE

# Weights & Biases writes `run - metric`, and two more columns for the range of grouped runs.
_RUN_AND_METRIC = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<range>__MIN|__MAX)?")
_STEPS = ("steps", "epoch", "global steps", "train global steps", "train steps", "relative time")


def one_row_a_run(sheet: Sheet, name: str) -> Sheet:
    """Return a wide export as a table with a row a run: its last loss, and the step of that; any
    other table as it is.

    Raises
    ------
    InputError
        Where there is a column a model, but nothing says that it is a loss.
    """
    axis, *series = headings_of(sheet.frame)
    if len(series) < 2 or not _counts_steps(axis):
        return sheet
    found = _columns_of_runs(series)
    if found:
        return _last_rows(sheet, axis, *found)
    if all(map(_names_a_model, series)):
        raise InputError(
            f"{name} has a column a model ({listed(series, 5)}) against {axis!r} and is no table "
            f"of runs; give one row per run, with columns such as n_params, n_tokens and loss."
        )
    return sheet


def _counts_steps(text: str) -> bool:
    """Return whether a heading counts steps, epochs or tokens, as the axis of a chart does."""
    parts = heading(text)
    return " ".join(parts.words) in _STEPS or N_TOKENS.score(parts) >= SURE


def _columns_of_runs(headings: Sequence[str]) -> tuple[dict[str, str], str] | None:
    """Return the heading of each run's loss, and the name of the loss; None where a heading is not
    that of a run and its metric, or no metric is surely a loss.
    """
    by_metric: dict[str, dict[str, str]] = {}
    for text in headings:
        match = _RUN_AND_METRIC.fullmatch(text)
        if not match:
            return None
        if not match["range"]:
            by_metric.setdefault(match["metric"], {})[match["run"]] = text
    surest = max(by_metric, key=_likeness_to_loss, default="")
    return (by_metric[surest], surest) if _likeness_to_loss(surest) >= SURE else None


def _likeness_to_loss(metric: str) -> int:
    return LOSS.score(heading(metric))


def _names_a_model(text: str) -> bool:
    """Return whether a heading is the name of a model with its size, and no quantity."""
    scores = [role.score(heading(text)) for role in QUANTITIES.values()]
    return size_in(text) is not None and max(scores) < SURE


def _last_rows(sheet: Sheet, steps: str, columns: dict[str, str], metric: str) -> Sheet:
    """Return a row a run: its last loss, and the step of that."""
    rows = []
    for run, text in columns.items():
        given = sheet.frame[~missing(sheet.frame[text])]
        last = given.iloc[-1] if len(given) else {steps: None, text: None}
        rows.append({"run": run, steps: last[steps], metric: last[text]})
    frame = pd.DataFrame(rows, columns=["run", steps, metric], dtype=object)
    note = f"A wide export: each of {len(rows)} runs is one row, with its last {metric!r}."
    return Sheet(frame, f"{sheet.format}, wide export", (*sheet.notes, note), sheet.mark)
