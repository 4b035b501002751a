"""Tokens that follow the size but for a few runs, or not quite as k·N."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule
from bayescale.findings.tokens_follow_size import TokensFollowSize


@dataclass(frozen=True)
class TokensNearlyFollowSize(Rule):
    """Find runs on one curve D = k·N^p, or all but a few on a line D = k·N.

    Parameters
    ----------
    spread : float
        Most that log(D/N) may range over on a line; see `TokensFollowSize` for all runs.
    share : float
        Most of the variation of log N and log D that may lie across a curve, as a standard
        deviation.
    few : float
        Share of the runs that may lie off the line.
    """

    spread: float = TokensFollowSize.spread
    share: float = 0.02
    few: float = 0.25

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Tokens grow with the size along one line: a run that has more of one has more of the "
        "other. How loss falls with each is set by the prior, or by the few runs that lie "
        "off the line; how it falls along the line is known."
    )
    remedy: ClassVar[str] = TokensFollowSize.remedy

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        log_ratio = sweep.log_tokens_per_param
        if log_ratio is None or np.ptp(log_ratio) < self.spread:
            return
        log_n, log_d = sweep.log("n_params"), sweep.log("n_tokens")
        power = np.polyfit(log_n, log_d, 1)[0]
        # Where tokens fall with size, the runs are of one budget.
        if len(sweep) >= 4 and power > 0 and _across(log_n, log_d) < self.share:
            yield self.finding(
                sweep,
                f"n_tokens follows n_params to the power {power:.2f} in every run; alpha and beta "
                f"cannot be told apart.",
                power=power,
            )
        else:
            yield from self._but_for_a_few(sweep, log_ratio)

    def _but_for_a_few(self, sweep: Sweep, log_ratio: np.ndarray) -> Iterable[Finding]:
        """Return a finding where all but a few runs are on the line, of those few."""
        middle = np.median(log_ratio)
        off = np.abs(log_ratio - middle) > self.spread
        on_line = ~off
        is_few = 0 < off.sum() <= self.few * len(sweep)
        if is_few and on_line.sum() >= 4 and np.ptp(sweep.log("n_params")[on_line]) > 0:
            yield self.finding(
                sweep,
                f"n_tokens is {np.exp(middle):.3g} times n_params in all but {off.sum()} of "
                f"{len(sweep)} runs; only those tell alpha from beta.",
                off,
                ratio=np.exp(middle),
            )


def _across(log_n: np.ndarray, log_d: np.ndarray) -> float:
    """Return the standard deviation across the main axis as a share of that along it."""
    centred = np.stack([log_n - log_n.mean(), log_d - log_d.mean()])
    along, across = np.linalg.svd(centred, compute_uv=False)
    return float(across / along)
