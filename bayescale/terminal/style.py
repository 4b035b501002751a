"""How pages set numbers, facts and tables, so that no figure is cut at any width.

A table is made with `table` and printed with `print_table`. Where the terminal is narrow, its
widest columns wrap at spaces; a cell without a space, such as a number, is never broken. Where even
that is too wide, the table is printed in parts, each with the first column.
"""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

# Cells between columns.
_GAP = 2
# A single word of text may be folded from this many cells on. A number is never so long.
_LONGEST_WORD = 24


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
    for columns in _parts(table.columns, console.width):
        console.print(_part(table, columns, console.width))


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

    >>> count(70.1e9), count(1.4e12)
    ('70.1B', '1.40T')
    """
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{number(value / size, 3)}{suffix}"
    return number(value, 3)


def scientific(value: float) -> str:
    """Return a number with two significant digits, as one types it.

    >>> scientific(1.44e24), scientific(2e13)
    ('1.4e24', '2e13')
    """
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def percent(share: float) -> str:
    """Return a share as a percentage that no line break divides."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _parts(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Group the columns into parts that fit, each led by the first column."""
    first, *others = columns
    parts = [[first]]
    for column in others:
        if len(parts[-1]) > 1 and _least_width([*parts[-1], column]) > width:
            parts.append([first])
        parts[-1].append(column)
    return parts


def _part(table: Table, columns: Sequence[Column], width: int) -> Table:
    """Return a table of some of the columns, each with the width that it may take."""
    part = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    room = width - _GAP * (len(columns) - 1)
    for column, cells in zip(columns, _widths(columns, room), strict=True):
        part.add_column(column.header, justify=column.justify, width=cells, overflow="fold")
    cells_of_rows = zip(*(column.cells for column in columns), strict=True)
    for row, cells_of_row in zip(table.rows, cells_of_rows, strict=True):
        part.add_row(*cells_of_row, style=row.style)
    return part


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """Divide the room: the widest columns are narrowed, none below its longest word."""
    most = [max(map(len, _lines(column))) for column in columns]
    least = [_longest_word(column) for column in columns]
    for limit in range(max(most), 0, -1):
        limited = [max(low, min(high, limit)) for low, high in zip(least, most, strict=True)]
        if sum(limited) <= room:
            return limited
    return least


def _least_width(columns: Sequence[Column]) -> int:
    return sum(map(_longest_word, columns)) + _GAP * (len(columns) - 1)


def _longest_word(column: Column) -> int:
    longest = max(len(word) for line in _lines(column) for word in [*line.split(" "), ""])
    # Words of a column on the right are figures.
    return longest if column.justify == "right" else min(longest, _LONGEST_WORD)


def _lines(column: Column) -> list[str]:
    """Return the heading and the cells of a column, line by line."""
    return [
        line for cell in (column.header, *column.cells) for line in [*str(cell).splitlines(), ""]
    ]
