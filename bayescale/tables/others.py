"""Columns without a role: the same cells give the same column, whatever the format."""

import math
from functools import partial

import numpy as np
import pandas as pd

from bayescale.tables.cells import Cell, Mark, mark_of, missing, number_of

_LARGEST_WHOLE = 2.0**53
_TRUTHS = {"true": True, "false": False}


def canonical(cells: pd.Series, mark: Mark | None) -> pd.Series:
    """Return cells as whole numbers, numbers, truth values or texts: the first that all are.

    Parameters
    ----------
    cells : Series
        Cells as they stand in the source.
    mark : Mark or None
        Decimal mark of the table; None where nothing shows one.
    """
    absent = missing(cells)
    present = cells[~absent]
    truths = present.map(_truth)
    if len(truths) == len(cells) and truths.notna().all():
        return truths.astype(bool)
    own = mark_of(present)
    values = _plain_numbers(present, own.pop() if len(own) == 1 else mark or Mark.POINT)
    if values.isna().any() or not len(values):
        return present.map(_text).astype(object).reindex(cells.index).where(~absent, None)
    is_whole = np.isfinite(values).all() and (values % 1 == 0).all()
    if is_whole and not absent.any() and values.abs().max() < _LARGEST_WHOLE:
        return values.astype(np.int64)
    return values.reindex(cells.index)


def _plain_numbers(cells: pd.Series, mark: Mark) -> pd.Series:
    """Return cells as numbers; NaN where one is more than digits."""
    return cells.map(partial(_plain_number, mark=mark)).astype(np.float64)


def _plain_number(cell: Cell, mark: Mark) -> float:
    number = number_of(cell, mark)
    return number.value if number and number.is_plain else math.nan


def _truth(cell: Cell) -> bool | None:
    if isinstance(cell, bool):
        return cell
    return _TRUTHS.get(cell.strip().lower()) if isinstance(cell, str) else None


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
