"""Losses of curves averaged over windows, each point of a shared trunk once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.curves.curves import Curves, enough
from bayescale.curves.schedule import Schedule

_WINDOWS, _IN_DECAY, _LAST = 30, 14, 4
_SKIPPED = 0.08


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one run, as a fit takes them.

    Attributes
    ----------
    run : str
    schedule : Schedule
    steps, losses, counts : array, shape (points,)
        Mean step and mean loss of a window, and how many logged losses it has.
    trunk : int
        Runs of one number share points: they are branches of one run.
    """

    run: str
    schedule: Schedule
    steps: np.ndarray
    losses: np.ndarray
    counts: np.ndarray
    trunk: int


def points_of(curves: Curves) -> list[Points]:
    """Return the points of all runs, after their warm-up.

    Losses are averaged over windows that are equally long in the logarithm of the steps, and
    shorter where the learning rate falls. Points that several runs share count once.
    """
    trunk_of: dict[str, int] = {}
    owner: dict[tuple[float, float], str] = {}
    found = []
    for number, run in enumerate(curves.runs):
        rows = curves.of(run)
        rows = rows[rows["loss"].notna()]
        schedule = curves.schedule(run)
        last = float(rows["step"].max()) if len(rows) else 0.0
        rows = rows[rows["step"] >= max(warmed_at(schedule), _SKIPPED * last)]
        enough(len(rows), run)
        pairs = list(zip(rows["step"], rows["loss"], strict=True))
        shared = [pair in owner for pair in pairs]
        first = owner[pairs[shared.index(True)]] if any(shared) else ""
        trunk_of[run] = trunk_of[first] if first else number
        owner |= {pair: run for pair in pairs if pair not in owner}
        own = rows[~np.array(shared)]
        if len(own):
            found.append(_windowed(run, schedule, own, trunk_of[run]))
    return found


def warmed_at(schedule: Schedule) -> float:
    """Return the step at which a warm-up has ended."""
    highest = schedule.rates >= 0.999 * schedule.peak
    return float(schedule.steps[np.argmax(highest)])


def _windowed(run: str, schedule: Schedule, rows: pd.DataFrame, trunk: int) -> Points:
    steps, losses = rows["step"].to_numpy(), rows["loss"].to_numpy()
    starts = _starts(steps, schedule)
    counts = np.diff(np.append(starts, len(steps)))
    return Points(
        run,
        schedule,
        np.add.reduceat(steps, starts) / counts,
        np.add.reduceat(losses, starts) / counts,
        counts,
        trunk,
    )


def _starts(steps: np.ndarray, schedule: Schedule) -> np.ndarray:
    """Return the index at which each window starts."""
    edges = np.geomspace(steps[0], steps[-1], _WINDOWS)
    rates = schedule.at(steps)
    fallen = np.append(0.0, np.cumsum(np.maximum(-np.diff(rates), 0.0)))
    if fallen[-1] > 0.01 * schedule.peak:
        shares = np.linspace(0.0, fallen[-1], _IN_DECAY)
        edges = np.append(edges, steps[np.searchsorted(fallen, shares).clip(max=len(steps) - 1)])
    starts = np.searchsorted(steps, edges).clip(max=len(steps) - 1)
    last = np.arange(max(len(steps) - _LAST, 0), len(steps))
    return np.unique(np.concatenate([[0], starts, last]))
