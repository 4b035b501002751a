"""Hide one group after the other: does a model carry over to a family, an architecture or a budget
it has not seen?
"""

from dataclasses import dataclass

import numpy as np

from bayescale.decisions.checks.holdouts.base import Fold, fold
from bayescale.errors import InputError
from bayescale.runs import Runs


@dataclass(frozen=True)
class LeaveGroupOut:
    """Hide each value of the column ``group`` in turn.

    Examples
    --------
    >>> import bayescale as bs
    >>> folds = bs.LeaveGroupOut().split(bs.datasets.simulate(seed=1))
    >>> [fold.name for fold in folds][:2]
    ['group C1e+18', 'group C1e+19']
    """

    def split(self, runs: Runs) -> tuple[Fold, ...]:
        """Return a split for each group."""
        if "group" not in runs.frame:
            raise InputError(
                f"{runs.name} has no column group to leave out by; say which heading to use, for "
                f"example group='family', or "
                "--column group=family at a terminal."
            )
        groups = runs.frame["group"].astype(str).to_numpy()
        names = np.unique(groups)
        if len(names) < 2:
            raise InputError(
                f"All runs of {runs.name} are of one group, {names[0]}; hide the runs of largest "
                f"compute instead: LargestCompute()."
            )
        return tuple(fold(runs, f"group {name}", groups != name, groups == name) for name in names)
