"""A best size that lies at the edge of those tried, or beyond."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class OptimumAtEdge(Rule):
    """Find budgets in which the loss still falls at the smallest or the largest size.

    Parameters
    ----------
    fewest : int
        Sizes of a budget.
    drop : float
        Least that log loss falls from the next size to the one at the edge.
    share : float
        Least share of the budgets.
    """

    fewest: int = 3
    drop: float = 0.003
    share: float = 0.5

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "In most budgets the best of the sizes is the smallest or the largest that was tried, so "
        "the optimum lies beyond them and is an extrapolation."
    )
    remedy: ClassVar[str] = "Add smaller or larger models at the same budgets."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the runs at the edges, or none."""
        labels = sweep.budgets
        if labels is None or not (sweep.has_loss and sweep.has("n_params")):
            return
        log_n = sweep.log("n_params")
        at_edge = []
        n_budgets = 0
        for label in range(int(labels.max()) + 1):
            rows = np.flatnonzero(labels == label)
            if len(np.unique(log_n[rows])) < self.fewest:
                continue
            n_budgets += 1
            edge = self._edge(log_n[rows], sweep.log_loss[rows])
            if edge is not None:
                at_edge.append(rows[edge])
        if not at_edge or len(at_edge) <= self.share * n_budgets:
            return
        chosen = np.zeros(len(sweep), dtype=bool)
        chosen[at_edge] = True
        yield self.finding(
            sweep,
            f"In {len(at_edge)} of {n_budgets} budgets the loss is least at the smallest or the "
            f"largest size tried.",
            chosen,
            budgets=len(at_edge),
        )

    def _edge(self, log_n: np.ndarray, log_loss: np.ndarray) -> int | None:
        """Return which run of a budget lies at the edge and is best, and None where none is."""
        order = np.argsort(log_n)
        best = int(np.argmin(log_loss))
        if best not in (order[0], order[-1]):
            return None
        curve, slope, _ = np.polyfit(log_n - log_n.mean(), log_loss, 2)
        if curve > 0:
            vertex = -slope / (2 * curve) + log_n.mean()
            if log_n.min() < vertex < log_n.max():
                return None
        others = np.delete(log_loss, best)
        return best if others.min() - log_loss[best] > self.drop else None
