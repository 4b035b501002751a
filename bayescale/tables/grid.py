"""Rows of cells made into a table: where its headings stand, and which lines are no runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import SupportsFloat, SupportsIndex, cast

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Cell, Mark, is_missing, missing, number_of, values_of

_COMMENTS = ("#", "//")
_UNNAMED = "unnamed:"
_MAY_BE_NUMBERS = (SupportsFloat, SupportsIndex, bytes, bytearray, memoryview)

Row = Sequence[Cell]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it stands in its source: nothing recognised, nothing converted.

    Attributes
    ----------
    frame : DataFrame, one row per row of the source
        Cells are texts, numbers or None. Headings are texts, no two alike.
    format : str
        The format in words, such as ``text separated by semicolons``.
    notes : tuple of str
        Lines and columns that were left out, and how the source was decoded.
    mark : Mark or None
        Decimal mark that the format suggests where no cell shows one.
    """

    frame: pd.DataFrame
    format: str
    notes: tuple[str, ...] = ()
    mark: Mark | None = None

    def with_notes(self, *notes: str) -> "Sheet":
        """Return the sheet with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def sheet_of_rows(rows: Sequence[Row], name: str, form: str, mark: Mark | None = None) -> Sheet:
    """Return the table that rows of cells are; the first row with words in it has the headings.

    Parameters
    ----------
    rows : sequence of rows
        Blank ones and comments are passed over.
    name : str
        Name of the source, for messages.
    form : str
        The format in words.
    mark : Mark, optional
        See `Sheet`.

    Raises
    ------
    InputError
        Where there are no headings, or a row has more cells than there are headings.
    """
    rows, notes = _without_comments(rows)
    if not rows:
        raise InputError(
            f"{name} is empty; its first line must be headings such as n_params,n_tokens,loss."
        )
    headings = rows[0]
    if not _has_words(headings):
        shown = ", ".join(map(str, headings[:4]))
        raise InputError(
            f"{name} has no headings: its first line is {shown}; give every column a heading, such "
            f"as n_params,n_tokens,loss."
        )
    body: list[list[Cell]] = []
    for row in rows[1:]:
        if list(row) != list(headings):
            body.append(_of_width(row, len(headings), len(body) + 1, name))
    repeated = len(rows) - 1 - len(body)
    if repeated:
        notes.append(f"{_lines(repeated)} left out, which only repeats headings.")
    return Sheet(_frame(headings, body, name), form, tuple(notes), mark)


def sheet_of_records(records: Sequence[Mapping[str, Cell]], form: str) -> Sheet:
    """Return the table of records, each of which names its cells; those that it lacks are empty."""
    frame = pd.DataFrame.from_records(list(records))
    return Sheet(_frame(list(frame.columns), rows_of(frame), form), form)


def rows_of(frame: pd.DataFrame) -> list[list[Cell]]:
    """Return the cells of a frame, a list a row; None where one is missing."""
    cells = frame.astype(object).map(cell_of)
    return cast(list[list[Cell]], cells.where(cells.notna(), None).to_numpy().tolist())


def sheet_of_frame(frame: pd.DataFrame, name: str, form: str) -> Sheet:
    """Return the table of a DataFrame; levels of its index that have names are columns too, and an
    index of distinct texts without a name is ``run_id``.
    """
    if frame.index.nlevels > 1 or frame.index.name is not None:
        levels = set(frame.index.names) - {None} - set(frame.columns)
        frame = frame.reset_index(level=[name for name in frame.index.names if name in levels])
    elif frame.index.dtype.kind not in "iufM" and frame.index.is_unique:
        frame = frame.rename_axis(index="run_id").reset_index(drop="run_id" in frame.columns)
    headings = list(map(_joined, frame.columns))
    columns = [_cells(frame.iloc[:, position]) for position in range(frame.shape[1])]
    rows = list(map(list, zip(*columns, strict=True)))
    return Sheet(_frame(headings, rows, name), form)


def _joined(heading: object) -> str:
    """Return the heading of a column; levels of several are joined by dots."""
    if not isinstance(heading, tuple):
        return str(heading)
    return ".".join(filter(None, map(str, heading)))


def _cells(column: pd.Series) -> list[Cell]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.dtype.kind in "iuf":
        return list(column.astype("float64"))
    return list(map(cell_of, column.tolist()))


def cell_of(value: object) -> Cell:
    """Return a value as a cell: a number of any kind as a float, other objects as texts."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | str):
        return value
    if not isinstance(value, _MAY_BE_NUMBERS):
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)


