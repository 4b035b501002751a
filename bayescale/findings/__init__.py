"""Findings about a table of runs before any fit, one rule a file."""

from collections.abc import Iterator, Sequence
from functools import cache

import pandas as pd

from bayescale._internal.discovery import entry, names
from bayescale.errors import InputError
from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, REFUSED, SEVERITIES, Finding, Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of this folder, in the order of their names."""
    return tuple(entry(__name__, name)() for name in names(__name__))


def examine(
    frame: pd.DataFrame, inputs: Sequence[str] | None = None, response: str = "loss"
) -> tuple[Finding, ...]:
    """Return what a careful reader would say about a checked table, the gravest first.

    Parameters
    ----------
    frame : DataFrame
        Of `Runs`.
    inputs : sequence of str, optional
        Columns that a law takes; all that the table has where none are given.
    response : str
        Column that the law predicts.
    """
    sweep = Sweep.of(frame, inputs, response)
    found: list[Finding] = []
    for rule in rules():
        found += rule.find(sweep)
    return tuple(sorted(found, key=_gravity))


def on_reading(frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield the findings that are warned of when a table is read."""
    sweep = Sweep.of(frame)
    for rule in rules():
        if rule.on_reading:
            yield from rule.find(sweep)


def refuse(findings: Sequence[Finding], name: str) -> None:
    """Raise InputError where a finding is certain enough to refuse the runs.

    Parameters
    ----------
    findings : sequence of Finding
    name : str
        Name of the runs, for the message.
    """
    for finding in findings:
        if finding.severity == REFUSED:
            raise InputError(f"{name}: {finding}")


def unread(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the doubtful findings that nobody was warned of when the table was read."""
    known = {rule.code for rule in rules() if rule.on_reading}
    for finding in findings:
        if finding.severity == DOUBTFUL and finding.code not in known:
            yield finding


def _gravity(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)
