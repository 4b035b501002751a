"""The page of a check: what is understood of a table of runs, what was found about it, and what to
do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayescale.decisions.checks.check import Check
from bayescale.errors import InputError
from bayescale.findings._sweep import Sweep
from bayescale.findings.base import SEVERITIES
from bayescale.results import Json
from bayescale.runs import Runs
from bayescale.tables.reading import Reading
from bayescale.tables.roles import QUANTITIES
from bayescale.terminal import style
from bayescale.terminal.verdicts import print_findings
from bayescale.units import budgets, count, nominal_budgets, number

_MOST_LISTED = 8
_HEADINGS = {
    "refused": "Refused: a fit would not answer",
    "doubtful": "Doubtful: a fit would answer, and say this beside it",
    "note": "Notes",
}


@dataclass(frozen=True, eq=False)
class Understood:
    """Runs, and how they were read.

    Attributes
    ----------
    runs : Runs
    reading : Reading or None
        None for a data set of the catalogue, which has its own reader.
    """

    runs: Runs
    reading: Reading | None = None


def print_check(understood: Understood, check: Check) -> None:
    """Print what is understood: columns with their ranges, budgets, groups, and what was done. Then
    print the findings, the gravest first, or that there are none.
    """
    runs = understood.runs
    console = style.console()
    form = f", {understood.reading.format}" if understood.reading else ""
    source = f" ({runs.source}{form})" if runs.source else f" ({form.removeprefix(', ')})"
    console.print(f"{runs.name}: {len(runs)} runs{source}\n")
    columns = style.table(["column", "from", "unit", "least", "greatest"], left=["from", "unit"])
    for row in _columns(understood):
        columns.add_row(row["name"], row["from"], row["unit"], *_range_in_words(row))
    style.print_table(console, columns)
    console.print()
    facts = [
        ("budgets", _budgets_in_words(runs)),
        ("groups", _groups_in_words(runs)),
        ("others", ", ".join(_other_columns(runs)) or "none"),
    ]
    facts += [("note", note) for note in runs.notes]
    console.print(style.facts(facts))
    console.print()
    if not check.findings:
        console.print("Nothing is wrong with these runs.", style="green")
    for severity in SEVERITIES:
        found = [finding for finding in check.findings if finding.severity == severity]
        if found:
            console.print(f"{_HEADINGS[severity]}:", style="bold")
            print_findings(console, found, check.n_runs)


def as_record(understood: Understood, check: Check) -> dict[str, Json]:
    """Return the same as a dictionary for JSON."""
    judged = check.to_dict()
    runs, reading = understood.runs, understood.reading
    left_out = reading.left_out if reading else ()
    return {
        "name": runs.name,
        "source": runs.source,
        "format": reading.format if reading else None,
        "runs": len(runs),
        "columns": list(_columns(understood)),
        "budgets": _budgets(runs),
        "groups": _groups(runs),
        "other_columns": _other_columns(runs),
        "left_out": [{"rows": one.rows, "reason": one.reason} for one in left_out],
        "notes": runs.notes,
        "data_sha256": runs.sha256,
        "verdict": judged["verdict"],
        "findings": judged["findings"],
    }


def _columns(understood: Understood) -> Iterator[dict[str, Json]]:
    """Yield each standard column: where it comes from, its unit and its range."""
    frame = understood.runs.frame
    if understood.reading is None:
        for name in QUANTITIES:
            if name in frame:
                unit = understood.runs.loss_unit if name == "loss" else ""
                yield _column(understood.runs, name, name, unit)
        return
    for one in understood.reading.columns:
        yield _column(understood.runs, one.name, one.origin, one.unit)


def _column(runs: Runs, name: str, origin: str, unit: str) -> dict[str, Json]:
    column: dict[str, Json] = {"name": name, "from": origin, "unit": unit}
    column |= {"least": None, "greatest": None}
    if name in runs.frame and runs.frame[name].dtype.kind == "f":
        column["least"] = float(runs.frame[name].min())
        column["greatest"] = float(runs.frame[name].max())
    return column


def _range_in_words(row: dict[str, Json]) -> tuple[str, str]:
    if row["least"] is None:
        return "", ""
    shown = count if row["name"] in ("n_params", "n_tokens") else number
    return shown(row["least"]), shown(row["greatest"])


def _compute(runs: Runs) -> np.ndarray | None:
    try:
        return runs.column("flops")
    except InputError:
        return None


def _budgets(runs: Runs) -> list[dict[str, Json]]:
    """Return the compute budgets, FLOPs, each with its number of runs."""
    compute = _compute(runs)
    labels = None if compute is None else Sweep.of(runs.frame).budgets
    if compute is None or labels is None:
        return []
    sizes = np.bincount(labels)
    nominal = nominal_budgets(labels, compute)
    return [
        {"flops": float(budget), "runs": int(size)}
        for budget, size in zip(nominal, sizes, strict=True)
    ]


def _budgets_in_words(runs: Runs) -> str:
    compute = _compute(runs)
    if compute is None:
        return "unknown without compute, or parameters and tokens"
    found = _budgets(runs)
    if not found:
        return f"none: {_why_no_budgets(compute)}"
    listed = ", ".join(f"{one['flops']:.3g} ({one['runs']})" for one in found[:_MOST_LISTED])
    more = len(found) - _MOST_LISTED
    return f"{len(found)}, FLOPs (runs): {listed}" + (f" and {more} more" if more > 0 else "")


def _why_no_budgets(compute: np.ndarray) -> str:
    try:
        budgets(compute)
    except InputError as error:
        return str(error)
    return ""


def _groups(runs: Runs) -> dict[str, int]:
    """Return how many runs each group has, the largest first."""
    if "group" not in runs.frame:
        return {}
    sizes = runs.frame["group"].value_counts()
    return {str(group): int(size) for group, size in sizes.items()}


def _groups_in_words(runs: Runs) -> str:
    groups = _groups(runs)
    if not groups:
        return "none"
    shown = list(groups.items())[:_MOST_LISTED]
    listed = ", ".join(f"{group} ({size})" for group, size in shown)
    more = len(groups) - len(shown)
    return f"{len(groups)}: {listed}" + (f" and {more} more" if more else "")


def _other_columns(runs: Runs) -> list[str]:
    """Return the columns that no fit uses by itself."""
    return [str(column) for column in runs.frame if column not in (*QUANTITIES, "group")]
