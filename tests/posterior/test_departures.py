"""Processes of a noise model change the predictions of a posterior."""

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Discrepancy, GroupEffects, Normal
from bayescale.posterior.predictive import conditions
from bayescale.processes import IntegratedWiener, Matern
from bayescale.processes.base import decades_of_compute, locate

NOISE = Discrepancy(Normal(), (IntegratedWiener(), Matern()))
AMPLITUDES = {"sigma": 0.01, "drift_sd": 0.02, "matern_sd": 0.03}


@pytest.fixture
def many(made_posterior):
    """One law and one amplitude each, and as many draws of the coefficients from their prior as
    tell moments apart.
    """

    def make(noise=NOISE, **amplitudes):
        params = {"E": 1.5, "A": 9.0, "alpha": 0.1} | AMPLITUDES | amplitudes
        wanted = {p.name for p in (*PowerLaw().parameters, *noise.parameters)}
        return made_posterior(
            PowerLaw(), noise, {name: np.full((4, 2000), params[name]) for name in wanted}
        )

    return make


def test_without_processes_nothing_is_added(made_posterior):
    posterior = made_posterior(Chinchilla(), Normal())
    assert posterior.bases == ()
    assert (
        posterior.log_departure().max()
        == posterior.log_departure({"n_params": np.ones(1)}).max()
        == 0.0
    )


def test_at_the_runs_departures_are_functions_times_amplitude_and_coefficient(many):
    posterior = many(drift_sd=0.0)
    basis = posterior.bases[1]
    features = basis.features(locate(posterior.runs, ("flops",)))
    expected = 0.03 * posterior.coefficients[..., 8 : 8 + basis.size] @ features.T
    np.testing.assert_allclose(posterior.log_departure(), expected, rtol=1e-5, atol=1e-7)


@float64
def test_elsewhere_departures_have_the_covariance_of_the_process_whatever_the_distance(many):
    new = {"flops": np.geomspace(1e8, 1e14, 5)}
    posterior = many()
    drawn = posterior.log_departure(new).reshape(-1, 5)
    at = locate(posterior.runs, ("flops",), new)
    expected = 0.02**2 * IntegratedWiener().covariance(at, at) + 0.03**2 * Matern().covariance(
        at, at
    )
    scale = np.sqrt(np.diag(expected))
    # Standard errors of covariances from 8,000 draws are a hundredth of the product of scales.
    np.testing.assert_allclose(
        np.cov(drawn.T) / np.outer(scale, scale), expected / np.outer(scale, scale), atol=0.06
    )


@float64
def test_near_the_runs_new_departures_are_those_of_the_runs(many):
    posterior = many()
    again = posterior.log_departure({"flops": posterior.runs.column("flops")})
    np.testing.assert_allclose(again, posterior.log_departure(), atol=1e-3 * 0.03)


def test_what_the_runs_leave_open_depends_on_the_seed_alone(many):
    posterior, new = many(), {"flops": np.array([1e13])}
    one, same, other = (posterior.log_departure(new, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


@float64
def test_a_new_run_has_a_departure_of_a_group_of_its_own(made_posterior):
    params = {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.001, "group_sd": 0.02}
    noise = GroupEffects(Normal())
    frame = made_posterior(PowerLaw(), noise, params).runs.frame
    posterior = made_posterior(
        PowerLaw(), noise, {name: np.full((4, 2000), value) for name, value in params.items()}
    )
    assert set(frame["group"]) == set("abc")
    drawn = posterior.log_departure({"flops": posterior.runs.column("flops")[:2]}).reshape(-1, 2)
    np.testing.assert_allclose(np.cov(drawn.T), 0.02**2 * np.eye(2), atol=0.06 * 0.02**2)
    assert (
        abs(np.corrcoef(drawn[:, 0], posterior.log_departure().reshape(-1, 6)[:, 0])[0, 1]) < 0.06
    )


@float64
def test_a_forecast_scatters_by_law_departure_and_noise_together(many):
    posterior = many()
    forecast = bs.forecast(posterior, flops=[1e9, 1e14])
    at = locate(posterior.runs, ("flops",), {"flops": np.array([1e9, 1e14])})
    shared = 0.02**2 * np.diag(IntegratedWiener().covariance(at, at)) + 0.03**2
    np.testing.assert_allclose(
        np.log(forecast.draws).std(axis=0), np.sqrt(shared + 0.01**2), rtol=0.04
    )
    np.testing.assert_allclose(np.log(forecast.law_draws).std(axis=0), np.sqrt(shared), rtol=0.04)


@float64
def test_the_log_likelihood_is_that_of_runs_given_their_departures(many):
    posterior = many()
    found = posterior.to_arviz()["log_likelihood"]["loss"].to_numpy()
    log_loss = np.log(posterior.runs.column("loss"))
    scaled = (log_loss - posterior.log_law() - posterior.log_departure()) / 0.01
    np.testing.assert_allclose(
        found, -0.5 * scaled**2 - np.log(0.01 * np.sqrt(2 * np.pi)) - log_loss, rtol=1e-7, atol=1e-7
    )


def test_scatter_that_changes_with_compute_is_not_extrapolated(made_posterior):
    posterior = made_posterior(Chinchilla(), Normal())
    known = decades_of_compute(posterior.runs, posterior.law.inputs)
    new = {"n_params": np.array([1e3, 1e15]), "n_tokens": np.array([1e3, 1e15])}
    assert conditions(posterior, new).compute_decades.tolist() == [known.min(), known.max()]
