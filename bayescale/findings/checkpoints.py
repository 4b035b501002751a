"""Checkpoints of one run are not runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class Checkpoints(Rule):
    """Find many rows of one size whose tokens are evenly spaced, as checkpoints are.

    Parameters
    ----------
    fewest : int
        Rows of one size.
    most : int
        Rows of one size, beyond which any spacing will do.
    unevenness : float
        Most that steps between tokens vary, as a share of their mean.
    """

    fewest: int = 8
    most: int = 20
    unevenness: float = 0.1

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Many rows are of one size and of evenly spaced tokens: checkpoints of one run. They share "
        "its seed, its data and a learning rate that has not decayed, so they are far fewer facts "
        "than rows, and lie above the loss of a run that ends there."
    )
    remedy: ClassVar[str] = "Keep the last checkpoint of each run."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of all checkpoints, or none."""
        if not sweep.has("n_tokens"):
            return
        rows = np.zeros(len(sweep), dtype=bool)
        n_runs = 0
        for one in _sizes(sweep):
            tokens = np.unique(sweep.column("n_tokens")[one])
            if len(tokens) >= self.most or self._is_even(tokens):
                rows[one] = True
                n_runs += 1
        if n_runs:
            yield self.finding(
                sweep,
                f"{rows.sum()} of {len(sweep)} rows look like checkpoints of {n_runs} "
                f"{'run' if n_runs == 1 else 'runs'}: one size each, at evenly spaced tokens.",
                rows,
                runs=n_runs,
            )

    def _is_even(self, tokens: np.ndarray) -> bool:
        if len(tokens) < self.fewest:
            return False
        steps = np.diff(tokens)
        return bool(np.std(steps) < self.unevenness * np.mean(steps))


def _sizes(sweep: Sweep) -> list[np.ndarray]:
    """Return the positions of the rows of each size and group; of all rows where no size is
    given.
    """
    keys = [name for name in ("n_params", "n_experts", "group") if name in sweep.frame]
    return sweep.cells(*keys) if keys else [np.arange(len(sweep))]
