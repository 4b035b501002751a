"""How the command line sets tables and numbers."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def console() -> Console:
    """Standard output, where text of others is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False)


def table(first: str, *others: str, left: Sequence[str] = (), title: str | None = None) -> Table:
    """Columns of numbers on the right, of words on the left; the last column is the one to wrap,
    where it is of words.
    """
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    made.add_column(first, no_wrap=True)
    for heading in others:
        wraps = heading in left and heading == others[-1]
        made.add_column(heading, justify="left" if heading in left else "right", no_wrap=not wraps)
    return made


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """What is known, a heading and a text each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    table.add_row("", "")
    return table


def number(value: float, digits: int = 4) -> str:
    """Four digits that count, or as many as asked: 0.3478, 482.0, 2,085, 1.204e+07."""
    if not math.isfinite(value):
        return "-"
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}" if value else "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"


def count(value: float) -> str:
    """Three digits with K, M, B or T: 70.1B, 1.4T."""
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{number(value / size, 3)}{suffix}"
    return number(value, 3)
