"""Forecasters of the compute-optimal size at budgets that they have not seen."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from bayescale.decisions.approaches.approaches import NAMES, resampled_sizes
from bayescale.decisions.checks.allocations.cuts import HiddenSizes
from bayescale.decisions.checks.forecasters import BASELINE, HuberBootstrap, model_name
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior


class SizeForecast(NamedTuple):
    """Draws of the compute-optimal size.

    Attributes
    ----------
    model : str
        Name of the forecaster.
    log_n_params : array, shape (draws, budgets)
        log10 of parameters, finite.
    """

    model: str
    log_n_params: np.ndarray


class SizeForecaster(Protocol):
    """A forecaster is a frozen dataclass that fits runs and forecasts the optimum elsewhere."""

    @property
    def name(self) -> str:
        """Name in frames."""

    def sizes(self, test: HiddenSizes) -> SizeForecast:
        """Forecast the hidden optima from the runs of cheaper budgets."""


def sizes_of(posterior: Posterior, compute: np.ndarray) -> SizeForecast:
    """Return the optimum of each draw as `allocate` finds it, at budgets (FLOPs)."""
    return SizeForecast(model_name(posterior), _log_sizes(posterior, compute))


@dataclass(frozen=True)
class HuberSizes:
    """Approach 3 as it is practised: a Huber fit of the law, refitted to resampled runs.

    Parameters
    ----------
    practice : HuberBootstrap
    """

    practice: HuberBootstrap = field(default=HuberBootstrap())

    @property
    def name(self) -> str:
        """Name in frames: today's practice."""
        return BASELINE

    def sizes(self, test: HiddenSizes) -> SizeForecast:
        """Return the optimum of each refit."""
        refits = self.practice.refits(test.fold.train)
        return SizeForecast(self.name, _log_sizes(refits, test.compute))


@dataclass(frozen=True)
class ApproachSizes:
    """Approach 1 or 2: a power law through the optima of the fitted budgets, for resampled runs.

    Parameters
    ----------
    approach : {"1", "2"}
    replicates : int
    """

    approach: str
    replicates: int = 500

    @property
    def name(self) -> str:
        """Name in frames: the approach's number and what it does."""
        return f"approach {NAMES[self.approach]}"

    def sizes(self, test: HiddenSizes) -> SizeForecast:
        """Return the power law of each resampled table."""
        draws = resampled_sizes(
            self.approach,
            test.of_budgets,
            test.compute,
            budgets=test.fitted["compute"].to_numpy(),
            replicates=self.replicates,
        )
        return SizeForecast(self.name, _finite(draws))


PRACTICES: tuple[SizeForecaster, ...] = (ApproachSizes("1"), ApproachSizes("2"), HuberSizes())
"""Hoffmann's three approaches, which stand beside the model that is backtested."""


def _log_sizes(posterior: Posterior, compute: np.ndarray) -> np.ndarray:
    sizes = allocate(posterior, compute).arrays["n_params"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite(np.log10(sizes))


def _finite(draws: np.ndarray) -> np.ndarray:
    """Return the draws that have an optimum at every budget.

    Raises
    ------
    InputError
        Where none has.
    """
    finite = draws[np.isfinite(draws).all(axis=1)]
    if not len(finite):
        raise InputError("no draw has an optimum inside at every hidden budget")
    return finite
