"""Facts and tables of pages, set so that no figure is cut at any width.

A table is made with `table` and printed with `print_table`. Where the terminal is narrow, its
widest columns wrap at spaces; a cell without a space, such as a number, is never broken. Where even
that is too wide, the table is printed in parts, each with the first column.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

# Cells between columns.
_GAP = 2
# Where a table is too wide, a single word of text is folded from this many cells on.
_FOLDED_WORD = 24


def console() -> Console:
    """Return standard output, where text of others is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False)


def table(headings: Sequence[str], *, left: Sequence[str] = (), title: str | None = None) -> Table:
    """Return an empty table.

    Parameters
    ----------
    headings : sequence of str
        The first column holds words. The others hold numbers and are set on the right.
    left : sequence of str
        Other headings whose columns hold words and are set on the left.
    title : str, optional
    """
    made = Table(title=title)
    made.add_column(headings[0])
    for heading in headings[1:]:
        made.add_column(heading, justify="left" if heading in left else "right")
    return made


def table_of(frame: "pd.DataFrame", *, left: Sequence[str] = (), title: str | None = None) -> Table:
    """Return a table with the columns of a frame, whose cells are text; see `table`."""
    made = table(frame.columns.to_list(), left=left, title=title)
    for cells in frame.itertuples(index=False, name=None):
        add_row(made, cells)
    return made


def add_row(table: Table, cells: Iterable[RenderableType], style: StyleType | None = None) -> None:
    """Add a row of cells, one for each column."""
    table.add_row(*cells, style=style)


def print_table(console: Console, table: Table) -> None:
    """Print a table within the width of the console, in several parts if need be."""
    if table.title:
        console.print(Text(str(table.title), "bold"))
    columns = [_measured(column) for column in table.columns]
    if _least_width(columns) > console.width:
        columns = [_folded(column) for column in columns]
    for part in _parts(columns, console.width):
        console.print(_part(table, part, _widths(part, console.width)))


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return a grid of headings, each with its text."""
    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, text in rows:
        grid.add_row(heading, text)
    grid.add_row("", "")
    return grid


class _Measured(NamedTuple):
    """A column, with the cells of its longest word and of its longest line."""

    column: Column
    least: int
    most: int


def _measured(column: Column) -> _Measured:
    cells = [column.header, *column.cells]
    lines = "\n".join(map(str, cells)).splitlines()
    # Not split(): a no-break space is no end of a word.
    words = " ".join(lines).split(" ")
    return _Measured(column, max(map(len, words)), max(map(len, lines), default=0))


def _folded(measured: _Measured) -> _Measured:
    """Return the column with long words folded; a column on the right, of figures, as it is."""
    if measured.column.justify == "right":
        return measured
    return measured._replace(least=min(measured.least, _FOLDED_WORD))


def _gaps(columns: Sequence[_Measured]) -> int:
    return _GAP * (len(columns) - 1)


def _least_width(columns: Sequence[_Measured]) -> int:
    return sum(column.least for column in columns) + _gaps(columns)


def _parts(columns: Sequence[_Measured], width: int) -> list[list[_Measured]]:
    """Group the columns into parts that fit, each led by the first column."""
    first = columns[0]
    parts = [[first]]
    for column in columns[1:]:
        wider = [*parts[-1], column]
        if len(wider) > 2 and _least_width(wider) > width:
            parts.append([first])
        parts[-1].append(column)
    return parts


def _widths(columns: Sequence[_Measured], width: int) -> list[int]:
    """Divide the width: the widest columns are narrowed first, none below its longest word."""
    room = width - _gaps(columns)
    widest = max(column.most for column in columns)
    for limit in range(widest, 0, -1):
        widths = [max(column.least, min(column.most, limit)) for column in columns]
        if sum(widths) <= room:
            return widths
    return [column.least for column in columns]


def _part(table: Table, columns: Sequence[_Measured], widths: Sequence[int]) -> Table:
    """Return a table of some of the columns, of these widths."""
    part = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    cells = []
    for (column, _, _), width in zip(columns, widths, strict=True):
        part.add_column(column.header, justify=column.justify, width=width, overflow="fold")
        cells.append(list(column.cells))
    for i, row in enumerate(table.rows):
        add_row(part, [texts[i] for texts in cells], row.style)
    return part
