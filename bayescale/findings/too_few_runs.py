"""Fewer runs than a fit takes, those that have not learned left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import REFUSED, Finding, Rule
from bayescale.findings.untrained_runs import are_untrained

FEWEST_RUNS = 3
"""Runs that a fit takes, where priors make up what they do not say."""


@dataclass(frozen=True)
class TooFewRuns(Rule):
    """Find a table of one or two runs that have learned.

    Where most of the runs seem not to have learned, it is a matter of the unit of the loss.

    Parameters
    ----------
    fewest : int
        Runs that a fit takes.
    """

    fewest: int = FEWEST_RUNS

    severity: ClassVar[str] = REFUSED
    meaning: ClassVar[str] = (
        "Two runs show one difference of loss, which any floor and any exponent explain: an answer "
        "would be the prior's."
    )
    remedy: ClassVar[str] = (
        "Add runs: three are answered, widely; some nine over three values of each input say how "
        "loss falls."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        if not sweep.has_loss:
            return
        if len(sweep) < self.fewest:
            yield self.finding(
                sweep, f"{len(sweep)} of the {self.fewest} runs that a fit takes are there."
            )
            return
        untrained = are_untrained(sweep)
        learned = int((~untrained).sum())
        if learned < self.fewest and learned > untrained.sum():
            yield self.finding(
                sweep,
                f"{learned} of the {self.fewest} runs that a fit takes are there: the loss of the "
                f"other is {sweep.column('loss')[untrained].min():.4g}, no lower than that of a "
                f"uniform guess.",
                untrained,
            )
