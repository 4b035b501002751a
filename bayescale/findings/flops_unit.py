"""FLOPs that differ from 6·N·D by thousands, millions or billions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule
from bayescale.units import six_nd


@dataclass(frozen=True)
class FlopsUnit(Rule):
    """Find FLOPs that are so far from 6·N·D that a column has another unit.

    Parameters
    ----------
    factor : float
        Median ratio of the two, either way.
    """

    factor: float = 30.0

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "The table's FLOPs and 6·N·D differ by a factor that no way of counting explains, so "
        "FLOPs, parameters or tokens are in thousands, millions or billions."
    )
    remedy: ClassVar[str] = "Put all three into plain counts, or leave the FLOPs out."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if sweep.compute is None or not sweep.has("n_params", "n_tokens"):
            return
        counted = six_nd(sweep.column("n_params"), sweep.column("n_tokens"))
        ratio = float(np.median(sweep.compute / counted))
        if 1 / self.factor < ratio < self.factor:
            return
        power = 3 * round(np.log10(ratio) / 3)
        about = f", about 1e{power}" if power else ""
        yield self.finding(
            sweep,
            f"flops is {ratio:.3g} times 6·N·D (median){about}: one of the columns has another "
            f"unit.",
            ratio=ratio,
        )
