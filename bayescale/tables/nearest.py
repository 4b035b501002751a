"""Headings of a table that come nearest to a column it lacks, each with a reason."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from bayescale.tables.cells import Mark, values_of
from bayescale.tables.columns import is_in_per_cent, listed, quoted
from bayescale.tables.headings import heading, headings_of
from bayescale.tables.roles import INGREDIENTS, QUANTITIES, SURE, Role, names_an_accuracy, role_of

_MOST = 3
_ALIKE = 0.6
# Reasons by which a heading is near and yet not the column.
_UNUSABLE = ("an accuracy", "per cent", "tokens follow")
_USUAL_RANGES = {"n_params": (1e5, 1e13), "n_tokens": (1e5, 1e15), "loss": (0.2, 15.0)}


def lacking(names: Sequence[str], frame: pd.DataFrame, where: str) -> str:
    """Return the sentence on columns that a table lacks, with the nearest of its own headings.

    Parameters
    ----------
    names : sequence of str
        Standard names.
    frame : DataFrame
        The table.
    where : str
        Name of the table.
    """
    name = names[0]
    means = role_of(name).means
    near = _nearest(name, frame)
    sentence = f"{where} has no column {', '.join(names)}; it has {listed(list(frame))}. "
    if not near:
        example = f"{name}='HEADING', or --column {name}=HEADING"
        return f"{sentence}Say which heading has {means}, for example {example} at a terminal."
    reasons = ", ".join(f"{text!r} ({reason})" for text, reason in near)
    sentence += f"Nearest to {means}: {reasons}. "
    usable = [text for text, reason in near if not reason.startswith(_UNUSABLE)]
    if not usable:
        return f"{sentence}Add a column {name}, or fit a law of what is there."
    text = usable[0]
    return (
        f"{sentence}Say which heading to use, for example {name}={text!r}, or --column "
        f"{name}={quoted(text)} at a terminal."
    )


def _nearest(name: str, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the nearest headings, the nearest first, each with a reason."""
    found = []
    for text in headings_of(frame):
        score, reason = _likeness(name, text, frame[text])
        if reason:
            found.append((score, text, reason))
    found.sort(key=lambda one: -one[0])
    return [(text, reason) for _, text, reason in found[:_MOST]]


def _likeness(name: str, text: str, cells: pd.Series) -> tuple[float, str]:
    """Return how near a heading comes to a name, and why; no reason where it is far off."""
    values = _values(cells)
    if not len(values):
        return 0.0, ""
    spread = f"{values.min():.4g} to {values.max():.4g}"
    if name == "loss" and names_an_accuracy(text):
        return 0.5, f"an accuracy by its name and no loss; {spread}"
    if name == "loss" and is_in_per_cent(cells):
        return 0.3, f"per cent, perhaps an accuracy and no loss; {spread}"
    score = role_of(name).score(heading(text)) / 100
    if score:
        return 1 + score, f"its name says so, less surely; {spread}"
    if _is_something_else(name, text):
        return 0.0, ""
    if name == "n_tokens" and _is_ingredient(text):
        return 0.4, f"tokens follow from steps, batch and sequence length together; {spread}"
    alike = SequenceMatcher(None, name, " ".join(heading(text).words)).ratio()
    if alike >= _ALIKE:
        return alike, f"a name like it; {spread}"
    low, high = _USUAL_RANGES.get(name, (np.inf, -np.inf))
    if low <= values.min() and values.max() <= high:
        return 0.3, f"numbers of that size, {spread}"
    return 0.0, ""


def _is_ingredient(text: str) -> bool:
    """Return whether tokens could be derived from a column, with others."""
    return _means_one_of(INGREDIENTS.values(), text)


def _is_something_else(name: str, text: str) -> bool:
    """Return whether a heading surely means another of the numbers that a fit is about."""
    others = [role for role in QUANTITIES.values() if role.name != name]
    return _means_one_of(others, text)


def _means_one_of(roles: Iterable[Role], text: str) -> bool:
    """Return whether a heading surely names one of these roles."""
    parts = heading(text)
    return any(role.score(parts) >= SURE for role in roles)


def _values(cells: pd.Series) -> np.ndarray:
    """Return the finite numbers among cells."""
    values = values_of(cells, Mark.POINT)
    return values[np.isfinite(values)]
