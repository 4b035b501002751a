"""The page of a batch: a table for each law and noise model, then what went wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayescale._internal.discovery import describe
from bayescale.terminal import style

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayescale.laws.base import Law

_STATUS_STYLES = {"good": "green", "doubtful": "yellow", "failed": "red"}
_MAX_MESSAGES = 8


def print_batch(frame: "pd.DataFrame", laws: Sequence["Law"], folder: "Path") -> None:
    """Print a line for each data set, the messages of fits that went wrong, and where to look."""
    console = style.console()
    for (text, noise), rows in frame.groupby(["law", "noise"], sort=False):
        law = next(law for law in laws if describe(law) == text)
        style.print_table(console, _table(law, str(noise), rows))
        console.print()
    _print_messages(console, frame)
    counts = frame["status"].value_counts()
    tally = ", ".join(f"{counts[status]} {status}" for status in _STATUS_STYLES if status in counts)
    console.print(f"{len(frame)} fits: {tally}.")
    console.print(
        f"{folder} has the posterior of each fit, and {folder / 'batch.csv'} has every number.",
        soft_wrap=True,
    )


def _table(law: "Law", noise: str, rows: "pd.DataFrame") -> Table:
    """Return a table of means with the standard deviations below them."""
    names = [parameter.name for parameter in law.parameters]
    title = f"{law.formula}, noise {noise}"
    table = style.table("data set", "runs", "status", *names, left=("status",), title=title)
    for row in rows.to_dict("records"):
        status = Text(row["status"], _STATUS_STYLES[row["status"]])
        failed = row["status"] == "failed"
        means = ["" if failed else style.number(row[f"{name}_mean"]) for name in names]
        table.add_row(row["data_set"], f"{row['n_runs']:,}", status, *means)
        sds = [row[f"{name}_sd"] for name in names]
        if any(sd > 0 for sd in sds):
            deviations = [f"±\N{NO-BREAK SPACE}{style.number(sd, 2)}" for sd in sds]
            table.add_row("", "", "", *deviations, style="dim")
    return table


def _print_messages(console: Console, frame: "pd.DataFrame") -> None:
    """Print each message once, with the first fit that it concerns."""
    groups = [
        rows
        for status in ("failed", "doubtful")
        for _, rows in frame[frame["status"] == status].groupby("message", sort=False)
    ]
    for rows in groups[:_MAX_MESSAGES]:
        first = rows.iloc[0]
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        text = f"{first['data_set']} ({first['law']}, {first['noise']}){others}: {first['message']}"
        console.print(Padding(Text(text), (0, 0, 0, 2)), style=_STATUS_STYLES[first["status"]])
    if len(groups) > _MAX_MESSAGES:
        console.print(f"  There are {len(groups) - _MAX_MESSAGES} more messages in batch.csv.")
