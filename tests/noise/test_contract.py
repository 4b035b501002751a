"""Every noise model keeps the contract: a new file in bayescale/noise is tested here without
registering it.

Costs are computed at many random points at once, of one shape for every noise model, so that they
share the programs of single operations.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.stats
from numpyro.distributions.transforms import biject_to
from scipy.integrate import quad

from bayescale._internal.compiling import Use
from bayescale._internal.precision import float64
from bayescale.noise.base import Conditions, Likelihood, Noise, is_likelihood, sample_responses
from bayescale.processes.base import Process

POINTS = 300
# Samples of the scatter: as many draws of the constants as runs.
SIDE = 141


def points(seed, low, high):
    """Return numbers between two bounds, which are the first and the last of them."""
    inside = np.random.default_rng(seed).uniform(low, high, POINTS - 2)
    return np.concatenate([[low], inside, [high]])


def constrain_some(noise, sigma=0.1):
    """A given scale, and every other parameter near its prior's mean."""
    return {p.name: float(p.prior.mean) for p in noise.parameters} | {"sigma": sigma}


def conditions_of(noise, log_loss_se=0.0, compute_decades=0.0):
    """A run whose error is known, where the noise model cannot do without, and of whose answers
    half are right.
    """
    return Conditions(
        log_loss_se or (0.1 if "loss_se" in noise.columns else 0.0), compute_decades, 10.0, 20.0
    )


def test_it_keeps_the_protocol(any_noise):
    assert isinstance(any_noise, Noise)
    assert (
        is_likelihood(any_noise)
        == isinstance(any_noise, Likelihood)
        == hasattr(any_noise, "distribution")
    )


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


def test_every_prior_has_density_at_points_of_its_support(any_noise):
    for parameter in any_noise.parameters:
        points = biject_to(parameter.prior.support)(jnp.linspace(-3.0, 3.0, 5))
        assert np.isfinite(parameter.prior.log_prob(points)).all(), parameter.name


def test_the_amplitude_of_every_process_is_among_the_parameters(any_noise):
    names = [p.name for p in any_noise.parameters]
    for process in any_noise.shared:
        assert isinstance(process, Process)
        assert process.amplitude.name in names
        assert set(process.columns) <= set(any_noise.columns)


@float64
def test_a_larger_residual_costs_more_on_either_side_and_none_costs_least(any_noise):
    smaller = points(0, 0.0, 2.9)
    larger = smaller + points(1, 1e-3, 0.1)[::-1]
    params = constrain_some(any_noise)
    conditions = conditions_of(any_noise, compute_decades=points(2, -3.0, 3.0))
    none = np.asarray(any_noise.rho(np.zeros(POINTS), params, conditions))
    for side in (1, -1):
        less, more = (
            np.asarray(any_noise.rho(side * sizes, params, conditions))
            for sizes in (smaller, larger)
        )
        # To rounding: the nearest residuals differ from none by less than the last digit of the
        # cost.
        assert (none <= less + 1e-14).all()
        assert (less + 1e-14 < more).all()


@float64
def test_a_residual_costs_the_same_on_either_side_where_no_parameter_tells_them_apart(any_noise):
    params = constrain_some(any_noise) | {"kappa": 1.0}
    residual = points(0, -3.0, 3.0)
    conditions = conditions_of(any_noise, compute_decades=points(1, -3.0, 3.0)[::-1])
    above, below = (any_noise.rho(side * residual, params, conditions) for side in (1, -1))
    np.testing.assert_allclose(above, below, rtol=1e-14)


@float64
def test_runs_and_members_of_a_batch_broadcast(any_noise):
    params = {name: np.full(5, value) for name, value in constrain_some(any_noise).items()}
    conditions = Conditions(np.full((7, 1), 0.1), np.linspace(-1.0, 1.0, 7)[:, None])
    costs = np.asarray(any_noise.rho(np.full((7, 5), 0.2), params, conditions))
    assert costs.shape == (7, 5)
    alone = any_noise.rho(
        0.2, {name: values[4] for name, values in params.items()}, Conditions(0.1, 1.0)
    )
    assert costs[6, 4] == pytest.approx(float(alone), rel=1e-12)


