"""Parameters, tokens or FLOPs that are more than anybody has."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule


@dataclass(frozen=True)
class LargeCounts(Rule):
    """Find parameters, tokens or FLOPs beyond any model, corpus or training run.

    Parameters
    ----------
    most_params : float
        The largest models that were trained have a few trillion.
    most_tokens : float
        All text that is public is some hundred trillion.
    most_flops : float
        The dearest training runs took some 5e26 FLOPs.
    """

    most_params: float = 1e13
    most_tokens: float = 1e15
    most_flops: float = 1e28

    severity: ClassVar[str] = DOUBTFUL
    on_reading: ClassVar[bool] = True
    meaning: ClassVar[str] = (
        "Parameters, tokens or FLOPs are more than anything has: a column that was a count "
        "already was multiplied by thousands, millions or billions. Exponents and forecasts are "
        "the same in any unit; plans in FLOPs are not."
    )
    remedy: ClassVar[str] = "Divide the column, so that 125e6 stays 125 million."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of each column that is too large."""
        for name, most, what in (
            ("n_params", self.most_params, "model"),
            ("n_tokens", self.most_tokens, "corpus"),
            ("flops", self.most_flops, "training run"),
        ):
            if not sweep.has(name):
                continue
            values = sweep.column(name)
            rows = values > most
            if rows.any():
                yield self.finding(
                    sweep,
                    f"{name} is as large as {values.max():.3g}, more than any {what} has.",
                    rows,
                    largest=values.max(),
                )
