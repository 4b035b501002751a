"""Runs that are counted in several ways, as if they were different runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule

_FEWEST = 3


@dataclass(frozen=True)
class SeveralConventions(Rule):
    """Find groups that have the same tokens and losses, run by run, and other parameters.

    Parameters
    ----------
    tokens : float
        Largest difference of log D between two rows of one run.
    loss : float
        Largest difference of log loss between them.
    apart : float
        Least ratio of their parameters, in some run.
    most : int
        Groups of one column.
    """

    tokens: float = 0.2
    loss: float = 0.003
    apart: float = 1.2
    most: int = 6

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Two groups have the same tokens and the same losses, run by run, and other parameters: "
        "the same runs, with parameters counted in several ways. A law of all rows finds that "
        "parameters do not matter, and takes the runs for more than there are."
    )
    remedy: ClassVar[str] = "Fit the rows of one way of counting, and say which."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of the first column whose groups are the same runs, or none."""
        if not sweep.has("n_params", "n_tokens") or not sweep.has_loss:
            return
        log_d, log_n = sweep.log("n_tokens"), sweep.log("n_params")
        for name, codes in sweep.labels.items():
            groups = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
            if not 2 <= len(groups) <= self.most:
                continue
            ordered = [rows[np.argsort(log_d[rows], kind="stable")] for rows in groups]
            same = [pair for pair in combinations(ordered, 2) if self._are_same(sweep, *pair)]
            if not same:
                continue
            one, other = max(same, key=lambda pair: float(np.ptp(log_n[np.concatenate(pair)])))
            labels = sweep.frame[name].astype(str).to_numpy()
            rows = np.zeros(len(sweep), dtype=bool)
            rows[np.concatenate([one, other])] = True
            ratio = float(np.exp(np.abs(log_n[one] - log_n[other]).max()))
            yield self.finding(
                sweep,
                f"{labels[one[0]]} and {labels[other[0]]} in {name} have the same tokens and "
                f"losses, and parameters that differ by up to {ratio:.3g} times: they are "
                f"{len(one)} runs counted in two ways.",
                rows,
                ratio=ratio,
            )
            return

    def _are_same(self, sweep: Sweep, one: np.ndarray, other: np.ndarray) -> bool:
        """Return whether two groups, each in the order of tokens, are the same runs."""
        if len(one) != len(other) or len(one) < _FEWEST:
            return False
        log_d, log_n, log_loss = sweep.log("n_tokens"), sweep.log("n_params"), sweep.log_loss
        return bool(
            np.abs(log_d[one] - log_d[other]).max() < self.tokens
            and np.abs(log_loss[one] - log_loss[other]).max() < self.loss
            and np.ptp(log_loss[one]) > 4 * self.loss
            and np.abs(log_n[one] - log_n[other]).max() > np.log(self.apart)
        )