@float64
def test_slopes_in_residual_and_parameters_are_finite_however_far_a_run_is_off(any_noise):
    def cost(residual, params):
        return any_noise.rho(residual, params, conditions_of(any_noise))

    residuals = np.array([-50.0, 0.0, 1e-9, 50.0])
    slopes_of_each = jax.vmap(jax.grad(cost, argnums=(0, 1)), in_axes=(0, None))
    gradient = jax.jit(slopes_of_each, compiler_options=Use.BRIEF.options)
    slopes = gradient(residuals, constrain_some(any_noise))
    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes))


@float64
def test_the_cost_is_the_negative_log_density_about_the_prediction(any_likelihood):
    residual, prediction = points(0, -3.0, 3.0), points(1, -1.0, 2.0)
    params = constrain_some(any_likelihood, points(2, 1e-3, 1.0))
    conditions = conditions_of(any_likelihood, compute_decades=points(3, -3.0, 3.0))
    density = any_likelihood.distribution(prediction, params, conditions)
    cost = any_likelihood.rho(residual, params, conditions)
    np.testing.assert_allclose(cost, -density.log_prob(prediction + residual), rtol=1e-9, atol=1e-9)


@cache
@float64
def density_of(noise):
    """Return the density of a residual, a compiled function of it and of the conditions."""
    params = constrain_some(noise)
    density = jax.jit(lambda r, conditions: jnp.exp(-noise.rho(r, params, conditions)))
    return lambda r, conditions: float(density(r, conditions))


@float64
def test_the_density_integrates_to_one(any_likelihood):
    density, conditions = density_of(any_likelihood), Conditions(0.05, 0.5, 10.0, 20.0)
    mass, _ = quad(
        lambda r: density(r, conditions), -20.0, 20.0, points=(-0.5, 0.0, 0.5), limit=200
    )
    assert mass == pytest.approx(1.0, abs=1e-4)


@float64
def test_a_known_standard_error_adds_in_quadrature_to_the_scale_or_to_itself(any_likelihood):
    residual = points(0, -3.0, 3.0)
    sigma, log_loss_se, more = (points(seed, 1e-3, 1.0) for seed in (1, 2, 3))

    def cost(sigma, log_loss_se):
        params = constrain_some(any_likelihood, sigma)
        return np.asarray(any_likelihood.rho(residual, params, Conditions(log_loss_se)))

    together = np.hypot(log_loss_se, more)
    scaled = any(p.name == "sigma" for p in any_likelihood.parameters)
    expected = (
        cost(np.hypot(sigma, together), np.zeros(POINTS))
        if scaled
        else -scipy.stats.norm(0.0, together).logpdf(residual)
    )
    np.testing.assert_allclose(cost(sigma, together), expected, rtol=1e-9, atol=1e-12)


@cache
@float64
def sampled(noise):
    """Return samples for draws of the constants, shape (draws, 1), at runs, shape (draws, runs)."""
    params = {name: np.full((SIDE, 1), value) for name, value in constrain_some(noise).items()}
    density = noise.distribution(np.zeros((SIDE, SIDE)), params, conditions_of(noise))
    return sample_responses(density, seed=0)


@float64
def test_samples_scatter_as_the_density_says(any_likelihood):
    drawn, density = sampled(any_likelihood).ravel(), density_of(any_likelihood)
    conditions = Conditions(*map(float, conditions_of(any_likelihood)))
    for edge in (-0.1, 0.0, 0.05, 0.2):
        below, _ = quad(
            lambda r: density(r, conditions),
            -20.0,
            edge,
            points=sorted({-0.5, min(0.0, edge)}),
            limit=200,
        )
        # Five standard errors, which all 60 comparisons together pass by chance all but once in ten
        # thousand.
        assert (drawn <= edge).mean() == pytest.approx(
            below, abs=5 * np.sqrt(below * (1 - below) / len(drawn))
        )


def test_predictions_of_many_draws_are_sampled_at_once(any_likelihood):
    sample = sampled(any_likelihood)
    assert sample.shape == (SIDE, SIDE)
    assert len(np.unique(sample)) == SIDE**2
