"""Forecasters of the compute-optimal size at budgets that they have not seen."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np

from bayescale.decisions.approaches.approaches import NAMES, resampled_sizes
from bayescale.decisions.checks.allocations.truth import NO_BUDGET, members
from bayescale.decisions.checks.forecasters import BASELINE, HuberBootstrap, model_name
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior
from bayescale.runs import Runs


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

    def sizes(self, train: Runs, compute: np.ndarray) -> SizeForecast:
        """Forecast the optimum at budgets (FLOPs) from the runs of cheaper ones."""


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

    def sizes(self, train: Runs, compute: np.ndarray) -> SizeForecast:
        """Return the optimum of each refit."""
        refits = self.practice.refits(train)
        return SizeForecast(self.name, _log_sizes(refits, compute))


@dataclass(frozen=True)
class ApproachSizes:
    """Approach 1 or 2: a power law through the optima of the fitted budgets, for resampled runs.

    Parameters
    ----------
    approach : {"1", "2"}
    budgets : tuple of float or None
        Nominal budgets of the runs, FLOPs; None where the runs show them.
    replicates : int
    """

    approach: str
    budgets: tuple[float, ...] | None = None
    replicates: int = 500

    @property
    def name(self) -> str:
        """Name in frames: the approach's number and what it does."""
        return f"approach {NAMES[self.approach]}"

    def sizes(self, train: Runs, compute: np.ndarray) -> SizeForecast:
        """Return the power law of each resampled table, of the runs that are of a budget."""
        runs, budgets = train, None
        if self.budgets is not None:
            budgets = np.array(self.budgets)
            runs = replace(train, frame=train.frame[members(train, budgets) != NO_BUDGET])
        draws = resampled_sizes(
            self.approach, runs, compute, budgets=budgets, replicates=self.replicates
        )
        return SizeForecast(self.name, _finite(draws))


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
