"""Forecasters of a backtest: a law with a noise model, and today's practice to compare with."""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.special import logsumexp

from bayescale._internal.discovery import describe, name_of
from bayescale._internal.precision import float64
from bayescale.decisions.forecasts.forecast import forecast
from bayescale.defaults import textbook_law
from bayescale.errors import FitWarning, InputError, RunsWarning
from bayescale.inference import fit
from bayescale.inference.base import Method
from bayescale.inference.bootstrap import Bootstrap
from bayescale.inference.multistart import MultiStart
from bayescale.laws.base import Law
from bayescale.noise.base import Noise, is_likelihood
from bayescale.noise.huber import Huber
from bayescale.posterior.posterior import Posterior
from bayescale.runs import Runs

BASELINE = "huber + bootstrap"

_FEWEST_DRAWS = 1000
# Logarithms of the smallest and the largest number there is: a heavy tail may ask for more.
_RANGE = np.log([np.finfo(float).tiny, np.finfo(float).max])


class Prediction(NamedTuple):
    """A forecast of runs that a forecaster has not seen.

    Attributes
    ----------
    model : str
        Who says it.
    log_draws : array, shape (draws, runs)
        Of log loss.
    log_density : array, shape (runs,)
        Of the observed log loss; NaN where the forecast has no density.
    posterior : Posterior
        What it was made from.
    """

    model: str
    log_draws: np.ndarray
    log_density: np.ndarray
    posterior: Posterior


def require_loss(what: str, law: Law | None) -> None:
    """Raise InputError unless the law is of a loss."""
    if law is not None and law.response != "loss":
        raise InputError(
            f"{what} is of losses, and {name_of(law)} predicts {law.response}; look at `forecast` "
            f"or `loo`."
        )


class Forecaster(Protocol):
    """Fits runs and forecasts others."""

    def predict(self, train: Runs, test: Runs) -> Prediction:
        """Forecast the losses of ``test`` from ``train``; the losses of ``test`` serve for nothing
        but their density.
        """


@dataclass(frozen=True)
class Fitted:
    """A law and a noise model, fitted by a method; None takes what `fit` takes.

    Parameters
    ----------
    law : Law, optional
    noise : Noise, optional
    method : Method, optional
    """

    law: Law | None = None
    noise: Noise | None = None
    method: Method | None = None

    def predict(self, train: Runs, test: Runs) -> Prediction:
        """Forecast by the posterior predictive distribution, jointly for all runs of ``test``."""
        return predicted(self.fitted(train), test)

    def fitted(self, train: Runs) -> Posterior:
        """Fit the runs, without the warnings about runs, which are said of all of them once."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunsWarning)
            return fit(train, law=self.law, noise=self.noise, method=self.method)


@dataclass(frozen=True)
class HuberBootstrap:
    """Today's practice: a Huber point fit, refitted to resampled runs, with residuals of the fit
    added.

    Parameters
    ----------
    law : Law
    delta : float
        Where the loss of a residual turns linear, in log loss.
    replicates : int
        Refits.
    residuals : int
        Drawn for each refit and run.
    seed : int
    """

    law: Law = field(default=textbook_law())
    delta: float = 1e-3
    replicates: int = 200
    residuals: int = 10
    seed: int = 0

    def predict(self, train: Runs, test: Runs) -> Prediction:
        """Forecast by the refits' losses times the resampled ratios of observed to fitted loss,
        which have no density.
        """
        point = self._fitted(train, MultiStart(starts=500, seed=self.seed))
        refits = self.refits(train)
        left = np.log(train.column("loss")) - point.log_law()[0, 0]
        inputs: dict[str, Any] = dict(test.columns(self.law.inputs))
        log_law = np.repeat(_log(forecast(refits, **inputs).law_draws), self.residuals, axis=0)
        scatter = np.random.default_rng(self.seed).choice(left, size=log_law.shape)
        return Prediction(BASELINE, log_law + scatter, np.full(len(test), np.nan), refits)

    def refits(self, train: Runs) -> Posterior:
        """Fit each of the resampled tables of runs, one draw each."""
        return self._fitted(train, Bootstrap(replicates=self.replicates, seed=self.seed))

    def _fitted(self, train: Runs, method: Method) -> Posterior:
        with warnings.catch_warnings():
            # Refits that fail are part of today's practice, and what is backtested is another
            # model.
            warnings.simplefilter("ignore", FitWarning)
            warnings.simplefilter("ignore", RunsWarning)
            return fit(train, law=self.law, noise=Huber(self.delta), method=method)


def model_name(posterior: Posterior) -> str:
    """Return law and noise model of a posterior, as frames of a backtest name them."""
    return f"{describe(posterior.law)}, {describe(posterior.noise)}"


@float64
def predicted(posterior: Posterior, test: Runs) -> Prediction:
    """The posterior predictive distribution of other runs, jointly for all of them."""
    # Few draws of the parameters, as of a point fit, still scatter as runs do: each is taken
    # several times.
    times = -(-_FEWEST_DRAWS // posterior.n_draws) if is_likelihood(posterior.noise) else 1
    params = {name: np.repeat(values, times, axis=1) for name, values in posterior.params.items()}
    coefficients = np.repeat(posterior.coefficients, times, axis=1)
    many = replace(posterior, params=params, coefficients=coefficients)
    inputs = test.columns(posterior.law.inputs)
    seed = posterior.method.seed
    log_density = np.full(len(test), np.nan)
    if is_likelihood(posterior.noise):
        log_prediction = many.log_law(inputs) + many.log_departure(inputs, seed)
        each = np.asarray(
            many.density(log_prediction, inputs).log_prob(posterior.response.of(test))
        )
        log_density = np.asarray(logsumexp(each, axis=(0, 1))) - np.log(many.n_draws)
    return Prediction(
        model_name(posterior),
        _log(forecast(many, seed=seed, **inputs).draws),
        log_density,
        posterior,
    )


def _log(losses: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.clip(np.log(losses), *_RANGE)
