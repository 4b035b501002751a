"""Pages of data sets: the catalogue, one data set, one table of published figures."""

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from bayescale.terminal import style
from bayescale.units import count

if TYPE_CHECKING:
    from bayescale.datasets.descriptor import Descriptor
    from bayescale.datasets.published import PublishedTable

_Facts = list[tuple[str, str]]


def print_catalogue(data_sets: "pd.DataFrame", published: "pd.DataFrame") -> None:
    """Print a line for each data set, and one for each table of published figures."""
    console = style.console()
    headings = ["name", "runs", "of rows", "comes", "title"]
    table = style.table(headings, left=["comes", "title"])
    for row in data_sets.to_dict("records"):
        comes = "embedded" if row["embedded"] else "fetched"
        table.add_row(
            row["name"], str(row["loaded"] or "-"), f"{row['runs']:,}", comes, row["title"]
        )
    style.print_table(console, table)
    console.print(
        "`bayescale fit NAME` fits the runs. `bayescale datasets show NAME` says which rows they "
        "are, and what they measure."
    )
    console.print()
    headings = ["published figures", "rows", "verified", "title"]
    figures = style.table(headings, left=["verified", "title"])
    for row in published.to_dict("records"):
        verified = "yes" if row["verified"] else "no"
        figures.add_row(row["name"], str(row["rows"]), verified, row["title"])
    style.print_table(console, figures)
    console.print(
        "These tables hold no runs and come with bayescale. Verified: the figures were compared "
        "with a second source."
    )


def print_published(about: "PublishedTable", figures: "pd.DataFrame") -> None:
    """Print all facts of a table of published figures, and its rows."""
    facts: _Facts = [
        ("source", f"{about.authors}, {about.year}: {about.source}; {about.address}"),
        ("licence", about.licence),
        ("verified", about.verified or "no, not compared with a second source"),
    ]
    facts += about.columns.items()
    facts += [("note", text) for text in about.notes]
    console = style.console()
    console.print(f"{about.name}: {about.title}\n")
    console.print(style.facts(facts))
    cells = pd.DataFrame(index=figures.index)
    for column, values in figures.items():
        cells[str(column)] = values.map(partial(_figure, str(column)))
    words = [str(column) for column in figures if figures[column].dtype.kind == "O"]
    style.print_table(console, style.table_of(cells, left=words))


def print_descriptor(about: "Descriptor") -> None:
    """Print all facts of a data set."""
    facts: _Facts = [
        ("paper", f"{about.authors} {about.year}, {about.paper}"),
        ("licence", about.licence),
        ("loss", about.loss_units),
    ]
    facts += about.n_params.items()
    facts.append(("n_tokens", f"D counts {about.n_tokens_counts}"))
    facts += _row_facts(about)
    facts += [("outliers", text) for text in about.known_outliers]
    facts += [("note", text) for text in about.notes]
    facts += _published_fits(about)
    facts.append(("originals", _originals(about)))
    console = style.console()
    console.print(f"{about.name}: {about.title}\n")
    console.print(style.facts(facts))


def _row_facts(about: "Descriptor") -> _Facts:
    """Return which rows are fitted, and why others are not."""
    facts: _Facts = [("rows", f"{about.rows:,}, of which {about.loaded:,} are fitted by default")]
    for column, values in about.select.items():
        alternatives = " or ".join(map(str, values))
        facts.append(("only rows", f"where {column} is {alternatives}"))
    if about.suspect:
        facts.append(("left out", f"rows where {about.suspect} is 1, except with --keep-suspect"))
    if about.refusal:
        facts.append(("refused", f"{about.refusal}."))
    return facts


def _published_fits(about: "Descriptor") -> _Facts:
    facts: _Facts = []
    for name, constants in about.published_fits.items():
        words = []
        for key, value in constants.items():
            is_number = isinstance(value, int | float)
            words.append(f"{key}={value:g}" if is_number else f"{value};")
        facts.append(("published", f"{name}: {' '.join(words)}"))
    return facts


def _originals(about: "Descriptor") -> str:
    if about.embedded:
        return "come with bayescale"
    first = about.originals[0].address
    if len(about.originals) == 1:
        return first
    return f"{len(about.originals):,} files, the first of them in {first.rpartition('/')[0]}"


def _figure(column: str, value: object) -> str:
    """Return a figure as the paper prints it, and a count with K, M, B or T."""
    if not isinstance(value, int | float):
        return str(value)
    if column.startswith(("n_params", "n_tokens")) and value >= 1e3:
        return count(value)
    return f"{value:g}" if value == value else "-"
