"""The library prior: what other sweeps say of a new one before it has a run.

The numbers of `AtFrontier`, learnt by empirical Bayes from public sweeps of ten families, a family
one vote. They are in ``library.json``, with where they come from.

B. Efron, "Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing, and Prediction",
2010.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from bayescale.errors import InputError
from bayescale.parameters import Parameter, Values
from bayescale.priors.at_frontier import AtFrontier
from bayescale.priors.base import Prior
from bayescale.sweep import Sweep

_FILE = Path(__file__).with_name("library.json")


@dataclass(frozen=True)
class Library(Prior):
    """`AtFrontier` with the numbers of the library.

    Parameters
    ----------
    without : str
        A family of sweeps that the prior shall not have seen, for tests of itself.

    Examples
    --------
    >>> from bayescale.priors import Library
    >>> round(Library().learnt.exponent, 2)
    0.28
    """

    without: str = ""

    title: ClassVar[str] = "Floor, exponents and coupling, learnt from public sweeps"
    paper: ClassVar[str] = (
        "Efron 2010, Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing, and "
        "Prediction"
    )

    def __post_init__(self) -> None:
        known = [name for name in _numbers() if name]
        if self.without and self.without not in known:
            raise InputError(
                f"library: without={self.without} is no family of it; there are {', '.join(known)}."
            )

    @property
    def learnt(self) -> AtFrontier:
        """The prior, with numbers."""
        return AtFrontier(**_numbers()[self.without])

    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return the rows of `AtFrontier`."""
        return self.learnt.coordinates(parameters)

    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return E, A, B, alpha, beta and gamma in units of the reference; other values stay."""
        return self.learnt.to_parameters(coordinates, sweep)

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the dearest runs."""
        return self.learnt.reference_rows(log_compute)


@cache
def _numbers() -> dict[str, dict[str, float]]:
    numbers: dict[str, dict[str, float]] = json.loads(_FILE.read_text(encoding="utf-8"))["priors"]
    return numbers
