"""One figure of each plot function, from posteriors and results that are made by hand.

Each function is named as the plot function is that it gives the arguments of.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

import bayescale as bs
from bayescale.decisions.checks.backtest import Backtest, scored
from bayescale.decisions.checks.forecasters import BASELINE, Prediction
from bayescale.decisions.checks.holdouts.base import Fold
from bayescale.decisions.checks.sensitivity import UNITS, Sensitivity
from bayescale.decisions.forecasts.finish import Finish
from bayescale.decisions.plans.flat_set import FlatSet
from bayescale.posterior.posterior import Posterior
from tests.known_posteriors import known_posterior

MODEL = "chinchilla, normal"
SHIFTS = {
    ("posterior", "as fitted"): 0.0,
    ("likelihood", "laplace"): 0.01,
    ("likelihood", "huber"): -0.03,
    ("form", "overtrained"): 0.05,
    ("runs", "without 1e+20"): 0.02,
}
MEDIANS = {"alpha": 0.34, "beta": 0.28, "a": 0.45, "n_params": 7e10, "n_tokens": 1.4e12}


def draws_about(point: Posterior) -> Posterior:
    """Return 1,000 draws about a point, in which levels make up for exponents as in a fit.

    Standard normal numbers and products alone: they are the same on every machine.
    """
    rng = np.random.default_rng(0)
    shape = (2, 500)
    params = {name: float(values[0, 0]) for name, values in point.params.items()}
    alpha = params["alpha"] * np.exp(0.05 * rng.standard_normal(shape))
    beta = params["beta"] * np.exp(0.05 * rng.standard_normal(shape))
    log_n = np.log(point.runs.column("n_params")).mean()
    log_d = np.log(point.runs.column("n_tokens")).mean()
    draws = {
        "E": params["E"] * np.exp(0.01 * rng.standard_normal(shape)),
        "A": params["A"] * np.exp(log_n * (alpha - params["alpha"])),
        "alpha": alpha,
        "B": params["B"] * np.exp(log_d * (beta - params["beta"])),
        "beta": beta,
        "sigma": params["sigma"] * np.exp(0.1 * rng.standard_normal(shape)),
    }
    return replace(point, params=draws)


@cache
def fitted() -> Posterior:
    """Return draws about the least squares of 45 simulated runs that scatter by one per cent."""
    runs = bs.datasets.simulate(seed=3, noise=0.01)
    return draws_about(known_posterior(runs, shape=(1, 1)))


def forecast_of(fold: Fold, model: str, seed: int) -> Prediction:
    """Return draws about the losses to come, off by as much as they are wide; nothing is fitted."""
    rng = np.random.default_rng(seed)
    log_loss = np.log(fold.test.column("loss"))
    centre = log_loss + 0.02 * rng.standard_normal(len(log_loss))
    log_draws = centre + 0.02 * rng.standard_normal((1000, len(log_loss)))
    return Prediction(model, log_draws, np.zeros(len(log_loss)), known_posterior(fold.train))


@cache
def tested() -> Backtest:
    """Return forecasts of two folds by a model and by today's practice."""
    sweep, holdout = bs.datasets.simulate(seed=1), bs.ExpandingWindow(folds=2)
    folds = holdout.split(sweep)
    ours = [forecast_of(fold, MODEL, seed) for seed, fold in enumerate(folds)]
    todays = [forecast_of(fold, BASELINE, seed) for seed, fold in enumerate(folds, start=2)]
    rows = [scored(fold, one) for fold, one in zip((*folds, *folds), (*ours, *todays), strict=True)]
    posteriors = {fold.name: one.posterior for fold, one in zip(folds, ours, strict=True)}
    return Backtest(pd.concat(rows, ignore_index=True), posteriors, sweep, holdout)


def backtest_bands() -> Backtest:
    return tested()


def beside_prior() -> Posterior:
    """Return draws of the default law about the simulation's own constants."""
    rng = np.random.default_rng(0)
    constants = {"E": 1.7, "A": 480.0, "B": 410.0, "alpha": 0.35, "beta": 0.28, "gamma": 1.0}
    draws = {
        name: value * np.exp(0.03 * rng.standard_normal((2, 250)))
        for name, value in constants.items()
    }
    draws["sigma"] = np.full((2, 250), 0.01)
    runs = bs.datasets.simulate(seed=1)
    return Posterior(bs.laws.Coupled(), bs.noise.Normal(), bs.NUTS(), runs, draws)


def calibration() -> Backtest:
    return tested()


def finish() -> Finish:
    """Return the end of a run that is training at a constant rate, from numbers made by hand."""
    step = np.arange(1000.0, 30_001.0, 500.0)
    logged = pd.DataFrame({"step": step, "loss": 2.5 + 12 * step**-0.5})
    ahead = np.linspace(31_000, 50_000, 20)
    middle = 2.5 + 12 * ahead**-0.5 - 0.06 * np.clip((ahead - 40_000) / 10_000, 0, 1)
    width = 0.003 + 0.002 * (ahead - 30_000) / 10_000
    low, high = middle - width, middle + width
    path = pd.DataFrame({"step": ahead, "q05": low, "q50": middle, "q95": high})
    futures = pd.DataFrame(
        {
            "future": ["planned", "Decay from now over 20%"],
            "end_step": [50_000.0, 37_500.0],
            "decay_step": [40_000.0, 30_000.0],
        }
    )
    rng = np.random.default_rng(0)
    draws = np.array([2.494, 2.505]) + 0.004 * rng.standard_normal((500, 2))
    last = float(logged["loss"].iloc[-1])
    return Finish("big", 30_000.0, last, futures, draws, draws, path, logged, 400.0, True)


def flat_set() -> FlatSet:
    return bs.flat_set(fitted(), compute=[1e21, 1e23])


def isoflop() -> Posterior:
    return fitted()


def loss_along_compute() -> Posterior:
    return fitted()


def outliers() -> Posterior:
    """Return a posterior that gives the losses of two runs a small density."""
    runs = bs.datasets.simulate(seed=1)
    frame = runs.frame.copy()
    frame.loc[frame.index[[7, 30]], "loss"] *= [1.05, 0.96]
    return draws_about(known_posterior(bs.Runs(frame, name=runs.name), shape=(1, 1)))


def pair() -> Posterior:
    return fitted()


def profile() -> Posterior:
    return fitted()


def sensitivity() -> Sensitivity:
    """Return answers of a fit and of variants of each kind."""
    rows = []
    for (kind, variant), shift in SHIFTS.items():
        for quantity in UNITS:
            median = MEDIANS.get(quantity, 2.1) * (1 + shift)
            row = {"kind": kind, "variant": variant, "quantity": quantity, "shift": 20 * shift}
            rows.append(row | {"q05": 0.95 * median, "q50": median, "q95": 1.06 * median})
    return Sensitivity("these runs", 1e23, pd.DataFrame(rows))


def surface() -> Posterior:
    return fitted()
