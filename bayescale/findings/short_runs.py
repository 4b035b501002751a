"""A few runs of far fewer tokens per parameter than all others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class ShortRuns(Rule):
    """Find runs that were stopped long before all others: smoke tests, or runs that broke off.

    Parameters
    ----------
    gap : float
        Least ratio of the tokens per parameter of all other runs to theirs.
    most : float
        Tokens per parameter of such a run.
    share : float
        Most of the runs that may be short.
    """

    gap: float = 30.0
    most: float = 1.0
    share: float = 0.25

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Some runs had far fewer tokens per parameter than all others: smoke tests, or runs that "
        "broke off. Their losses say how learning begins, and move the law all the same."
    )
    remedy: ClassVar[str] = "Drop these runs, unless they were trained to the end as the others."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the short runs, or none."""
        if not sweep.has("n_params", "n_tokens") or len(sweep) < 2:
            return
        ratios = np.exp(sweep.log("n_tokens") - sweep.log("n_params"))
        ordered = np.sort(ratios)
        allowed = int(self.share * len(sweep))
        steps = ordered[1 : allowed + 1] / ordered[:allowed]
        wide = np.flatnonzero((steps >= self.gap) & (ordered[:allowed] <= self.most))
        if not len(wide):
            return
        last = int(wide[-1])
        rows = ratios <= ordered[last]
        verb = "has" if rows.sum() == 1 else "have"
        yield self.finding(
            sweep,
            f"{rows.sum()} of {len(sweep)} runs {verb} {ordered[last]:.2g} tokens per parameter or "
            f"fewer, and all others {ordered[last + 1]:.2g} or more.",
            rows,
            short=ordered[last],
            others=ordered[last + 1],
        )
