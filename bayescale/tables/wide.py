"""Wide exports, with a column a run against steps, as one row a run."""

import re
from collections.abc import Sequence

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import is_missing, size_in
from bayescale.tables.columns import listed
from bayescale.tables.grid import Sheet
from bayescale.tables.headings import heading, headings_of
from bayescale.tables.roles import LOSS, QUANTITIES, SURE

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
    headings = headings_of(sheet.frame)
    if len(headings) < 3 or " ".join(heading(headings[0]).words) not in _STEPS:
        return sheet
    matches = {text: _RUN_AND_METRIC.fullmatch(text) for text in headings[1:]}
    metrics = {match["metric"] for match in matches.values() if match}
    losses = sorted(metrics, key=lambda metric: -LOSS.score(heading(metric)))
    if all(matches.values()) and LOSS.score(heading(losses[0])) >= SURE:
        columns = {
            match["run"]: text
            for text, match in matches.items()
            if match and match["metric"] == losses[0] and not match["range"]
        }
        return _last_rows(sheet, headings[0], columns, losses[0])
    if _is_column_a_model(headings[1:]):
        raise InputError(
            f"{name} has a column a model ({listed(headings[1:], 5)}) against {headings[0]!r} and "
            f"is no table of runs; give one row per run, with columns such as n_params, n_tokens "
            f"and loss."
        )
    return sheet


def _is_column_a_model(headings: Sequence[str]) -> bool:
    """Return whether headings are names of models, and none of them a quantity."""
    known = [
        text
        for text in headings
        for role in QUANTITIES.values()
        if role.score(heading(text)) >= SURE
    ]
    sized = [text for text in headings if size_in(text)]
    return not known and len(sized) == len(headings)


def _last_rows(sheet: Sheet, steps: str, columns: dict[str, str], metric: str) -> Sheet:
    rows = []
    for run, text in columns.items():
        present = [row for row, cell in enumerate(sheet.frame[text]) if not is_missing(cell)]
        last = present[-1] if present else None
        step = None if last is None else sheet.frame[steps].iloc[last]
        loss = None if last is None else sheet.frame[text].iloc[last]
        rows.append({"run": run, steps: step, metric: loss})
    frame = pd.DataFrame(rows, columns=["run", steps, metric], dtype=object)
    note = f"A wide export: each of {len(rows)} runs is one row, with its last {metric!r}."
    return Sheet(frame, f"{sheet.format}, wide export", (*sheet.notes, note), sheet.mark)
