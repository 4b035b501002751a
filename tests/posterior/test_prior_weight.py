"""What an answer leans on: the prior, and how far beyond the runs it lies."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import bayescale as bs
from bayescale.posterior.extrapolation import Extrapolation
from bayescale.posterior.of_runs import centre_of
from bayescale.posterior.prior_weight import prior_weight
from bayescale.processes.base import sweep_of
from tests.known_posteriors import known_posterior


@pytest.fixture(scope="module")
def posterior():
    return known_posterior(bs.datasets.simulate(seed=0))


def test_many_runs_set_every_parameter(posterior):
    assert set(prior_weight(posterior)["set_by"]) == {"runs"}


def test_the_dictionary_of_a_posterior_has_the_weight_of_each_prior(posterior):
    found = posterior.to_dict()["prior_weight"]
    assert set(found) == set(posterior.params)
    assert found["alpha"]["set_by"] == "runs"


def test_draws_of_the_prior_are_set_by_the_prior(posterior):
    drawn = dict(posterior.params)
    for key, parameter in enumerate(posterior.law.parameters):
        if not parameter.powers:
            sample = parameter.prior.sample(jax.random.key(key), (2, 2000))
            drawn[parameter.name] = np.asarray(sample)
        else:
            drawn[parameter.name] = np.ones((2, 2000))
    weights = prior_weight(replace(posterior, params=drawn))
    assert (weights["set_by"][["E", "alpha", "beta"]] == "prior").all()


def test_draws_of_a_joint_prior_are_set_by_the_prior(made_posterior):
    law, noise = bs.laws.Coupled(), bs.noise.Normal()
    runs = made_posterior(law, noise).runs
    drawn = {}
    for key, row in enumerate((*law.coordinates, *noise.parameters)):
        drawn[row.name] = row.prior.sample(jax.random.key(key), (2, 2000))
    params = law.from_coordinates(drawn, sweep_of(runs, law.inputs))
    units = {name: np.exp(log) for name, log in centre_of(runs, law).items()}
    weights = prior_weight(made_posterior(law, noise, law.rescale(params, units)))
    assert list(weights.index) == [row.name for row in (*law.parameters, *noise.parameters)]
    assert weights["narrowed"].max() < 0.1


def test_the_weight_of_the_prior_is_the_same_in_any_unit(posterior):
    frame = posterior.runs.frame.assign(n_tokens=posterior.runs.frame["n_tokens"] / 1e6)
    b = posterior.params["B"] / 1e6 ** posterior.params["beta"]
    runs = replace(posterior.runs, frame=frame)
    other = replace(posterior, runs=runs, params={**posterior.params, "B": b})
    narrowed = prior_weight(other)["narrowed"].to_numpy()
    np.testing.assert_allclose(narrowed, prior_weight(posterior)["narrowed"].to_numpy(), atol=1e-6)


def test_an_answer_among_the_runs_is_no_extrapolation(posterior):
    middle = posterior.runs.frame.median(numeric_only=True)
    place = Extrapolation.of(posterior, middle)
    assert (place.sentence, place.is_far, place.is_outside) == ("", False, False)


def test_an_answer_beyond_the_runs_says_how_many_times(posterior):
    largest = posterior.runs.frame[["n_params", "n_tokens"]].max()
    place = Extrapolation.of(posterior, 3 * largest)
    assert place.factors["n_params"] == pytest.approx(3)
    assert "3 times the largest N" in place.sentence
    assert place.is_outside and not place.is_far


def test_an_answer_far_beyond_the_runs_is_not_supported(posterior):
    largest = posterior.runs.frame[["n_params", "n_tokens"]].max()
    place = Extrapolation.of(posterior, 1e8 * largest)
    assert place.is_far and "do not support" in place.sentence


def test_a_size_smaller_than_any_tried_is_outside(posterior):
    row = posterior.runs.frame.iloc[0]
    at = {"n_params": row["n_params"] / 50, "n_tokens": row["n_tokens"]}
    place = Extrapolation.of(posterior, at)
    assert place.is_outside and "smaller than the smallest n_params tried" in place.sentence
