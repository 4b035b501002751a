"""Families of runs that were trained on amounts of data of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import NOTE, Finding, Rule
from bayescale.units import WIDEST_BUDGET

_SHORTEST = 3
_WIDEST_CONSTANT = np.log(WIDEST_BUDGET)


class _Family(NamedTuple):
    """Runs of one label: a line of log D against log N."""

    label: str
    rows: np.ndarray
    log_n: np.ndarray
    log_d: np.ndarray
    line: np.ndarray
    scatter: float

    def log_tokens(self, log_n: float) -> float:
        """Return log D on the family's line."""
        return float(np.polyval(self.line, log_n))


@dataclass(frozen=True)
class SeparateFamilies(Rule):
    """Find labels each of whose groups has one D for a given N, and not the same as others have.

    Parameters
    ----------
    apart : float
        Least ratio of the tokens of two families at equal N.
    scatter : float
        Largest standard deviation of log D of a family about its line, over the logarithm of the
        ratio.
    most : int
        Groups of one column.
    """

    apart: float = 2.0
    scatter: float = 0.25
    most: int = 20

    severity: ClassVar[str] = NOTE
    meaning: ClassVar[str] = (
        "Each of several families has a number of tokens of its own for a model of a given size. "
        "What else the families differ by, such as data or tokenizer, passes for an effect of "
        "tokens, and a law of N and D fits them as if they were one."
    )
    remedy: ClassVar[str] = (
        "Fit one family at a time; compare families only where runs of both have equal N and D."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of the two families that are farthest apart, or none."""
        if not sweep.has("n_params", "n_tokens") or not sweep.has_loss:
            return
        for name, codes in sweep.labels.items():
            families = self._families(sweep, name, codes)
            if _are_settings(families):
                continue
            pairs = list(self._apart(families))
            if not pairs:
                continue
            ratio, size, more, fewer = max(pairs, key=lambda pair: pair[0])
            rows = np.zeros(len(sweep), dtype=bool)
            rows[np.concatenate([more.rows, fewer.rows])] = True
            yield self.finding(
                sweep,
                f"The families in {name} were trained on tokens of their own: at {size:.2g} "
                f"parameters {more.label} has {ratio:.2g} times the tokens of {fewer.label}, and "
                f"neither has runs where the other has.",
                rows,
                ratio=ratio,
            )
            return

    def _families(self, sweep: Sweep, name: str, codes: np.ndarray) -> list[_Family]:
        """Return the groups of one label that have three sizes or more."""
        if not 2 <= codes.max() + 1 <= min(self.most, len(sweep) / _SHORTEST):
            return []
        labels = sweep.frame[name].astype(str).to_numpy()
        log_n, log_d = sweep.log("n_params"), sweep.log("n_tokens")
        found = []
        for code in range(int(codes.max()) + 1):
            rows = np.flatnonzero(codes == code)
            x, y = log_n[rows], log_d[rows]
            if len(np.unique(x)) < _SHORTEST:
                continue
            line = np.polyfit(x - x.mean(), y, 1)
            off = float(np.std(y - np.polyval(line, x - x.mean())))
            line[1] -= line[0] * x.mean()
            found.append(_Family(labels[rows[0]], rows, x, y, line, off))
        return found

    def _apart(self, families: list[_Family]) -> Iterator[tuple[float, float, _Family, _Family]]:
        """Yield the ratio of tokens, the size, and the families of more and of fewer tokens of each
        pair that is apart at all sizes which both have.
        """
        for one, other in combinations(families, 2):
            low = max(one.log_n.min(), other.log_n.min())
            high = min(one.log_n.max(), other.log_n.max())
            if low > high:
                continue
            gaps = [one.log_tokens(x) - other.log_tokens(x) for x in (low, high)]
            middle = (gaps[0] + gaps[1]) / 2
            largest = self.scatter * abs(middle)
            if abs(middle) < np.log(self.apart) or max(one.scatter, other.scatter) > largest:
                continue
            more, fewer = (one, other) if middle > 0 else (other, one)
            size = float(np.exp((low + high) / 2))
            yield float(np.exp(abs(middle))), size, more, fewer


def _are_settings(families: list[_Family]) -> bool:
    """Return whether labels name a setting of one sweep, such as its budgets or ratios, rather than
    families: one quantity is constant in every group, and labels have digits.
    """
    labels = "".join(one.label for one in families)
    if not any(map(str.isdigit, labels)):
        return False
    for of_d, of_n in ((1, 0), (1, 1), (1, -1)):
        spread = [np.ptp(of_d * one.log_d + of_n * one.log_n) for one in families]
        if max(spread) <= _WIDEST_CONSTANT:
            return True
    return False
