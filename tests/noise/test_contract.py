"""What holds for every noise model there is: a new file in bayescale/noise is tested here without registering it."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from bayescale.noise.base import Likelihood, Noise, is_likelihood
from bayescale.precision import float64

residuals = st.floats(-3.0, 3.0)
scales = st.floats(1e-3, 1.0)


def constants_of(noise, sigma=0.1):
    """A given scale, and every other parameter near its prior's mean."""
    return {p.name: float(p.prior.mean) for p in noise.parameters} | {"sigma": sigma}


def test_it_keeps_the_protocol(any_noise):
    assert isinstance(any_noise, Noise)
    assert is_likelihood(any_noise) == isinstance(any_noise, Likelihood) == hasattr(any_noise, "distribution")


def test_it_says_what_it_is_and_whose(any_noise):
    assert any_noise.title
    assert any_noise.paper
    assert any_noise.formula


def test_equal_options_make_equal_noise_so_that_it_shares_compiled_kernels(any_noise):
    again = type(any_noise)(**vars(any_noise))
    assert again == any_noise
    assert hash(again) == hash(any_noise)


def test_every_parameter_has_a_prior_and_says_what_it_means(any_noise):
    for parameter in any_noise.parameters:
        assert isinstance(parameter.prior, dist.Distribution), parameter.name
        assert len(parameter.doc) > 10, parameter.name


@given(residual=residuals)
@float64
def test_a_residual_costs_the_same_on_either_side(any_noise, residual):
    above, below = (float(any_noise.rho(r, constants_of(any_noise), 0.0)) for r in (residual, -residual))
    assert above == pytest.approx(below, rel=1e-14)


@given(nearer=st.floats(0.0, 3.0), further=st.floats(1e-3, 3.0))
@float64
def test_a_larger_residual_costs_more_and_none_costs_least(any_noise, nearer, further):
    costs = any_noise.rho(np.array([0.0, nearer, nearer + further]), constants_of(any_noise), 0.0)
    assert costs[0] <= costs[1] < costs[2]


@float64
def test_runs_and_members_of_a_batch_broadcast(any_noise):
    constants = {name: np.full(5, value) for name, value in constants_of(any_noise).items()}
    assert any_noise.rho(np.zeros((7, 5)), constants, np.zeros((7, 1))).shape == (7, 5)


@given(residual=residuals, prediction=st.floats(-1.0, 2.0), sigma=scales)
@float64
def test_the_cost_is_the_negative_log_density_about_the_prediction(any_likelihood, residual, prediction, sigma):
    constants = constants_of(any_likelihood, sigma)
    density = any_likelihood.distribution(prediction, constants, 0.0)
    cost = any_likelihood.rho(residual, constants, 0.0)
    assert float(cost) == pytest.approx(-float(density.log_prob(prediction + residual)), rel=1e-9, abs=1e-9)


@float64
def test_the_density_integrates_to_one(any_likelihood):
    constants = constants_of(any_likelihood, 0.1)
    density = jax.jit(lambda r: jax.numpy.exp(-any_likelihood.rho(r, constants, 0.05)))
    mass, _ = quad(lambda r: float(density(r)), -20.0, 20.0, points=(-0.5, 0.5), limit=200)
    assert mass == pytest.approx(1.0, abs=1e-4)


@given(residual=residuals, sigma=scales, log_loss_se=scales)
@float64
def test_a_known_standard_error_adds_to_the_scale_in_quadrature(any_likelihood, residual, sigma, log_loss_se):
    with_error = any_likelihood.rho(residual, constants_of(any_likelihood, sigma), log_loss_se)
    wider = any_likelihood.rho(residual, constants_of(any_likelihood, np.hypot(sigma, log_loss_se)), 0.0)
    assert float(with_error) == pytest.approx(float(wider), rel=1e-10)


@float64
def test_predictions_of_many_draws_are_sampled_at_once(any_likelihood):
    constants = {name: np.full((4, 1), value) for name, value in constants_of(any_likelihood).items()}
    sample = any_likelihood.distribution(np.zeros((4, 3)), constants, 0.0).sample(jax.random.key(0))
    assert sample.shape == (4, 3)
    assert len(np.unique(sample)) == 12
