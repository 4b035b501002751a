"""The view of a table that rules look at: logarithms, budgets, labels, and residuals from a cheap
fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bayescale.findings._surface import Surface, fit_surface
from bayescale.units import (
    BUDGET_GAP,
    WIDEST_BUDGET,
    budgets_or_none,
    six_nd,
    tokens_for,
    without_shares,
)

INPUTS = ("n_params", "n_tokens", "unique_tokens", "n_experts")
"""Columns that laws of pre-training take, beside compute."""

_MEASURED = ("loss", "loss_se", "weight", "n_correct", "n_samples")
_SURFACE_NEEDS = 5


@dataclass(frozen=True, eq=False)
class Sweep:
    """A checked table of runs, and the columns that a law would take.

    Attributes
    ----------
    frame : DataFrame, one row per run
    inputs : tuple of str
        Columns of the table that enter the law.
    response : str
        Column that the law predicts.
    """

    frame: pd.DataFrame
    inputs: tuple[str, ...]
    response: str = "loss"

    @classmethod
    def of(
        cls, frame: pd.DataFrame, inputs: Sequence[str] | None = None, response: str = "loss"
    ) -> "Sweep":
        """Return the view of a table; without ``inputs`` all that it has are taken, or compute
        where it lacks N or D.
        """
        if inputs is None:
            inputs = _inputs_of(frame)
        if "flops" in inputs and "flops" not in frame and _has_both(frame):
            frame = frame.assign(flops=six_nd(frame["n_params"], frame["n_tokens"]))
        # More of a share need not be better, so no rule about counts speaks of it.
        present = tuple(name for name in without_shares(inputs) if _is_positive(frame, name))
        return cls(frame, present, response)

    def __len__(self) -> int:
        return len(self.frame)

    def has(self, *names: str) -> bool:
        """Return whether all of these columns enter the law."""
        return set(names) <= set(self.inputs)

    def column(self, name: str) -> np.ndarray:
        """Return a column as float64, shape (runs,)."""
        return self.frame[name].to_numpy(dtype=np.float64)

    def log(self, name: str) -> np.ndarray:
        """Return the natural logarithm of a column, shape (runs,)."""
        return np.log(self.column(name))

    @cached_property
    def log_tokens_per_param(self) -> np.ndarray | None:
        """The natural logarithm of D/N, shape (runs,); None where not both N and D vary."""
        if len(self) < 2 or not self.has("n_params", "n_tokens"):
            return None
        log_n, log_d = self.log("n_params"), self.log("n_tokens")
        varies = np.ptp(log_n) > 0 and np.ptp(log_d) > 0
        return log_d - log_n if varies else None

    @cached_property
    def tokens_per_param(self) -> np.ndarray | None:
        """D/N of each run, shape (runs,), with C/(6·N) for D where the table has FLOPs alone; None
        where it lacks one of them.
        """
        if self.has("n_params", "n_tokens"):
            return self.column("n_tokens") / self.column("n_params")
        if "n_tokens" in self.frame or not self.has("flops"):
            return None
        if not _is_positive(self.frame, "n_params"):
            return None
        n_params = self.column("n_params")
        return np.asarray(tokens_for(self.column("flops"), n_params) / n_params)

    def rank_correlation(self, name: str, rows: np.ndarray | None = None) -> float:
        """Return Spearman's correlation of the loss with a column, over all runs or those of these
        positions; nought where either does not vary.
        """
        chosen = slice(None) if rows is None else rows
        first, second = _ranks(self.column(name)[chosen]), _ranks(self.log_loss[chosen])
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return 0.0
        return float(np.corrcoef(first, second)[0, 1])

    def cells(self, *names: str) -> list[np.ndarray]:
        """Return the positions of the runs of each combination of values of these columns."""
        grouped = self.frame.groupby(list(names), sort=False, dropna=False)
        code = grouped.ngroup().to_numpy()
        order = np.argsort(code, kind="stable")
        firsts = np.flatnonzero(np.diff(code[order])) + 1
        return np.split(order, firsts)

    @cached_property
    def has_loss(self) -> bool:
        """Return whether the law predicts a loss, which the table has."""
        return self.response == "loss" and _is_positive(self.frame, "loss")

    @cached_property
    def log_loss(self) -> np.ndarray:
        """The natural logarithm of the loss, shape (runs,)."""
        return self.log("loss")

    @cached_property
    def compute(self) -> np.ndarray | None:
        """FLOPs of each run, shape (runs,): what the table reports, or else 6·N·D; None where there
        is neither, or the law takes neither.
        """
        is_of_both = self.has("n_params", "n_tokens")
        if _is_positive(self.frame, "flops") and (is_of_both or self.has("flops")):
            return self.column("flops")
        if is_of_both:
            return np.asarray(six_nd(self.column("n_params"), self.column("n_tokens")))
        return None

    @cached_property
    def budgets(self) -> np.ndarray | None:
        """The compute budget of each run, counted from the smallest; all nought for one budget, and
        None where the runs are in no budgets.
        """
        if self.compute is None:
            return None
        if self.is_one_budget:
            return np.zeros(len(self), dtype=int)
        return budgets_or_none(self.compute)

    @property
    def is_one_budget(self) -> bool:
        """Return whether all runs have the same compute, but for rounding."""
        if self.compute is None:
            return False
        ordered = np.sort(self.compute)
        steps = ordered[1:] / ordered[:-1]
        return bool(ordered[-1] <= WIDEST_BUDGET * ordered[0] and (steps <= BUDGET_GAP).all())

    @cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """Columns of words, which may tell families apart, each as whole numbers of shape
        (runs,).
        """
        found = {}
        for name in self.frame.columns:
            values = self.frame[name]
            is_words = not pd.api.types.is_numeric_dtype(values)
            if name == "group" or is_words:
                named = values.where(values.notna(), "").astype(str)
                codes, _ = pd.factorize(named)
                found[str(name)] = np.asarray(codes)
        return found

    @property
    def others(self) -> list[str]:
        """Columns of numbers that enter no law: what else the runs differ by."""
        numbers = self.frame.select_dtypes("number").columns
        known = {*INPUTS, *_MEASURED, *self.inputs, "flops", "group"}
        return [str(name) for name in numbers if name not in known]

    @cached_property
    def surface(self) -> Surface | None:
        """A cheap robust fit of a sum of powers; None where there are fewer than five runs, no
        loss, or inputs that such a sum does not take.
        """
        if not self.has_loss or len(self) < _SURFACE_NEEDS:
            return None
        names = self.inputs
        is_plain = set(names) <= {"n_params", "n_tokens"} or names == ("flops",)
        if not (names and is_plain):
            return None
        logs = [self.log(name) for name in names]
        varying = [values for values in logs if np.ptp(values) > 0]
        if not varying or len(self) < 2 * len(varying) + 2:
            return None
        return fit_surface(self.log_loss, varying)


def _inputs_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns that a law of this table would take."""
    inputs = [name for name in INPUTS if name in frame]
    return inputs if _has_both(frame) or "flops" not in frame else ["flops"]


def _is_positive(frame: pd.DataFrame, name: str) -> bool:
    """Return whether a table has a column of positive finite numbers of this name."""
    if name not in frame or not pd.api.types.is_numeric_dtype(frame[name]):
        return False
    values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return bool((np.isfinite(values) & (values > 0)).all())


def _has_both(frame: pd.DataFrame) -> bool:
    return {"n_params", "n_tokens"} <= set(frame.columns)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks; equal values share their mean rank."""
    _, code, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[code])
