"""Least values on a simplex with bounds, for many draws at once."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Objective: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Function from points, shape (draws, domains), to values, shape (draws,), and slopes."""

_STEPS, _BISECTIONS = 300, 45
_GROWTH, _CUT, _FIRST = 1.3, 0.4, 0.2
# A share of nothing never returns under steps that multiply.
_LEAST = 1e-9


def minimise(
    objective: Objective, start: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return points of least value, shape (draws, domains), whose rows sum to one within bounds.

    Steps multiply shares by exp(−step · slope), so that a steep slope at a small share moves it by
    no more than its own size; a draw's step is cut where its value would rise.
    """
    shares = _within(np.maximum(start, _LEAST), low, high)
    value, slope = objective(shares)
    step = np.full(len(shares), _FIRST) / np.maximum(np.abs(slope * shares).max(axis=1), _LEAST)
    for _ in range(_STEPS):
        centred = slope - (slope * shares).sum(axis=1, keepdims=True)
        moved = np.exp(np.clip(-step[:, None] * centred, -2.0, 2.0))
        trial = _within(np.maximum(shares * moved, _LEAST), low, high)
        new_value, new_slope = objective(trial)
        better = new_value <= value
        shares = np.where(better[:, None], trial, shares)
        slope = np.where(better[:, None], new_slope, slope)
        value = np.where(better, new_value, value)
        step = step * np.where(better, _GROWTH, _CUT)
    return shares


def _within(shares: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return shares times one factor a row, cut at the bounds, so that rows sum to one."""
    least, most = np.full(len(shares), -60.0), np.full(len(shares), 60.0)
    for _ in range(_BISECTIONS):
        middle = (least + most) / 2
        total = np.clip(shares * np.exp(middle)[:, None], low, high).sum(axis=1)
        least = np.where(total < 1, middle, least)
        most = np.where(total < 1, most, middle)
    return np.clip(shares * np.exp(most)[:, None], low, high)
