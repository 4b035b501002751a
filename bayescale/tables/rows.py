"""Rows of a table: which can be used, which are left out and why, and which are refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.columns import Chosen, described
from bayescale.tables.labels import unfinished
from bayescale.tables.roles import INGREDIENTS, OPTIONAL
from bayescale.units import SHARE

# All other numbers are positive.
_MAY_BE_NIL = ("n_correct", "accuracy")
_OF_ANY_SIGN = ("relative_loss", "score", "error")
_MOST_LISTED = 6


@dataclass(frozen=True)
class LeftOut:
    """Rows that are left out.

    Attributes
    ----------
    rows : tuple of int
        Counted from one, headings aside.
    reason : str
    """

    rows: tuple[int, ...]
    reason: str

    def __str__(self) -> str:
        count = len(self.rows)
        if count == 1:
            return f"Row {self.rows[0]} is left out: {self.reason}."
        return f"{count} rows are left out: {self.reason} ({rows_in_words(self.rows)})."


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table.

    Attributes
    ----------
    kept : array of int
        Positions, counted from zero.
    left_out : tuple of LeftOut
    set_aside : tuple of str
        Names of columns that are not needed and lack cells.
    """

    kept: np.ndarray
    left_out: tuple[LeftOut, ...] = ()
    set_aside: tuple[str, ...] = ()


def usable_rows(
    frame: pd.DataFrame,
    values: Mapping[str, np.ndarray],
    chosen: Mapping[str, Chosen],
    required: Sequence[str] | None,
    where: str,
) -> Rows:
    """Return which rows can be used.

    A row is left out where a number that the fit needs is missing, its loss is not finite, or its
    run did not finish.

    Parameters
    ----------
    frame : DataFrame
        Cells as they stand in the source.
    values : mapping of str to array
        Numbers by name, NaN where a cell is missing.
    chosen : mapping of str to Chosen
    required : sequence of str, optional
        Names of the numbers that the fit needs; by default loss, parameters and tokens, and compute
        where one of the two is lacking.
    where : str
        Name of the table, for messages.

    Raises
    ------
    InputError
        Where no row can be used, or a number of a row that is used is not positive or not finite.
    """
    needed = _needed(values, required)
    reasons = unfinished(frame)
    for row in range(len(frame)):
        reason = _missing(row, values, needed)
        if reason and row not in reasons:
            reasons[row] = reason
    kept = np.array([row for row in range(len(frame)) if row not in reasons], dtype=int)
    left_out = _grouped(reasons)
    if not len(kept):
        raise InputError(f"{where} has no row that can be used. {' '.join(map(str, left_out))}")
    set_aside = []
    for name, column in values.items():
        if name not in needed and np.isnan(column[kept]).any() and name != "flops":
            _refuse_gaps(chosen[name], column, kept, where)
            set_aside.append(name)
            continue
        _refuse_bad(chosen[name], column, kept, where)
    return Rows(kept, left_out, tuple(set_aside))


def rows_in_words(rows: Sequence[int]) -> str:
    """Return row numbers as text: ``rows 3, 7 and 9``, ``rows 4 to 20``, ``rows 3, … and 40
    more``.
    """
    first, last = rows[0], rows[-1]
    if len(rows) > 2 and last - first == len(rows) - 1:
        return f"rows {first} to {last}"
    if len(rows) > _MOST_LISTED:
        shown = ", ".join(map(str, rows[: _MOST_LISTED - 1]))
        return f"rows {shown} and {len(rows) - _MOST_LISTED + 1} more"
    return f"rows {', '.join(map(str, rows[:-1]))} and {last}"


def _needed(values: Mapping[str, np.ndarray], required: Sequence[str] | None) -> list[str]:
    if required is not None:
        return [name for name in required if name in values] + _ingredients(values, required)
    needed = [name for name in ("n_params", "n_tokens", "loss") if name in values]
    if "flops" in values and len(set(needed) & {"n_params", "n_tokens"}) < 2:
        needed.append("flops")
    return needed + _ingredients(values, ("n_tokens",))


def _ingredients(values: Mapping[str, np.ndarray], required: Sequence[str]) -> list[str]:
    """Return the numbers from which tokens follow, where tokens are needed and not there."""
    if "n_tokens" in values or "n_tokens" not in required:
        return []
    return [name for name in INGREDIENTS if name in values]


def _missing(row: int, values: Mapping[str, np.ndarray], needed: Iterable[str]) -> str:
    """Return why a row cannot be used; empty where it can."""
    absent = [name for name in needed if np.isnan(values[name][row])]
    if absent:
        return f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing"
    loss = values.get("loss")
    if loss is not None and np.isinf(loss[row]):
        return "loss is not finite"
    return ""


def _grouped(reasons: Mapping[int, str]) -> tuple[LeftOut, ...]:
    """Return the rows of each reason, in the order of the first."""
    rows_of: dict[str, list[int]] = {}
    for row in sorted(reasons):
        rows_of.setdefault(reasons[row], []).append(row + 1)
    return tuple(LeftOut(tuple(rows), reason) for reason, rows in rows_of.items())


def _refuse_gaps(chosen: Chosen, column: np.ndarray, kept: np.ndarray, where: str) -> None:
    """Refuse gaps in a column by which rows are weighed, whose rows may not be guessed."""
    if chosen.name in OPTIONAL:
        row = int(kept[np.isnan(column[kept])][0])
        raise InputError(
            f"{where}, row {row + 1}, column {described(chosen)}: the number is missing; fill it "
            f"in or drop the row."
        )


def faults(name: str, numbers: np.ndarray) -> list[tuple[np.ndarray, str, str]]:
    """Return masks of the numbers that a column of this standard name may not hold, each with what
    is wrong and a remedy.
    """
    found = [(np.isinf(numbers), "is not finite", "fill it in or drop the row")]
    if name in _MAY_BE_NIL:
        found.append((numbers < 0, "is negative", "mend it or drop the row"))
    elif name.startswith(SHARE):
        outside = (numbers < 0) | (numbers > 1)
        found.append((outside, "is no share", "give shares of one, from 0 to 1"))
    elif name not in _OF_ANY_SIGN:
        remedy = "these are counts and losses, so mend it or drop the row"
        found.append((numbers <= 0, "is not positive", remedy))
    return found


def _refuse_bad(chosen: Chosen, column: np.ndarray, kept: np.ndarray, where: str) -> None:
    numbers = column[kept]
    for bad, what, remedy in faults(chosen.name, numbers):
        if bad.any():
            first = int(np.argmax(bad))
            others = f" (and so in {bad.sum() - 1} more rows)" if bad.sum() > 1 else ""
            raise InputError(
                f"{where}, row {kept[first] + 1}, column {described(chosen)}: {numbers[first]:g} "
                f"{what}{others}; {remedy}."
            )
