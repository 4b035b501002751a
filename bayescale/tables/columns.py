"""Columns of a table recognised: which heading has which role, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import (
    Cell,
    Mark,
    ambiguous_mark,
    mark_of,
    missing,
    number_of,
    size_in,
    values_of,
)
from bayescale.tables.headings import heading, headings_of
from bayescale.tables.roles import SIZE_LABEL, SURE, Role

_SMALLEST_BUDGET = 1e12
_NAMES = {Mark.POINT: "point", Mark.COMMA: "comma"}
# So many cells show whether a column holds numbers.
_SAMPLE = 200
_SMALLEST_SIZE = 1e4
# A count in billions is at most a few millions; what is larger is counted one by one.
_LARGEST_SCALED = {"n_params": 1e15, "n_tokens": 1e18}


@dataclass(frozen=True)
class Chosen:
    """A column that has a role.

    Attributes
    ----------
    name : str
        Standard name.
    heading : str
        Heading in the table.
    others : tuple of str
        Headings that might have had the role too, surest first.
    is_size_label : bool
        Whether its cells are names of models, in which sizes stand.
    """

    name: str
    heading: str
    others: tuple[str, ...] = ()
    is_size_label: bool = False


@dataclass(frozen=True, eq=False)
class Numbers:
    """Cells of a column read as numbers.

    Attributes
    ----------
    values : array, shape (rows,)
        NaN where a cell is missing.
    notes : tuple of str
        What was done to them.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()


def chosen_for(role: Role, frame: pd.DataFrame, taken: Iterable[str]) -> Chosen | None:
    """Return the column that surely has a role, or None.

    Parameters
    ----------
    role : Role
    frame : DataFrame
        Cells as they stand in the source.
    taken : iterable of str
        Headings that have other roles.
    """
    candidates = []
    for text, score in by_score(role, frame, taken):
        if score >= SURE and _may_be(role, text, frame[text]):
            candidates.append(text)
    if candidates:
        return Chosen(role.name, candidates[0], tuple(candidates[1:]))
    return None


def size_label_for(frame: pd.DataFrame, taken: Iterable[str]) -> Chosen | None:
    """Return the column whose cells are sizes such as 1.3B, or names with sizes in them."""
    for text, score in by_score(SIZE_LABEL, frame, taken):
        if _are_size_labels(frame[text]):
            return Chosen("n_params", text, is_size_label=True)
        if score >= SURE and _min_of(frame[text]) * heading(text).scale >= _SMALLEST_SIZE:
            return Chosen("n_params", text)
    return None


def by_score(role: Role, frame: pd.DataFrame, taken: Iterable[str]) -> list[tuple[str, int]]:
    """Return the headings that have no role yet and may have this one, each with its score, the
    surest first.
    """
    used = set(taken)
    scored = []
    for text in headings_of(frame):
        score = role.score(heading(text))
        if score and text not in used:
            scored.append((text, score))
    return sorted(scored, key=itemgetter(1), reverse=True)


def _are_size_labels(cells: pd.Series) -> bool:
    present = cells[~missing(cells)]
    sizes = present.map(_size)
    return len(present) > 0 and bool((sizes > 0).all())


def _size(cell: Cell) -> float:
    return size_in(cell) or 0.0 if isinstance(cell, str) else 0.0


def _may_be(role: Role, text: str, cells: pd.Series) -> bool:
    """Return whether the cells of a column may have a role; of a standard name, whatever they are,
    so that a bad cell is named.
    """
    if text == role.name:
        return True
    if role.name == "flops" and not _is_compute(text, cells):
        return False
    # A small n may be a sample, and d a dimension.
    if text in ("n", "d") and _min_of(cells) < _SMALLEST_SIZE:
        return False
    return _is_numeric(cells)


def _is_compute(text: str, cells: pd.Series) -> bool:
    parts = heading(text)
    return parts.has("flops") or _min_of(cells) * parts.scale >= _SMALLEST_BUDGET


def _min_of(cells: pd.Series) -> float:
    values = values_of(cells, Mark.POINT)
    return float(np.nanmin(values, initial=np.inf)) if np.isfinite(values).any() else 0.0


def _is_numeric(cells: pd.Series) -> bool:
    """Return whether half of the cells that are there, and one at least, are numbers."""
    present = cells[~missing(cells)].iloc[:_SAMPLE]
    either = [values_of(present, mark) for mark in Mark]
    count = int(np.any(~np.isnan(either), axis=0).sum())
    return count > 0 and 2 * count >= len(present)


def mark_of_table(columns: Iterable[pd.Series], suggested: Mark | None) -> Mark | None:
    """Return the decimal mark of a whole table, where its cells agree on one; else the mark that
    its format suggests, where cells have no other.
    """
    certain: set[Mark] = set()
    possible: set[Mark] = set()
    for column in columns:
        certain |= mark_of(column)
        possible |= set(column.map(ambiguous_mark).dropna())
    if len(certain) == 1:
        return certain.pop()
    return suggested if not certain and suggested and possible == {suggested} else None


def numbers(
    chosen: Chosen, cells: pd.Series, mark: Mark | None, where: str, *, is_measured: bool
) -> Numbers:
    """Read the cells of a column as numbers, in counts.

    Parameters
    ----------
    chosen : Chosen
    cells : Series
    mark : Mark or None
        Decimal mark of the table, where its cells or its format show one.
    where : str
        Name of the table, for messages.
    is_measured : bool
        Whether the numbers are losses, which are small, and not counts.

    Raises
    ------
    InputError
        Where a cell is no number, or its comma may mean either of two numbers.
    """
    notes = []
    chosen_mark = _mark(chosen, cells, mark, where, is_measured=is_measured)
    if chosen_mark is Mark.COMMA and cells.map(_has_comma).any():
        notes.append(f"Commas in {chosen.heading!r} are read as decimal marks.")
    values = _values(chosen, cells, chosen_mark, where)
    if is_in_per_cent(cells):
        notes.append(f"Per cent in {chosen.heading!r} are read as shares: 35 % is 0.35.")
    scaled, more = _scaled(chosen, values, cells, chosen_mark)
    return Numbers(scaled, (*notes, *more))


