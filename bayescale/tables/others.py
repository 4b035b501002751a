"""Columns without a role: the same cells give the same column, whatever the format."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayescale.tables.cells import Cell, Mark, Number, is_missing, mark_of, number_of

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
    present = [cell for cell in cells if not is_missing(cell)]
    truths = [_truth(cell) for cell in present]
    if truths and len(truths) == len(cells) and None not in truths:
        return pd.Series(truths, index=cells.index, dtype=bool)
    own = mark_of(present)
    numbers = _plain_numbers(present, own.pop() if len(own) == 1 else mark or Mark.POINT)
    if numbers is None or not numbers:
        texts = [None if is_missing(cell) else _text(cell) for cell in cells]
        return pd.Series(texts, index=cells.index, dtype=object)
    values = np.full(len(cells), np.nan)
    values[[not is_missing(cell) for cell in cells]] = numbers
    is_whole = np.all(np.isfinite(values)) and np.all(values % 1 == 0)
    if is_whole and np.abs(values).max() < _LARGEST_WHOLE:
        return pd.Series(values.astype(np.int64), index=cells.index)
    return pd.Series(values, index=cells.index)


def _plain_numbers(cells: Sequence[Cell], mark: Mark) -> list[float] | None:
    """Return cells as numbers, or None where one of them is more than digits."""
    numbers: list[Number | None] = [number_of(cell, mark) for cell in cells]
    found = [number.value for number in numbers if number and number.is_plain]
    return found if len(found) == len(cells) else None


def _truth(cell: Cell) -> bool | None:
    if isinstance(cell, bool):
        return cell
    return _TRUTHS.get(cell.strip().lower()) if isinstance(cell, str) else None


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
