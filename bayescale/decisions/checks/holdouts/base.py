"""The protocol of hold-outs, which split runs into those that a model is fitted to and those that
it must forecast.
"""

from dataclasses import Field, replace
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bayescale.errors import InputError
from bayescale.runs import Runs

LAST_BIT = 1e-9


class Fold(NamedTuple):
    """A split of the runs.

    Attributes
    ----------
    name : str
        What is hidden, for people.
    train, test : Runs
        Those that are fitted, and those that are hidden.
    """

    name: str
    train: Runs
    test: Runs


@runtime_checkable
class Holdout(Protocol):
    """A hold-out is a frozen dataclass of options; adding one is adding a file to this folder."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    def split(self, runs: Runs) -> tuple[Fold, ...]:
        """The splits, each with a fit of its own."""


def compute(runs: Runs) -> np.ndarray:
    """FLOPs of each run, shape (runs,): 6·N·D whatever the runs report, and what they report where
    N or D is lacking.

    A learning curve without either has its examples, tokens or parameters in their place, to which
    its compute is proportional.
    """
    if {"n_params", "n_tokens"} <= set(runs.frame.columns):
        return runs.six_nd
    along = [name for name in ("flops", "n_examples", "n_tokens", "n_params") if name in runs.frame]
    return runs.column(along[0] if along else "flops")


def fold(runs: Runs, name: str, train: np.ndarray, test: np.ndarray) -> Fold:
    """A fold from two masks or two lists of row numbers.

    Raises
    ------
    InputError
        Where either side is empty.
    """
    # Canonical order, so that a fit of these runs is a fit of a table that holds them alone.
    train, test = _in_order(train), _in_order(test)
    for rows, what in ((train, "to fit"), (test, "to forecast")):
        if not len(rows):
            raise InputError(
                f"{runs.name}: hiding {name} leaves none of the {len(runs)} runs {what}; hide "
                f"another share."
            )
    known = replace(runs, frame=runs.frame.iloc[train], name=f"{runs.name} without {name}")
    return Fold(name, known, replace(runs, frame=runs.frame.iloc[test]))


def _in_order(rows: np.ndarray) -> np.ndarray:
    """Return the row numbers of a mask or of a list, sorted."""
    return np.flatnonzero(rows) if rows.dtype == bool else np.sort(rows)


def require_share(what: str, value: float) -> None:
    """Raise InputError unless the value lies between nought and one."""
    if not 0 < value < 1:
        raise InputError(f"{what}={value:g} must lie between 0 and 1, such as 0.2.")
