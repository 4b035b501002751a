"""FLOPs that are counted otherwise than 6·N·D."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import NOTE, Finding, Rule
from bayescale.units import six_nd


@dataclass(frozen=True)
class FlopsCounting(Rule):
    """Find FLOPs that differ from 6·N·D by more than rounding.

    Parameters
    ----------
    share : float
        Of 6·N·D, in the run that differs most.
    factor : float
        Median ratio, either way, above which it is a matter of units: see `FlopsUnit`.
    """

    share: float = 0.15
    factor: float = 30.0

    severity: ClassVar[str] = NOTE
    meaning: ClassVar[str] = (
        "The table's FLOPs are not 6·N·D, so N leaves embeddings out, or FLOPs count attention and "
        "logits. Laws of compute take the table's FLOPs; plans count 6·N·D."
    )
    remedy: ClassVar[str] = (
        "Say which parameters N counts; for plans, `Constraints(flops=TransformerFlops(...))` "
        "counts attention and logits too."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of the runs that differ, or none."""
        if sweep.compute is None or not sweep.has("n_params", "n_tokens"):
            return
        counted = six_nd(sweep.column("n_params"), sweep.column("n_tokens"))
        ratio = sweep.compute / counted
        rows = np.abs(ratio - 1) > self.share
        is_unit = not 1 / self.factor < np.median(ratio) < self.factor
        if rows.any() and not is_unit:
            yield self.finding(
                sweep,
                f"flops is {ratio.min():.3g} to {ratio.max():.3g} times 6·N·D.",
                rows,
                least=ratio.min(),
                most=ratio.max(),
            )
