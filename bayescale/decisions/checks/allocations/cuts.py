"""Cuts of a sweep: which budgets are fitted, and at which the compute-optimal size is hidden."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayescale.decisions.checks.allocations.truth import COUNTS
from bayescale.errors import InputError

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
