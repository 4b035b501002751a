"""Cuts of a sweep: which budgets are fitted, and at which the compute-optimal size is hidden."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayescale.decisions.checks.allocations.truth import COUNTS, NO_BUDGET
from bayescale.decisions.checks.holdouts.base import LAST_BIT, Fold, fold
from bayescale.errors import InputError
from bayescale.runs import Runs

# The compute of budgets is off the nominal one by the rounding of sizes and steps.
_ROUNDING = 0.03


class Cut(NamedTuple):
    """Budgets that are fitted and budgets that are hidden.

    Attributes
    ----------
    last : int
        Row of the dearest budget that is fitted.
    hidden : array of int
        Rows of the hidden budgets, whose optimum is forecast.
    """

    last: int
    hidden: np.ndarray


@dataclass(frozen=True)
class AfterBudgets:
    """Fit the cheaper budgets of a sweep and hide the optima of the dearer ones.

    The first cut is after a few budgets: what a young sweep says. The second is the last that still
    leaves a budget of so many times the compute. A budget little above a cut is neither fitted nor
    judged: there even a wrong law is right.

    Parameters
    ----------
    fitted : int
        Budgets that count, up to the first cut.
    leaving : float or None
        Ratio of the dearest budget's compute to that of the second cut; None for the first cut
        alone.
    beyond : float
        A budget is judged from so many times the compute of the cut on.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"compute": [1e18, 3e18, 1e19, 3e19, 1e20, 3e20], "status": "counts"})
    >>> [(cut.last, cut.hidden.tolist()) for cut in AfterBudgets().split(table)]
    [(2, [3, 4, 5]), (3, [4, 5])]
    """

    fitted: int = 3
    leaving: float | None = 10.0
    beyond: float = 2.8

    def split(self, optima: pd.DataFrame) -> tuple[Cut, ...]:
        """Return the cuts of a sweep with these optima.

        Parameters
        ----------
        optima : DataFrame, one row per budget
            ``compute`` and ``status``, as `optima` of `truth` gives them.

        Raises
        ------
        InputError
            Where too few budgets count for one to be hidden.
        """
        if self.fitted < 1 or self.beyond <= 1:
            raise InputError(
                f"after_budgets: fitted={self.fitted} must be 1 or more, and "
                f"beyond={self.beyond:g} larger than 1."
            )
        compute = optima["compute"].to_numpy()
        usable = np.flatnonzero(optima["status"] == COUNTS)
        last_rows = []
        if len(usable) > self.fitted:
            last_rows.append(usable[self.fitted - 1])
        if last_rows and self.leaving is not None:
            ratio = compute[usable[-1]] / compute[usable]
            far_enough = usable[ratio >= self.leaving * (1 - _ROUNDING)]
            last_rows += [row for row in far_enough[-1:] if row > last_rows[0]]
        cuts = []
        for row in last_rows:
            hidden = usable[compute[usable] >= self.beyond * compute[row] * (1 - _ROUNDING)]
            if len(hidden):
                cuts.append(Cut(int(row), hidden))
        if not cuts:
            raise InputError(self._too_few(optima))
        return tuple(cuts)

    def _too_few(self, optima: pd.DataFrame) -> str:
        counted = optima["status"].value_counts()
        told = ", ".join(f"{number} {status}" for status, number in counted.items())
        return (
            f"A backtest of the allocation needs {self.fitted} budgets that count and a further "
            f"one of at least {self.beyond:g} times the compute of the last of them; of these "
            f"{len(optima)} budgets: {told}. Give more runs of a budget on either side of its "
            f"minimum, or fit fewer: AfterBudgets(fitted=2)."
        )


class HiddenSizes(NamedTuple):
    """A sweep at one cut.

    Attributes
    ----------
    fold : Fold
        The runs that are fitted, and those that are not.
    of_budgets : Runs
        Runs of the fitted budgets alone, by which approaches without a law go.
    fitted : DataFrame, one row per fitted budget
    truth : DataFrame, one row per hidden budget
        Both as `optima` gives them.
    """

    fold: Fold
    of_budgets: Runs
    fitted: pd.DataFrame
    truth: pd.DataFrame

    @property
    def compute(self) -> np.ndarray:
        """Compute of the hidden budgets, FLOPs."""
        return self.truth["compute"].to_numpy()

    @property
    def fitted_compute(self) -> float:
        """Compute of the dearest fitted budget, FLOPs."""
        return float(self.fitted["compute"].iloc[-1])


def hidden_sizes(
    runs: Runs, judging: Runs, member: np.ndarray, optima: pd.DataFrame, cut: Cut
) -> HiddenSizes:
    """Return the runs up to a cut, and the optima beyond it.

    Parameters
    ----------
    runs, judging : Runs
        Runs to fit, and runs that the optima were taken from.
    member : array of int, shape (judging runs,)
        Budget of each of the latter, -1 for none.
    optima : DataFrame, one row per budget
    cut : Cut
    """
    dearest = judging.six_nd[member == cut.last].max()
    is_fitted = runs.six_nd <= dearest * (1 + LAST_BIT)
    fitted = optima.iloc[: cut.last + 1]
    hidden = f"budgets above {fitted['compute'].iloc[-1]:.3g} FLOPs"
    is_cheap = (member != NO_BUDGET) & (member <= cut.last)
    return HiddenSizes(
        fold(runs, hidden, is_fitted, ~is_fitted),
        replace(judging, frame=judging.frame[is_cheap]),
        fitted,
        optima.iloc[cut.hidden].reset_index(drop=True),
    )
