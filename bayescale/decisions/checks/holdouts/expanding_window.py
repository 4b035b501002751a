"""Forecast each part of a sweep from all that is cheaper, as a team does whose sweep grows."""

from dataclasses import dataclass

import numpy as np

from bayescale.decisions.checks.holdouts.base import Fold, compute, fold
from bayescale.errors import InputError
from bayescale.runs import Runs


@dataclass(frozen=True)
class ExpandingWindow:
    """Order the runs by compute, cut them into equal parts, and forecast each part but the first
    from those before it.

    Parameters
    ----------
    folds : int, at least 1
        Parts that are forecast; the sweep is cut into one more.

    Examples
    --------
    >>> import bayescale as bs
    >>> folds = bs.ExpandingWindow(folds=4).split(bs.datasets.simulate(seed=1))
    >>> [len(fold.train) for fold in folds]
    [9, 18, 27, 36]
    """

    folds: int = 4

    def split(self, runs: Runs) -> tuple[Fold, ...]:
        """Return a split for each part but the first."""
        if not 1 <= self.folds < len(runs):
            raise InputError(
                f"expanding_window: folds={self.folds} must be at least 1 and less than the "
                f"{len(runs)} runs."
            )
        parts = np.array_split(np.argsort(compute(runs), kind="stable"), self.folds + 1)
        folds = []
        for k in range(1, len(parts)):
            name = f"part {k + 1} of {len(parts)}"
            folds.append(fold(runs, name, np.concatenate(parts[:k]), parts[k]))
        return tuple(folds)
