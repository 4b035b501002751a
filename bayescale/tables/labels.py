"""Labels of a table: the group of each run, its name, and whether it finished."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.tables.cells import Cell, missing
from bayescale.tables.columns import Chosen, by_score
from bayescale.tables.headings import heading, headings_of
from bayescale.tables.others import canonical
from bayescale.tables.roles import GROUP, RUN_ID

_NOT_GIVEN = "not given"
_STATES = frozenset({"finished", "crashed", "failed", "killed", "running", "pending", "preempted"})


@dataclass(frozen=True, eq=False)
class Labels:
    """A column of labels.

    Attributes
    ----------
    heading : str
        Heading in the table.
    values : Series
        One label a row.
    notes : tuple of str
        What was done to them.
    """

    heading: str
    values: pd.Series
    notes: tuple[str, ...] = ()


def group_of(
    frame: pd.DataFrame, named: Mapping[str, Chosen], taken: Iterable[str]
) -> Labels | None:
    """Return the group of each row, or None where the table names none.

    A label that stands on the first row of its block alone is that of the whole block.
    """
    if "group" in named:
        return _filled(named["group"].heading, frame)
    for text, _ in by_score(GROUP, frame, taken):
        labels = _filled(text, frame)
        if text == GROUP.name or _repeats(labels.values):
            return labels
    return None


def run_id_of(
    frame: pd.DataFrame, named: Mapping[str, Chosen], taken: Iterable[str]
) -> Labels | None:
    """Return the name of each row, or None where no column has distinct names."""
    if "run_id" in named:
        return _as_they_are(named["run_id"].heading, frame)
    if RUN_ID.name in frame:
        return _as_they_are(RUN_ID.name, frame)
    for text, _ in by_score(RUN_ID, frame, taken):
        if _are_distinct_texts(frame[text]):
            return _as_they_are(text, frame)
    return None


def unfinished(frame: pd.DataFrame) -> dict[int, str]:
    """Return why rows are of runs that did not finish, by row, as Weights & Biases states it."""
    for text in headings_of(frame):
        words = heading(text).words
        if not words or words[-1] not in ("state", "status"):
            continue
        states = frame[text].map(_lower)
        if set(states) <= _STATES | {""} and "finished" in set(states):
            odd = np.flatnonzero(~states.isin(["finished", ""]))
            return {int(row): f"its {text!r} is {states[row]!r}" for row in odd}
    return {}


def _lower(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip().lower()


def _as_they_are(text: str, frame: pd.DataFrame) -> Labels:
    return Labels(text, canonical(frame[text], None))


def _filled(text: str, frame: pd.DataFrame) -> Labels:
    labels = canonical(frame[text], None)
    blank = missing(frame[text])
    if not blank.any():
        return Labels(text, labels)
    given = labels[~blank]
    if _is_head_of_blocks(blank, given):
        note = f"{int(blank.sum())} blank cells of {text!r} have the label above them."
        return Labels(text, labels.where(~blank).ffill(), (note,))
    note = f"{int(blank.sum())} blank cells of {text!r} are the group {_NOT_GIVEN!r}."
    return Labels(text, labels.astype(object).where(~blank, _NOT_GIVEN), (note,))


def _is_head_of_blocks(blank: pd.Series, given: pd.Series) -> bool:
    """Return whether each label stands once, on the first row of a block."""
    return bool(len(given)) and not blank.iloc[0] and bool(given.is_unique)


def _repeats(labels: pd.Series) -> bool:
    """Return whether labels are texts, two rows at least share one, and there are several."""
    return bool(labels.map(_is_text).all()) and 1 < labels.nunique() < len(labels)


def _are_distinct_texts(cells: pd.Series) -> bool:
    return bool(cells.map(_is_text).all()) and not missing(cells).any() and cells.is_unique


def _is_text(cell: object) -> bool:
    return isinstance(cell, str)
