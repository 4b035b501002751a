"""What the command line prints of data sets, laws and devices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bayescale import terminal_style as style
from bayescale._internal.discovery import describe

if TYPE_CHECKING:
    import pandas as pd

    from bayescale.datasets.descriptor import Descriptor
    from bayescale.datasets.published import PublishedTable
    from bayescale.laws.base import Law


def print_catalogue(table: "pd.DataFrame", published: "pd.DataFrame") -> None:
    """One line a data set, and one a table of published figures."""
    shown = style.table("name", "runs", "of rows", "comes", "title", left=("comes", "title"))
    for row in table.to_dict("records"):
        comes = "embedded" if row["embedded"] else "fetched"
        shown.add_row(
            row["name"], str(row["loaded"] or "-"), f"{row['runs']:,}", comes, row["title"]
        )
    console = style.console()
    console.print(shown)
    console.print(
        "`bayescale fit NAME` fits the runs; `bayescale datasets show NAME` says which rows they "
        "are, and what they measure."
    )
    figures = style.table(
        "published figures", "rows", "verified", "title", left=("verified", "title")
    )
    for row in published.to_dict("records"):
        figures.add_row(
            row["name"], str(row["rows"]), "yes" if row["verified"] else "no", row["title"]
        )
    console.print()
    console.print(figures)
    console.print(
        "They hold no runs and come with bayescale. Verified: compared with a second source."
    )


def print_published(about: "PublishedTable", table: "pd.DataFrame") -> None:
    """All facts of a table of published figures, and its rows."""
    rows = [
        ("source", f"{about.authors}, {about.year}: {about.source}; {about.address}"),
        ("licence", about.licence),
        ("verified", about.verified or "no, not compared with a second source"),
        *about.columns.items(),
        *(("note", text) for text in about.notes),
    ]
    console = style.console()
    console.print(f"{about.name}: {about.title}\n")
    console.print(style.facts(rows))
    words = [str(column) for column in table if table[column].dtype.kind == "O"]
    shown = style.table(*table.columns, left=words)
    for column in shown.columns[1:]:
        if column.header in words:
            column.no_wrap, column.overflow = False, "fold"
    for row in table.to_dict("records"):
        shown.add_row(*(_cell(name, value) for name, value in row.items()))
    console.print(shown)


def print_descriptor(about: "Descriptor") -> None:
    """All facts of a data set."""
    rows = [
        ("paper", f"{about.authors} {about.year}, {about.paper}"),
        ("licence", about.licence),
        ("loss", about.loss_units),
        *((name, text) for name, text in about.n_params.items()),
        ("n_tokens", f"D counts {about.n_tokens_counts}"),
        ("rows", f"{about.rows:,}, of which {about.loaded:,} are fitted unless asked otherwise"),
        *(
            ("only rows", f"{column} is {' or '.join(map(str, values))}")
            for column, values in about.select.items()
        ),
        *(
            ("left out", f"rows where {column} is 1, unless --keep-suspect")
            for column in filter(None, [about.suspect])
        ),
        *(("refused", f"{reason}.") for reason in filter(None, [about.refusal])),
        *(("outliers", text) for text in about.known_outliers),
        *(("note", text) for text in about.notes),
    ]
    for name, facts in about.published_fits.items():
        words = " ".join(
            f"{key}={value:g}" if isinstance(value, int | float) else f"{value};"
            for key, value in facts.items()
        )
        rows.append(("published", f"{name}: {words}"))
    first, *others = about.originals
    more = f" and {len(others):,} more" if others else ""
    rows.append(
        ("originals", "come with bayescale" if about.embedded else f"{first.address}{more}")
    )
    console = style.console()
    console.print(f"{about.name}: {about.title}\n")
    console.print(style.facts(rows))


def print_laws(laws: Mapping[str, "Law"]) -> None:
    """Stage by stage: formula, inputs, parameters and paper of each law."""
    from bayescale.laws.base import STAGES

    console = style.console()
    for stage in STAGES:
        console.print(f"{stage}\n")
        rows = []
        for name, law in laws.items():
            if law.stage == stage:
                fitted = ", ".join(parameter.name for parameter in law.parameters)
                rows.append(
                    (
                        name,
                        f"{law.formula}\nfits {fitted} to {', '.join(law.inputs)} and "
                        f"{law.response}\n{law.paper}",
                    )
                )
        console.print(style.facts(rows))
    console.print("`bayescale laws show NAME` has priors, options and published constants.")


def print_law(law: "Law") -> None:
    """Formula, parameters with their priors, paper and published constants."""
    from bayescale.responses import RESPONSES

    console = style.console()
    console.print(f"{describe(law)}: {law.title}\n")
    response = RESPONSES[law.response]
    rows = {
        "formula": law.formula,
        "inputs": ", ".join(law.inputs),
        "predicts": f"{response.column}, {response.unit}; fitted on its {response.scale}",
        "options": _options(law),
        "paper": law.paper,
    }
    console.print(style.facts(list(rows.items())))
    table = style.table("parameter", "prior", "meaning", left=("prior", "meaning"))
    for parameter in law.parameters:
        table.add_row(parameter.name, parameter.prior_in_words, parameter.doc)
    console.print(table)
    console.print(
        "Priors hold in the units of the data, where loss and each input are divided by their "
        "geometric mean over the runs, "
        "so that no prior depends on units; meanings are in counts and nats per token, as fits are "
        "printed. A response that is "
        "fitted as it is has its mean taken off instead."
    )
    if law.published:
        names = [parameter.name for parameter in law.parameters]
        published = style.table(*names, "published", left=("published",))
        for one in law.published:
            published.add_row(
                *(style.number(one.params.get(name, math.nan)) for name in names), one.source
            )
        console.print()
        console.print(published)


def print_devices(version: str, devices: Sequence[Mapping[str, Any]]) -> None:
    """What JAX sees, and what runs where."""
    console = style.console()
    console.print(f"JAX {version}, platform {devices[0]['platform']}")
    table = style.table("device", "kind", "process", "memory", left=("kind",))
    for row in devices:
        memory = f"{row['memory'] / 2**30:.1f} GiB" if row["memory"] else "-"
        table.add_row(str(row["id"]), row["kind"], str(row["process"]), memory)
    console.print(table)
    if len(devices) == 1:
        console.print("Everything runs on it.")
    else:
        console.print(
            f"Starts, replicates, chains, grids and batches are shared out among all "
            f"{len(devices)}."
        )


def _cell(column: Any, value: Any) -> str:
    """As it is printed in the paper, counts with K, M, B or T."""
    if isinstance(value, str):
        return value
    if column.startswith(("n_params", "n_tokens")) and value >= 1e3:
        return style.count(value)
    return f"{value:g}" if value == value else "-"


def _options(law: "Law") -> str:
    return (
        ", ".join(f"{field.name}={str(field.default).lower()}" for field in fields(law)) or "none"
    )  # type: ignore[arg-type]
