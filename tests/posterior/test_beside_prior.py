"""What the prior said beside what the runs say."""

from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.posterior.beside_prior import QUANTITIES, beside_prior, coordinates_of
from bayescale.posterior.of_runs import centre_of
from bayescale.posterior.posterior import Posterior
from bayescale.processes.base import sweep_of
from tests.known_posteriors import known_posterior

LAW = bs.laws.Coupled()


@float64
def of_coordinates(draws, runs):
    """Return the posterior with these coordinates at the dearest runs."""
    sweep = sweep_of(runs, LAW.inputs)
    centre = centre_of(runs, LAW)
    units = {name: float(np.exp(value)) for name, value in centre.items()}
    params = LAW.rescale(LAW.from_coordinates(draws, sweep), units)
    chains = {name: np.asarray(values)[None] for name, values in params.items()}
    chains["sigma"] = np.full_like(chains["E"], 0.01)
    return Posterior(LAW, bs.noise.Normal(), bs.NUTS(), runs, chains)


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=0)


@pytest.fixture(scope="module")
def prior_draws():
    rng = np.random.default_rng(0)
    drawn = {}
    for row in LAW.coordinates:
        drawn[row.name] = rng.normal(float(row.prior.loc), float(row.prior.scale), 4000)
    return drawn


@pytest.fixture(scope="module")
def posterior(runs, prior_draws):
    return of_coordinates(prior_draws, runs)


def test_draws_of_the_prior_have_the_intervals_of_the_prior(posterior):
    table = beside_prior(posterior)
    assert list(table.index) == list(QUANTITIES)
    prior = table[["prior_q05", "prior_q50", "prior_q95"]].to_numpy()
    found = table[["q05", "q50", "q95"]].to_numpy()
    np.testing.assert_allclose(found, prior, rtol=0.1)


def test_coordinates_are_found_again_from_parameters_in_counts(posterior, prior_draws):
    found = coordinates_of(posterior)
    np.testing.assert_allclose(found["log_gamma"], prior_draws["log_gamma"])
    np.testing.assert_allclose(found["log_level"], prior_draws["log_level"], atol=1e-9)
    slope = LAW.prior.learnt.floor_share_slope * sweep_of(posterior.runs, LAW.inputs).compute
    np.testing.assert_allclose(found["floor_log_odds"] - slope, prior_draws["floor_log_odds"])


def test_a_certain_floor_is_narrower_than_its_prior(runs, prior_draws):
    certain = prior_draws | {"floor_log_odds": np.zeros(4000)}
    row = beside_prior(of_coordinates(certain, runs)).loc["floor_share"]
    assert row["q95"] - row["q05"] < 1e-6 < row["prior_q95"] - row["prior_q05"]


def test_a_law_of_other_parameters_has_no_such_table(runs):
    assert beside_prior(known_posterior(runs)).empty


def test_the_table_is_the_same_in_any_unit(posterior):
    frame = posterior.runs.frame.assign(n_tokens=posterior.runs.frame["n_tokens"] / 1e3)
    b = posterior.params["B"] / 1e3 ** posterior.params["beta"]
    law = bs.laws.Coupled(prior=bs.priors.AtFrontier())
    one = replace(posterior, law=law)
    runs = replace(posterior.runs, frame=frame)
    other = replace(one, runs=runs, params={**posterior.params, "B": b})
    np.testing.assert_allclose(beside_prior(other), beside_prior(one))


def test_the_dictionary_of_a_posterior_has_the_table(posterior, monkeypatch):
    monkeypatch.setattr("bayescale.posterior.misfits.misfits", lambda posterior: ())
    assert set(posterior.to_dict()["beside_prior"]) == set(QUANTITIES)
