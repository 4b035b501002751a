"""The page of a batch: a table for each law and noise model, then what went wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayescale._internal.discovery import describe
from bayescale.terminal import style
from bayescale.units import number

if TYPE_CHECKING:
    from pathlib import Path

    from bayescale.laws.base import Law

_STATUS_STYLES = {"good": "green", "doubtful": "yellow", "failed": "red"}
_MAX_MESSAGES = 8


def print_batch(frame: pd.DataFrame, laws: Sequence["Law"], folder: "Path") -> None:
    """Print a line for each data set, the messages of fits that went wrong, and where to look."""
    console = style.console()
    by_description = {describe(law): law for law in laws}
    for (law, noise), rows in frame.groupby(["law", "noise"], sort=False):
        style.print_table(console, _table(by_description[str(law)], str(noise), rows))
        console.print()
    _print_messages(console, frame)
    counts = frame["status"].value_counts().reindex(list(_STATUS_STYLES), fill_value=0)
    tally = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    console.print(f"{len(frame)} fits: {tally}.")
    console.print(
        f"{folder} has the posterior of each fit, and {folder / 'batch.csv'} has every number.",
        soft_wrap=True,
    )


def _table(law: "Law", noise: str, rows: pd.DataFrame) -> Table:
    """Return a table of means with the standard deviations below them."""
    names = [parameter.name for parameter in law.parameters]
    headings = ["data set", "runs", "status", *names]
    table = style.table(headings, left=["status"], title=f"{law.formula}, noise {noise}")
    for row in rows.to_dict("records"):
        _add_fit(table, row, names)
    return table


def _add_fit(table: Table, row: dict[Any, Any], names: Sequence[str]) -> None:
    status = row["status"]
    means: list[str | Text] = [row["data_set"], f"{row['n_runs']:,}"]
    means.append(Text(status, _STATUS_STYLES[status]))
    deviations = ["", "", ""]
    has_deviations = False
    for name in names:
        mean, sd = row[f"{name}_mean"], row[f"{name}_sd"]
        means.append("" if status == "failed" else number(mean))
        deviations.append(f"±\N{NO-BREAK SPACE}{number(sd, 2)}")
        has_deviations |= sd > 0
    style.add_row(table, means)
    if has_deviations:
        style.add_row(table, deviations, "dim")


def _print_messages(console: Console, frame: pd.DataFrame) -> None:
    """Print each message once, with the first fit that it concerns."""
    groups = []
    for status in ("failed", "doubtful"):
        of_status = frame[frame["status"] == status]
        for _, rows in of_status.groupby("message", sort=False):
            groups.append(rows)
    for rows in groups[:_MAX_MESSAGES]:
        first = rows.iloc[0]
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        text = f"{first['data_set']} ({first['law']}, {first['noise']}){others}: {first['message']}"
        console.print(Padding(Text(text), (0, 0, 0, 2)), style=_STATUS_STYLES[first["status"]])
    if len(groups) > _MAX_MESSAGES:
        console.print(f"  There are {len(groups) - _MAX_MESSAGES} more messages in batch.csv.")
