"""The prior at the frontier: what its coordinates say of the law there, in any unit."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.inference.base import Problem
from bayescale.laws import Chinchilla, Coupled
from bayescale.priors import AtFrontier, Library
from bayescale.sweep import Sweep

SLOPING = AtFrontier(floor_share_slope=0.3, params_share_slope=1.0)
LAW = Coupled(prior=SLOPING)
DEPARTURES = bs.noise.Discrepancy()
coordinates = st.fixed_dictionaries(
    {
        "log_level": st.floats(-0.5, 0.5),
        "floor_log_odds": st.floats(-3.0, 3.0),
        "params_log_odds": st.floats(-4.0, 4.0),
        "log_exponent": st.floats(-2.0, 0.0),
        "log_exponent_ratio": st.floats(-0.5, 0.5),
        "log_gamma": st.floats(-2.0, 0.5),
    }
)
sweeps = st.builds(Sweep, st.floats(-3.0, 3.0), st.floats(-2.0, 2.0))


def log_loss(params, log_n=0.0, log_d=0.0):
    return LAW.predict(params, {"n_params": log_n, "n_tokens": log_d})


def log_odds(share):
    return np.log(share) - np.log1p(-share)


@given(at=coordinates, sweep=sweeps)
@float64
def test_the_loss_at_the_reference_is_its_level_and_the_floor_a_share_of_it(at, sweep):
    params = LAW.from_coordinates(at, sweep)
    level = np.exp(at["log_level"])
    assert float(np.exp(log_loss(params))) == pytest.approx(level, rel=1e-12)
    floor = at["floor_log_odds"] + 0.3 * sweep.compute
    assert log_odds(float(params["E"]) / level) == pytest.approx(floor, rel=1e-9, abs=1e-9)


@given(at=coordinates, sweep=sweeps)
@float64
def test_the_excess_falls_with_parameters_by_their_share_of_the_exponent(at, sweep):
    params = LAW.from_coordinates(at, sweep)
    step = 1e-4
    log_n = np.array([step, -step, 0.0, 0.0])
    loss = np.exp(log_loss(params, log_n, log_n[::-1]))
    log_excess = np.log(loss - np.asarray(params["E"]))
    in_params = (log_excess[0] - log_excess[1]) / (2 * step)
    in_tokens = (log_excess[3] - log_excess[2]) / (2 * step)
    share = 1 / (1 + np.exp(-at["params_log_odds"] - sweep.tokens_per_param))
    assert in_params == pytest.approx(-float(params["alpha"]) * share, rel=1e-4, abs=1e-6)
    assert in_tokens == pytest.approx(-float(params["beta"]) * (1 - share), rel=1e-4, abs=1e-6)


@given(at=coordinates, sweep=sweeps)
@float64
def test_exponents_have_the_mean_and_the_ratio_that_were_given(at, sweep):
    params = LAW.from_coordinates(at, sweep)
    alpha, beta = float(params["alpha"]), float(params["beta"])
    assert np.log(alpha * beta) / 2 == pytest.approx(at["log_exponent"], abs=1e-12)
    assert np.log(beta / alpha) == pytest.approx(at["log_exponent_ratio"], abs=1e-12)
    assert np.log(params["gamma"]) == pytest.approx(at["log_gamma"], abs=1e-12)


@pytest.mark.parametrize(("compute", "tokens_per_param"), [(50.0, 0.0), (0.0, -50.0)])
@float64
def test_beyond_all_known_sweeps_the_prior_is_that_of_the_furthest(compute, tokens_per_param):
    middle = {row.name: float(row.prior.loc) for row in LAW.coordinates}
    far = Sweep(compute, tokens_per_param)
    nearer = Sweep(np.clip(compute, -3.75, 3.75), np.clip(tokens_per_param, -2.5, 2.5))
    found, expected = (LAW.from_coordinates(middle, at) for at in (far, nearer))
    assert {name: float(value) for name, value in found.items()} == {
        name: float(value) for name, value in expected.items()
    }


@float64
def problem_in(law, noise=DEPARTURES, **factors):
    """Return the problem of a sweep whose columns are counted in other units."""
    frame = bs.datasets.simulate(seed=3).frame[["n_params", "n_tokens", "loss"]]
    for name, factor in factors.items():
        frame = frame.assign(**{name: frame[name] * factor})
    return Problem.build(bs.Runs(frame), law, noise)


def arrays(problem):
    return jax.tree.leaves(problem.data)


@pytest.mark.parametrize("law", [Coupled(), Coupled(AtFrontier())], ids=["library", "by hand"])
@float64
def test_a_sweep_in_bits_is_the_problem_that_it_is_in_nats(law):
    # All that an objective sees is equal, and so is the posterior.
    nats, bits = problem_in(law), problem_in(law, loss=1 / np.log(2))
    for one, other in zip(arrays(nats), arrays(bits), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert bits.units["loss"] == pytest.approx(nats.units["loss"] / np.log(2))


@pytest.mark.parametrize(("params", "tokens"), [(1e-9, 1e-6), (0.3, 7.0)])
@float64
def test_parameters_and_tokens_in_any_unit_are_one_problem_but_for_where_the_sweep_stands(
    params, tokens
):
    law, noise = Coupled(AtFrontier()), bs.noise.FrontierScale()
    one = problem_in(law, noise)
    other = problem_in(law, noise, n_params=params, n_tokens=tokens)
    elsewhere = other.data._replace(sweep=one.data.sweep)
    for found, expected in zip(jax.tree.leaves(elsewhere), arrays(one), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    # Without slopes nothing of the prior depends on where the sweep stands.
    middle = {row.name: float(row.prior.loc) for row in law.coordinates}
    there, here = (law.from_coordinates(middle, each.data.sweep) for each in (other, one))
    for name, value in here.items():
        assert float(there[name]) == pytest.approx(float(value), rel=1e-12)


@float64
def test_constants_in_counts_give_the_loss_of_the_reference_where_the_reference_stands():
    law = Coupled(Library())
    problem = problem_in(law)
    middle = {row.name: float(row.prior.loc) for row in law.coordinates}
    params = law.from_coordinates(middle, problem.data.sweep)
    in_counts = law.rescale(params, problem.units)
    at = {name: np.log(problem.units[name]) for name in law.inputs}
    # The level of the middle of the prior is what the runs at the reference show.
    assert float(np.exp(law.predict(in_counts, at))) == pytest.approx(problem.units["loss"])


def test_a_law_of_other_parameters_is_refused():
    with pytest.raises(InputError, match=r"prior of E, A, B.*this law has E, A, B, alpha, beta"):
        AtFrontier().coordinates(Chinchilla().parameters)


@pytest.mark.parametrize(
    ("option", "value"),
    {
        "floor_share": 0.0,
        "params_share": 1.0,
        "level_sd": 0.0,
        "gamma": -1.0,
        "exponent": np.inf,
        "exponent_ratio_sd": np.nan,
    }.items(),
)
def test_an_option_out_of_its_range_is_refused(option, value):
    with pytest.raises(InputError, match=f"at_frontier: {option}={value} must be"):
        AtFrontier(**{option: value})
