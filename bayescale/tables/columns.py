"""Columns of a table recognised: which heading has which role, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import (
    Cell,
    Mark,
    ambiguous_mark,
    is_missing,
    mark_of,
    number_of,
    size_in,
)
from bayescale.tables.headings import heading
from bayescale.tables.roles import SIZE_LABEL, SURE, Role

_SMALLEST_BUDGET = 1e12
_NAMES = {Mark.POINT: "point", Mark.COMMA: "comma"}
# So many cells show whether a column holds numbers.
_SAMPLE = 200
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
    candidates = _ranked(role, frame, taken)
    if candidates:
        return Chosen(role.name, candidates[0], tuple(candidates[1:]))
    return None


def size_label_for(frame: pd.DataFrame, taken: Iterable[str]) -> Chosen | None:
    """Return the column whose cells are sizes such as 1.3B, or names with sizes in them."""
    free = [text for text in frame if text not in set(taken)]
    scores = {text: SIZE_LABEL.score(heading(text)) for text in free}
    for text in sorted(free, key=lambda text: -scores[text]):
        cells = _present(frame[text])
        if cells and all(isinstance(cell, str) and size_in(cell) for cell in cells):
            return Chosen("n_params", text, is_size_label=True)
    for text in free:
        if scores[text] >= SURE and _min_of(frame[text]) >= 1e4:
            return Chosen("n_params", text)
    return None


def _ranked(role: Role, frame: pd.DataFrame, taken: Iterable[str]) -> list[str]:
    """Return the headings that surely have a role, the surest first."""
    free = [text for text in frame if text not in set(taken)]
    scores = {text: role.score(heading(text)) for text in free}
    sure = [text for text in free if scores[text] >= SURE and _may_be(role, text, frame[text])]
    return sorted(sure, key=lambda text: -scores[text])


def _may_be(role: Role, text: str, cells: pd.Series) -> bool:
    """Return whether the cells of a column may have a role; of a standard name, whatever they are,
    so that a bad cell is named.
    """
    if text == role.name:
        return True
    if role.name == "flops" and not _is_compute(text, cells):
        return False
    return _is_numeric(cells)


def _is_compute(text: str, cells: pd.Series) -> bool:
    parts = heading(text)
    return parts.has("flops") or _min_of(cells) * parts.scale >= _SMALLEST_BUDGET


def _min_of(cells: pd.Series) -> float:
    numbers = [number_of(cell) for cell in _present(cells)]
    return min((number.value for number in numbers if number), default=0.0)


def _present(cells: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in cells if not is_missing(cell)]


def _is_numeric(cells: pd.Series) -> bool:
    """Return whether half of the cells that are there, and one at least, are numbers."""
    present = _present(cells)[:_SAMPLE]
    count = sum(_number_of_any_mark(cell) is not None for cell in present)
    return count > 0 and 2 * count >= len(present)


def _number_of_any_mark(cell: Cell) -> float | None:
    for mark in Mark:
        number = number_of(cell, mark)
        if number:
            return number.value
    return None


def mark_of_table(columns: Iterable[pd.Series], suggested: Mark | None) -> Mark | None:
    """Return the decimal mark of a whole table, where its cells agree on one; else the mark that
    its format suggests, where cells have no other.
    """
    certain: set[Mark] = set()
    possible: set[Mark] = set()
    for column in columns:
        certain |= mark_of(column)
        possible |= {mark for mark in map(ambiguous_mark, column) if mark}
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
        other = next((row for row, one in enumerate(possible) if one not in (None, mark)), None)
        if mark and other is not None:
            raise InputError(
                f"{where}, row {other + 1}, column {described(chosen)}: {cells.iloc[other]!r} may "
                f"have a decimal {_NAMES[possible.iloc[other]]}, but other columns have a decimal "
                f"{_NAMES[mark]}; write all numbers alike."
            )
    if len(own) > 1:
        row = next(row for row, cell in enumerate(cells) if mark_of([cell]) or possible.iloc[row])
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


def is_in_per_cent(cells: pd.Series) -> bool:
    """Return whether a cell ends with a per cent sign."""
    return any(isinstance(cell, str) and cell.rstrip().endswith("%") for cell in cells)


def _values(chosen: Chosen, cells: pd.Series, mark: Mark, where: str) -> np.ndarray:
    values = np.full(len(cells), np.nan)
    refused = []
    for row, cell in enumerate(cells):
        if is_missing(cell):
            continue
        if chosen.is_size_label:
            size = size_in(str(cell))
            number = None if size is None else size
        else:
            parsed = number_of(cell, mark)
            number = parsed.value if parsed else None
        if number is None:
            refused.append(row)
        else:
            values[row] = number
    if refused:
        others = f" (and so in {len(refused) - 1} more rows)" if len(refused) > 1 else ""
        raise InputError(
            f"{where}, row {refused[0] + 1}, column {described(chosen)}: "
            f"{cells.iloc[refused[0]]!r} is not a number{others}; write plain digits such as 70e9, "
            f"or leave the cell empty."
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
    plain = np.array([_is_plain(cell, mark) for cell in cells])
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
        f"{chosen.name}={other!r} (--column {chosen.name}={_quoted(other)})."
    )


def _quoted(text: str) -> str:
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
    by_loose = {_loose(text): text for text in frame}
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
