"""The library prior: what other sweeps say of a new one before it has a run.

The numbers of `AtFrontier`, learnt by empirical Bayes from public sweeps of ten families, a family
one vote. They are in ``library.json``, which ``benchmarks/library_prior.py`` writes, with data
sets, views, commit and hyperparameters; docs/library_prior.md says what they mean and how far they
move when a family is left out. They are of losses of text, in nats or bits; accuracies, other
modalities and token losses of special texts may lie elsewhere.

B. Efron, "Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing, and Prediction",
2010.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from bayescale.errors import InputError
from bayescale.parameters import Parameter, Values
from bayescale.priors.at_frontier import AtFrontier
from bayescale.priors.base import Prior
from bayescale.results import Json
from bayescale.sweep import Sweep

_FILE = Path(__file__).with_name("library.json")


class Scatter(NamedTuple):
    """The scatter of single runs of the library's sweeps: no part of the prior.

    Attributes
    ----------
    sigma, sigma_sd : float
        Median scale of log loss for a sweep of 1e19 FLOP, and standard deviation of its log.
    sigma_slope : float
        Of that log, in a decade of compute.
    """

    sigma: float
    sigma_sd: float
    sigma_slope: float

    def draw(self, sweep: Sweep, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return scales of so many sweeps like one, shape (count, 1)."""
        log_sigma = np.log(self.sigma) + self.sigma_slope * float(sweep.compute)
        return np.exp(rng.normal(log_sigma, self.sigma_sd, (count, 1)))


@dataclass(frozen=True)
class Library(Prior):
    """`AtFrontier` with the numbers of the library.

    Parameters
    ----------
    without : str
        A family of sweeps that the prior shall not have seen, for tests of itself.
    sd_factor : float
        Factor of the standard deviations of shares, exponents and coupling; 2 for a sweep that is
        unlike those of the library.

    Examples
    --------
    >>> from bayescale.priors import Library
    >>> 0.2 < Library().learnt.exponent < 0.4
    True
    >>> "porian2024" in Library().families
    True
    """

    without: str = ""
    sd_factor: float = 1.0

    title: ClassVar[str] = "Floor, exponents and coupling, learnt from public sweeps"
    paper: ClassVar[str] = (
        "Efron 2010, Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing, and "
        "Prediction"
    )

    def __post_init__(self) -> None:
        known = self._all_families
        if self.without and self.without not in known:
            raise InputError(
                f"library: without={self.without} is no family of it; there are {', '.join(known)}."
            )
        if not 0 < self.sd_factor < np.inf:
            raise InputError(f"library: sd_factor={self.sd_factor} must be a positive number.")

    @property
    def learnt(self) -> AtFrontier:
        """The prior, with numbers."""
        prior = AtFrontier(**_file()["priors"][self.without])
        factor = self.sd_factor
        return replace(
            prior,
            floor_share_sd=factor * prior.floor_share_sd,
            params_share_sd=factor * prior.params_share_sd,
            exponent_sd=factor * prior.exponent_sd,
            exponent_ratio_sd=factor * prior.exponent_ratio_sd,
            gamma_sd=factor * prior.gamma_sd,
        )

    @property
    def families(self) -> tuple[str, ...]:
        """The families of sweeps that the numbers were learnt from."""
        return tuple(name for name in self._all_families if name != self.without)

    @property
    def provenance(self) -> dict[str, Json]:
        """Data sets, number of views, script, commit and hyperparameters behind the numbers."""
        return dict(_file()["provenance"])

    @property
    def spread(self) -> dict[str, tuple[float, float]]:
        """The least and largest value of each number of `AtFrontier` when a family is left out."""
        return {name: (low, high) for name, (low, high) in _file()["spread"].items()}

    @property
    def scatter(self) -> Scatter:
        """The scatter of single runs of the sweeps."""
        return Scatter(**_file()["scatter"])

    @property
    def _all_families(self) -> tuple[str, ...]:
        return tuple(name for name in _file()["priors"] if name)

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
def _file() -> dict[str, Json]:
    content: dict[str, Json] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content
