"""Losses put into a law of what a loss is worth."""

from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from tests.known_posteriors import known_posterior

TRUE = {"epsilon": 0.85, "k": 2.079, "gamma": 0.756}


def error(loss):
    return TRUE["epsilon"] - TRUE["k"] * np.exp(-TRUE["gamma"] * loss)


@pytest.fixture(scope="module")
def fits():
    """Posteriors of a law of loss and of one of error, each with draws enough for quantiles."""
    pretraining = known_posterior(bs.datasets.simulate(seed=4), shape=(2, 500))
    rng = np.random.default_rng(4)
    # As if the curve were known to half a per cent at a loss of 2.5, about which it turns.
    slope = TRUE["gamma"] * np.exp(0.01 * rng.standard_normal((2, 500)))
    here = TRUE["k"] * np.exp(-TRUE["gamma"] * 2.5)
    epsilon = TRUE["epsilon"] * np.exp(0.005 * rng.standard_normal((2, 500)))
    params = {
        "epsilon": epsilon,
        "k": here * np.exp(slope * 2.5),
        "gamma": slope,
        "sigma": np.full((2, 500), 0.005),
    }
    return pretraining, replace(pretraining, law=bs.laws.ErrorFromLoss(), params=params)


def test_a_chained_forecast_holds_the_truth_and_names_what_it_is_of(fits):
    chained = bs.chain(*fits, n_params=[1e10, 7e10], n_tokens=[2e11, 1.4e12])
    true = error(
        1.69 + 406.4 / np.array([1e10, 7e10]) ** 0.34 + 410.7 / np.array([2e11, 1.4e12]) ** 0.28
    )
    frame = chained.frame
    assert list(frame.columns[:2]) == ["n_params", "n_tokens"] and "error_q50" in frame
    assert (frame["error_q05"] < true).all() and (true < frame["error_q95"]).all()


def test_it_is_wider_than_with_a_loss_that_is_known(fits):
    pretraining, downstream = fits
    median = bs.forecast(pretraining, n_params=7e10, n_tokens=1.4e12).frame["loss_q50"].iloc[0]
    known = bs.forecast(downstream, loss=median).law_draws
    chained = bs.chain(pretraining, downstream, n_params=7e10, n_tokens=1.4e12).law_draws
    assert chained.std() > known.std()
    assert np.median(chained) == pytest.approx(np.median(known), abs=known.std())


def test_a_law_of_something_else_than_a_loss_is_refused(fits):
    with pytest.raises(
        bs.InputError, match="chain: chinchilla takes n_params, n_tokens; give a posterior"
    ):
        bs.chain(fits[0], fits[0], n_params=1e9, n_tokens=1e10)
