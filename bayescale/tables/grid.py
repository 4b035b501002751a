"""Rows of cells made into a table: where its headings stand, and which lines are no runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Cell, Mark, is_missing, number_of

_COMMENTS = ("#", "//")
_UNNAMED = "unnamed:"

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
    rows, titles = _without_titles(rows)
    notes += titles
    if not rows:
        raise InputError(
            f"{name} is empty; its first line must be headings such as n_params,n_tokens,loss."
        )
    headings = rows[0]
    if all(is_missing(cell) or number_of(cell) for cell in headings):
        shown = ", ".join(str(cell) for cell in headings[:4])
        raise InputError(
            f"{name} has no headings: its first line is {shown}; give every column a heading, such "
            f"as n_params,n_tokens,loss."
        )
    body = [row for row in rows[1:] if not _is_rule(row)]
    kept = [row for row in body if list(row) != list(headings)]
    if len(kept) < len(body):
        notes.append(f"{_lines(len(body) - len(kept))} left out that repeat the headings.")
    width = len(headings)
    filled = [_of_width(row, width, position, name) for position, row in enumerate(kept, start=1)]
    return Sheet(_frame(headings, filled, name), form, tuple(notes), mark)


def sheet_of_records(records: Sequence[Mapping[str, Cell]], form: str) -> Sheet:
    """Return the table of records, each of which names its cells; those that it lacks are empty."""
    headings = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in headings}
    return Sheet(pd.DataFrame(columns, dtype=object), form)


def sheet_of_frame(frame: pd.DataFrame, name: str, form: str) -> Sheet:
    """Return the table of a DataFrame; levels of its index that have names are columns too, and an
    index of distinct texts without a name is ``run_id``.
    """
    if frame.index.nlevels > 1 or frame.index.name is not None:
        named = [level for level in frame.index.names if level is not None]
        frame = frame.reset_index(level=[level for level in named if level not in frame.columns])
    elif frame.index.dtype.kind not in "iufM" and frame.index.is_unique:
        frame = frame.rename_axis(index="run_id").reset_index(drop="run_id" in frame.columns)
    headings = [_joined(heading) for heading in frame.columns]
    columns = [_cells(frame.iloc[:, position]) for position in range(frame.shape[1])]
    rows = [list(row) for row in zip(*columns, strict=True)]
    if not rows:
        return Sheet(pd.DataFrame(columns=_distinct(headings)), form)
    return Sheet(_frame(headings, rows, name), form)


def _joined(heading: object) -> str:
    """Return the heading of a column; levels of several are joined by dots."""
    if not isinstance(heading, tuple):
        return str(heading)
    return ".".join(str(level) for level in heading if str(level))


def _cells(column: pd.Series) -> list[Cell]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.dtype.kind in "iuf":
        return list(column.astype("float64"))
    return [_cell(value) for value in column.tolist()]


def _cell(value: object) -> Cell:
    """Return a value as a cell: a number of any kind as a float, other objects as texts."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | str):
        return value
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return str(value)


def _without_comments(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return the rows that are neither blank nor comments, and a note on comments."""
    kept: list[Row] = []
    comments = 0
    for row in rows:
        if all(cell is None or cell == "" for cell in row):
            continue
        if _is_comment(row):
            comments += 1
        elif not _is_rule(row):
            kept.append(row)
    return kept, [f"{_lines(comments)} left out as comments."] if comments else []


def _without_titles(rows: Sequence[Row]) -> tuple[Sequence[Row], list[str]]:
    """Return the rows from the headings on, and a note on titles above them."""
    for position, row in enumerate(rows):
        if sum(not is_missing(cell) for cell in row) > 1:
            notes = [f"{_lines(position)} left out above the headings."] if position else []
            return rows[position:], notes
    return rows, []


def _is_comment(row: Row) -> bool:
    """Return whether a row is a comment; headings such as ``# params`` and ``#N/A`` are none."""
    first = str(row[0]).strip().lower()
    if not first.startswith(_COMMENTS) or is_missing(first):
        return False
    return len(row) == 1 or "param" not in first


def _is_rule(row: Row) -> bool:
    """Return whether a row is a line of dashes below headings."""
    text = "".join(str(cell) for cell in row if cell is not None).strip()
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
    texts = ["" if heading is None else str(heading).strip() for heading in headings]
    frame = pd.DataFrame([list(row) for row in rows], columns=range(len(texts)), dtype=object)
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


def _is_row_number_or_blank(column: pd.Series) -> bool:
    """Return whether a column counts its rows, or is empty."""
    present = [cell for cell in column if not is_missing(cell)]
    numbers = [number_of(cell) for cell in present]
    values = np.array([number.value for number in numbers if number])
    if len(values) < len(present):
        return False
    return bool(np.all(values % 1 == 0) and np.all(np.diff(values) > 0))


def _row_name(column: pd.Series, position: int, texts: Sequence[str]) -> str:
    """Return the heading of a column that has none: its rows' names, or its place."""
    texts_only = all(isinstance(cell, str) for cell in column)
    if position == 0 and texts_only and column.is_unique and "run_id" not in texts:
        return "run_id"
    return f"column {position + 1}"


def _alike(one: pd.Series, other: pd.Series) -> bool:
    return one.map(str).tolist() == other.map(str).tolist()


def _distinct(headings: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(headings))
