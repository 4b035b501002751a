"""Numbers, facts and tables of pages, set so that no figure is cut at any width.

A table is made with `table` and printed with `print_table`. Where the terminal is narrow, its
widest columns wrap at spaces; a cell without a space, such as a number, is never broken. Where even
that is too wide, the table is printed in parts, each with the first column.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

# Cells between columns.
_GAP = 2
# Where a table is too wide, a single word of text is folded from this many cells on.
_FOLDED_WORD = 24


def console() -> Console:
    """Return standard output, where text of others is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False)


def table(first: str, *others: str, left: Sequence[str] = (), title: str | None = None) -> Table:
    """Return an empty table.

    Parameters
    ----------
    first : str
        Heading of the first column, which holds words.
    *others : str
        Headings of the other columns, which hold numbers and are set on the right.
    left : sequence of str
        Headings among ``others`` whose columns hold words and are set on the left.
    title : str, optional
    """
    made = Table(title=title)
    made.add_column(first)
    for heading in others:
        made.add_column(heading, justify="left" if heading in left else "right")
    return made


def print_table(console: Console, table: Table) -> None:
    """Print a table within the width of the console, in several parts if need be."""
    if table.title:
        console.print(Text(str(table.title), "bold"))
    width = console.width
    sizes = [_size(column) for column in table.columns]
    if _least_width(sizes) > width:
        sizes = [_folded(column, size) for column, size in zip(table.columns, sizes, strict=True)]
    for indices in _parts(sizes, width):
        console.print(_part(table, indices, _widths([sizes[i] for i in indices], width)))


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Return a grid of headings, each with its text."""
    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    grid.add_row("", "")
    return grid


def number(value: float, digits: int = 4) -> str:
    """Return a number with four significant digits, or as many as asked.

    >>> number(0.34781), number(482), number(2085), number(12_040_000)
    ('0.3478', '482.0', '2,085', '1.204e+07')
    """
    if not math.isfinite(value):
        return "-"
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}" if value else "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"


def count(value: float) -> str:
    """Return a count with three significant digits and K, M, B or T.

    >>> count(70.1e9), count(1.4e12), count(999.9e6)
    ('70.1B', '1.40T', '1.00B')
    """
    value = float(f"{value:.3g}")
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{number(value / size, 3)}{suffix}"
    return number(value, 3)


def percent(share: float) -> str:
    """Return a share as a percentage that no line break divides."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


class _Size(NamedTuple):
    """The cells that a column may take: its longest word at least, its longest line at most."""

    least: int
    most: int


def _size(column: Column) -> _Size:
    texts = [str(cell) for cell in (column.header, *column.cells)]
    lines = [line for text in texts for line in text.splitlines()]
    words = [word for line in lines for word in line.split(" ")]
    return _Size(max(map(len, words), default=0), max(map(len, lines), default=0))


def _folded(column: Column, size: _Size) -> _Size:
    """Return the size with long words folded. Columns on the right hold figures, which are not."""
    if column.justify == "right":
        return size
    return size._replace(least=min(size.least, _FOLDED_WORD))


def _least_width(sizes: Sequence[_Size]) -> int:
    return sum(size.least for size in sizes) + _GAP * (len(sizes) - 1)


def _parts(sizes: Sequence[_Size], width: int) -> list[list[int]]:
    """Group the indices of columns into parts that fit, each led by the first column."""
    parts = [[0]]
    for index in range(1, len(sizes)):
        wider = [*parts[-1], index]
        if len(wider) > 2 and _least_width([sizes[i] for i in wider]) > width:
            parts.append([0])
        parts[-1].append(index)
    return parts


def _widths(sizes: Sequence[_Size], width: int) -> list[int]:
    """Divide the width: the widest columns are narrowed first, none below its longest word."""
    room = width - _GAP * (len(sizes) - 1)
    for limit in range(max(size.most for size in sizes), 0, -1):
        widths = [max(size.least, min(size.most, limit)) for size in sizes]
        if sum(widths) <= room:
            return widths
    return [size.least for size in sizes]


def _part(table: Table, indices: Sequence[int], widths: Sequence[int]) -> Table:
    """Return a table of some of the columns, of these widths."""
    part = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    columns = [table.columns[i] for i in indices]
    for column, width in zip(columns, widths, strict=True):
        part.add_column(column.header, justify=column.justify, width=width, overflow="fold")
    cells_of_rows = zip(*(column.cells for column in columns), strict=True)
    for row, cells in zip(table.rows, cells_of_rows, strict=True):
        part.add_row(*cells, style=row.style)
    return part