def _without_comments(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return the rows from the headings on that are neither blank nor comments, and notes on the
    others.

    Headings may be the last comment above the rows, as NumPy writes them.
    """
    kept: list[Row] = []
    last_comment: Row = ()
    comments, titles = 0, 0
    for row in rows:
        if not _count(row) or _is_rule(row):
            continue
        if _is_comment(row):
            comments += 1
            last_comment = row if not kept else last_comment
        elif not kept and _count(row) == 1:
            titles += 1
        else:
            kept.append(row)
    if kept and not _has_words(kept[0]) and len(last_comment) == len(kept[0]):
        kept.insert(0, [str(last_comment[0]).lstrip("#/ "), *last_comment[1:]])
        comments -= 1
    notes = [f"{_lines(comments)} left out as comments."] if comments else []
    if titles and kept:
        notes.append(f"{_lines(titles)} left out above the headings.")
    return kept, notes


def _count(row: Row) -> int:
    """Return how many cells of a row are not empty."""
    return len(row) - row.count(None) - row.count("")


def _has_words(row: Row) -> bool:
    """Return whether a cell of a row is neither missing nor a number, as a heading is."""
    return any(not is_missing(cell) and number_of(cell) is None for cell in row)


def _is_comment(row: Row) -> bool:
    """Return whether a row is a comment; headings such as ``# params`` and ``#N/A`` are none."""
    first = str(row[0]).strip().lower()
    if not first.startswith(_COMMENTS) or is_missing(first):
        return False
    return len(row) == 1 or "param" not in first


def _is_rule(row: Row) -> bool:
    """Return whether a row is a line of dashes below headings."""
    text = "".join(map(str, filter(None, row))).strip()
    return len(text) > 2 and set(text) <= set("-=+:|_ ")


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count} lines are"


def _of_width(row: Row, width: int, position: int, name: str) -> list[Cell]:
    """Return a row with as many cells as there are headings."""
    cells = list(row)
    while len(cells) > width and cells[-1] in (None, ""):
        cells.pop()
    if len(cells) > width:
        raise InputError(
            f"{name}, row {position}, has more fields than headings ({len(cells)} and {width}); "
            f"give every column a heading, and write thousands without commas or in quotes."
        )
    return cells + [None] * (width - len(cells))


def _frame(headings: Row, rows: Sequence[list[Cell]], name: str) -> pd.DataFrame:
    """Return rows as a frame, without columns that are there twice or have neither heading nor
    use.
    """
    texts = list(map(_heading_text, headings))
    frame = pd.DataFrame(list(rows), columns=range(len(texts)), dtype=object)
    kept: dict[str, pd.Series] = {}
    for position, text in enumerate(texts):
        column = frame[position]
        is_unnamed = not text or text.lower().startswith(_UNNAMED)
        if is_unnamed and _is_row_number_or_blank(column):
            continue
        heading = _row_name(column, position, texts) if is_unnamed else text
        if heading in kept:
            if _alike(kept[heading], column):
                continue
            raise InputError(
                f"The column {heading!r} of {name} is there twice, with other values; rename or "
                f"drop one of the two."
            )
        kept[heading] = column
    return pd.DataFrame(kept, dtype=object, index=frame.index)


def _heading_text(heading: Cell) -> str:
    return "" if heading is None else str(heading).strip()


def _is_row_number_or_blank(column: pd.Series) -> bool:
    """Return whether a column counts its rows, or is empty."""
    values = values_of(column[~missing(column)], Mark.POINT)
    return bool(np.all(values % 1 == 0) and np.all(np.diff(values) > 0))


def _row_name(column: pd.Series, position: int, texts: Sequence[str]) -> str:
    """Return the heading of a column that has none: its rows' names, or its place."""
    is_name = set(map(type, column)) == {str} and column.is_unique
    if position == 0 and is_name and "run_id" not in texts:
        return "run_id"
    return f"column {position + 1}"


def _alike(one: pd.Series, other: pd.Series) -> bool:
    return bool((one.map(str) == other.map(str)).all())