def _mark(
    chosen: Chosen, cells: pd.Series, mark: Mark | None, where: str, *, is_measured: bool
) -> Mark:
    """Return the decimal mark of a column: the one that its cells show, else that of the table.

    A loss has no thousands, so a mark in it is the decimal one.
    """
    own = mark_of(cells)
    possible = cells.map(ambiguous_mark)
    if is_measured and not own:
        own = set(possible.dropna())
        odd = np.flatnonzero(possible.notna() & (possible != mark))
        if mark and len(odd):
            other = int(odd[0])
            raise InputError(
                f"{where}, row {other + 1}, column {described(chosen)}: {cells.iloc[other]!r} may "
                f"have a decimal {_NAMES[possible.iloc[other]]}, but other columns have a decimal "
                f"{_NAMES[mark]}; write all numbers alike."
            )
    if len(own) > 1:
        marks = cells.map(_mark_in)
        row = int(np.argmax(marks == marks.value_counts().idxmin()))
        raise InputError(
            f"{where}, column {described(chosen)}: commas and points are both decimal marks here, "
            f"as in row {row + 1} ({cells.iloc[row]!r}); write all numbers alike."
        )
    return own.pop() if own else mark or Mark.POINT


def described(chosen: Chosen) -> str:
    """Return the name of a column, with its heading where that is another."""
    if chosen.heading == chosen.name:
        return chosen.name
    return f"{chosen.name} ({chosen.heading!r})"


def _has_comma(cell: Cell) -> bool:
    return isinstance(cell, str) and "," in cell


def _mark_in(cell: Cell) -> Mark | None:
    """Return the mark that a cell shows, beyond doubt or not."""
    certain = mark_of([cell])
    return certain.pop() if certain else ambiguous_mark(cell)


def is_in_per_cent(cells: pd.Series) -> bool:
    """Return whether a cell ends with a per cent sign."""
    texts = cells.astype(str).str
    return bool(texts.rstrip().str.endswith("%").any())


def _values(chosen: Chosen, cells: pd.Series, mark: Mark, where: str) -> np.ndarray:
    if chosen.is_size_label:
        values = cells.map(_size).replace(0.0, np.nan).to_numpy(dtype=float)
    else:
        values = values_of(cells, mark)
    refused = np.flatnonzero(np.isnan(values) & ~missing(cells).to_numpy())
    if len(refused):
        others = f" (and so in {len(refused) - 1} more rows)" if len(refused) > 1 else ""
        row = int(refused[0])
        raise InputError(
            f"{where}, row {row + 1}, column {described(chosen)}: {cells.iloc[row]!r} is not a "
            f"number{others}; write plain digits such as 70e9, or leave the cell empty."
        )
    return values


def _scaled(
    chosen: Chosen, values: np.ndarray, cells: pd.Series, mark: Mark
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return counts by the unit that the heading names, except where cells have units of their
    own.
    """
    parts = heading(chosen.heading)
    if parts.scale == 1:
        return values, ()
    plain = cells.map(partial(_is_plain, mark=mark)).to_numpy(dtype=bool)
    if not plain.any():
        return values, ()
    counts = np.where(plain, values * parts.scale, values)
    if np.nanmax(counts) > _LARGEST_SCALED.get(chosen.name, np.inf):
        return values, (
            f"{chosen.heading!r} names the unit {parts.unit!r}, but its numbers are counts already "
            f"(up to {np.nanmax(values):.3g}), and are taken as they are.",
        )
    return counts, (
        f"{chosen.name} is {chosen.heading!r} times {parts.scale:.3g}, as the heading says "
        f"({parts.unit}).",
    )


def _is_plain(cell: Cell, mark: Mark) -> bool:
    number = number_of(cell, mark)
    return number is not None and number.is_plain


def alternatives(chosen: Chosen) -> str | None:
    """Return a note on the other columns that might have had the role, or None."""
    if not chosen.others:
        return None
    listed = " or ".join(map(repr, chosen.others))
    other = chosen.others[0]
    return (
        f"{chosen.name} is {chosen.heading!r}; it might be {listed}: to choose, give "
        f"{chosen.name}={other!r} (--column {chosen.name}={quoted(other)})."
    )


def quoted(text: str) -> str:
    """Return a heading as a shell takes it."""
    return f"'{text}'" if " " in text else text


def named_columns(
    frame: pd.DataFrame, headings: Mapping[str, str], where: str
) -> dict[str, Chosen]:
    """Return the columns that were asked for by their headings.

    Raises
    ------
    InputError
        Where the table has no such heading.
    """
    by_loose = {_loose(text): text for text in headings_of(frame)}
    named = {}
    for name, text in headings.items():
        found = text if text in frame else by_loose.get(_loose(text))
        if found is None:
            raise InputError(
                f"{where}: there is no column {text!r} to use as {name}; the columns are "
                f"{listed(list(frame))}."
            )
        named[name] = Chosen(name, found)
    return named


def _loose(text: str) -> str:
    return " ".join(str(text).lower().split())


def listed(headings: Sequence[object], most: int = 20) -> str:
    """Return headings in one line, the first of many."""
    shown = ", ".join(map(str, headings[:most]))
    more = len(headings) - most
    return f"{shown} and {more} more" if more > 0 else shown
