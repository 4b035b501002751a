"""A run that lies off all others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule
from bayescale.units import WIDEST_BUDGET

_SHORTEST_LADDER = 5


@dataclass(frozen=True)
class LoneRun(Rule):
    """Find a run far from a cheap fit of the others, above both neighbours of its budget, or off
    the ladder of its family.

    Parameters
    ----------
    scores : float
        Robust standard deviations from the fit.
    gap : float
        Least ratio of their scores to the largest score of all other runs.
    least : float
        Least difference of log loss from the fit.
    above : float
        Least difference of log loss from both neighbours of a budget, which a curve with one
        minimum cannot lie below.
    ladder_least : float
        Least difference of log loss from the line between the two neighbours on a ladder, where
        all inputs grow together.
    ladder_scores : float
        The same, over the median of such differences of all other runs.
    fewest : int
        Runs, for the fit.
    most : int
        Runs that may be off; with more of them it is the law that does not hold.
    """

    scores: float = 8.0
    gap: float = 1.5
    least: float = 0.02
    above: float = 0.05
    ladder_least: float = 0.03
    ladder_scores: float = 6.0
    fewest: int = 9
    most: int = 3

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "One to three runs lie far from where all others would have them: a misprint, a run that "
        "diverged or was cut short, or one of another setup."
    )
    remedy: ClassVar[str] = "Look at these runs, and mend or drop them if they went wrong."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the runs that are off, or none."""
        if not sweep.has_loss:
            return
        departure = self._off_surface(sweep)
        if not departure.any():
            departure = self._above_neighbours(sweep)
        if not departure.any():
            departure = self._off_ladder(sweep)
        off = departure != 0
        if not 0 < off.sum() <= self.most:
            return
        worst = int(np.argmax(np.abs(departure)))
        share = np.expm1(departure[worst])
        side = "above" if share > 0 else "below"
        others = f", and {off.sum() - 1} more are off" if off.sum() > 1 else ""
        yield self.finding(
            sweep,
            f"Run {sweep.frame.index[worst]} has a loss of {sweep.column('loss')[worst]:.4g}, "
            f"{abs(share):.1%} {side} what the runs around it say{others}.",
            off,
            share=share,
        )

    def _off_surface(self, sweep: Sweep) -> np.ndarray:
        """Return the residual of each run that is far from the fit, nought of the others."""
        surface = sweep.surface
        if surface is None or len(sweep) < self.fewest:
            return np.zeros(len(sweep))
        scores = np.abs(surface.scores)
        far = (scores > self.scores) & (np.abs(surface.residual) > self.least)
        if far.any() and scores[far].min() < self.gap * scores[~far].max():
            return np.zeros(len(sweep))
        return np.where(far, surface.residual, 0.0)

    def _above_neighbours(self, sweep: Sweep) -> np.ndarray:
        """Return by how much each run lies above the higher of its two neighbours by size in its
        budget, nought where it does not by enough.
        """
        above = np.zeros(len(sweep))
        if sweep.budgets is None or not sweep.has("n_params"):
            return above
        log_n = sweep.log("n_params")
        for label in np.unique(sweep.budgets):
            rows = np.flatnonzero(sweep.budgets == label)
            rows = rows[np.argsort(log_n[rows], kind="stable")]
            if len(rows) >= 4:
                losses = sweep.log_loss[rows]
                neighbours = np.maximum(losses[:-2], losses[2:])
                above[rows[1:-1]] = losses[1:-1] - neighbours
        scale = sweep.surface.scale if sweep.surface else 0.0
        return np.where(above > max(self.above, self.scores * scale), above, 0.0)

    def _off_ladder(self, sweep: Sweep) -> np.ndarray:
        """Return by how much the one run that is farthest from the line between its neighbours on a
        ladder is off, nought of all others.
        """
        off = np.zeros(len(sweep))
        worst, beside, inner = -1, np.array([], dtype=int), np.array([], dtype=int)
        for rows in _families(sweep):
            ladder = _ladder(sweep, rows)
            if ladder is None:
                continue
            order, log_x = ladder
            off[order[1:-1]] = _from_line(log_x, sweep.log_loss[order])
            inner = np.append(inner, order[1:-1])
            place = 1 + int(np.argmax(np.abs(off[order[1:-1]])))
            if worst < 0 or abs(off[order[place]]) > abs(off[worst]):
                worst, beside = order[place], order[place - 1 : place + 2]
        # A run that is off takes its neighbours with it.
        others = np.setdiff1d(inner, beside)
        if not len(others):
            return np.zeros(len(sweep))
        limit = max(self.ladder_least, self.ladder_scores * np.median(np.abs(off[others])))
        is_off = (np.arange(len(off)) == worst) & (np.abs(off) > limit)
        return np.where(is_off, off, 0.0)


def _families(sweep: Sweep) -> list[np.ndarray]:
    """Return the positions of the runs of each group, or of all runs."""
    return sweep.cells("group") if "group" in sweep.frame else [np.arange(len(sweep))]


def _ladder(sweep: Sweep, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the rows in the order of compute, and its logarithms; None where some input falls
    along it and is not constant but for rounding, or there are fewer than five.
    """
    if len(rows) < _SHORTEST_LADDER or not sweep.inputs:
        return None
    logs = [sweep.log(name)[rows] for name in sweep.inputs]
    log_x = np.log(sweep.compute)[rows] if sweep.compute is not None else logs[0]
    order = np.argsort(log_x, kind="stable")
    moves = [log[order] for log in logs if np.ptp(log) > np.log(WIDEST_BUDGET)]
    climbs = all(np.diff(log).min() >= 0 for log in moves)
    if not (moves and climbs) or np.diff(log_x[order]).min() <= 0:
        return None
    return rows[order], log_x[order]


def _from_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far each inner point lies above the line between its two neighbours."""
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    return np.asarray(y[1:-1] - (1 - share) * y[:-2] - share * y[2:])
