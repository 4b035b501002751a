"""A floor that the runs do not show."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import NOTE, Finding, Rule


@dataclass(frozen=True)
class NoFloor(Rule):
    """Find runs that a law without the floor E fits as well.

    Parameters
    ----------
    rise : float
        Rise of −2 log likelihood without a floor, at most.
    """

    rise: float = 1.0

    severity: ClassVar[str] = NOTE
    meaning: ClassVar[str] = (
        "A law without a floor fits the runs as well as one with it: losses still fall as a power "
        "law, or they scatter too much. E, and any forecast near it, is set by its prior; an E of "
        "nought is no finding."
    )
    remedy: ClassVar[str] = "Add larger runs, whose losses bend; do not report E."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        surface = sweep.surface
        if surface is None or surface.without_floor > self.rise:
            return
        yield self.finding(
            sweep,
            "The runs do not show a floor: a law with E = 0 fits them as well.",
            rise=surface.without_floor,
        )
