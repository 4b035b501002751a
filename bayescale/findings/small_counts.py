"""Parameters, tokens or FLOPs that are too few to be counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class SmallCounts(Rule):
    """Find parameters, tokens or FLOPs in millions, billions or petaFLOP-days.

    Parameters
    ----------
    smallest : float
        The smallest count that is plausible.
    smallest_flops : float
        The same of the FLOPs of a run.
    """

    smallest: float = 1e4
    smallest_flops: float = 1e9

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "Parameters, tokens or FLOPs are so few that they seem to be in thousands, millions, "
        "billions or petaFLOP-days. "
        "Exponents and forecasts are the same in any unit; plans in FLOPs are not."
    )
    remedy: ClassVar[str] = "Multiply the column, so that 0.125 billion is 125e6."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of each column that is too small."""
        for name, symbol in (("n_params", "N"), ("n_tokens", "D")):
            if not sweep.has(name):
                continue
            values = sweep.column(name)
            rows = values < self.smallest
            if rows.any():
                yield self.finding(
                    sweep,
                    f"{name} is as small as {values.min():g}; {symbol} is a count, not millions or "
                    f"billions.",
                    rows,
                    smallest=values.min(),
                )
        if sweep.has("flops"):
            values = sweep.column("flops")
            rows = values < self.smallest_flops
            if rows.any():
                yield self.finding(
                    sweep,
                    f"flops is as small as {values.min():.3g}; it is FLOPs, and not gigaFLOPs or "
                    f"petaFLOP-days, of which one is 8.64e19 FLOPs.",
                    rows,
                    smallest=values.min(),
                )
