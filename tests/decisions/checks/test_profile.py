"""`bs.profile`: the least objective at given exponents, against SciPy, and the intervals that it
gives.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import bayescale as bs
from bayescale.decisions.checks.profile import Profile
from bayescale.inference.base import Problem
from bayescale.kernels.objective import value
from tests.known_posteriors import known_posterior

HUBER = bs.noise.Huber(0.003)


@pytest.fixture(scope="module")
def runs() -> bs.Runs:
    return bs.datasets.simulate(seed=3, noise=0.01)


@pytest.fixture(scope="module")
def found(runs: bs.Runs) -> Profile:
    return bs.profile(runs, noise=bs.noise.Normal(), nodes=16)


@pytest.fixture(scope="module")
def of_an_objective(runs: bs.Runs) -> Profile:
    return bs.profile(runs, noise=HUBER, nodes=16)


def test_a_node_is_where_scipy_ends_with_the_exponents_held(runs, found):
    with jax.enable_x64(True):
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.Normal())
    log_n, log_d = (
        np.asarray(problem.data.log_inputs[name][: len(runs), 0])
        for name in ("n_params", "n_tokens")
    )
    log_loss = np.asarray(problem.data.observed[: len(runs), 0])
    for i, j in ((3, 3), (8, 8), (10, 5)):
        alpha, beta = found.data["alpha"].item(i), found.data["beta"].item(j)

        def objective(v, alpha=alpha, beta=beta):
            e, a, b, log_sigma = v
            predicted = np.log(np.exp(e) + np.exp(a - alpha * log_n) + np.exp(b - beta * log_d))
            z = (log_loss - predicted) / np.exp(log_sigma)
            prior = (
                0.5 * ((log_sigma - np.log(0.01)) / 1.5) ** 2
                + np.log(1.5)
                + 0.5 * np.log(2 * np.pi)
            )
            return np.sum(0.5 * z**2 + log_sigma + 0.5 * np.log(2 * np.pi)) + prior

        least = min(
            scipy.optimize.minimize(objective, [-0.5, a, -2.0, -4.5], method="BFGS").fun
            for a in (-2.0, -1.0)
        )
        assert found.data["objective"].to_numpy()[i, j] == pytest.approx(least, abs=1e-4)


def test_where_the_runs_want_no_floor_a_node_is_the_best_without_one():
    # At small β a floor and B/D^β are alike, and logarithms of the one would run away.
    runs = bs.datasets.simulate(seed=3, noise=0.03, E=0.05)
    found = bs.profile(runs, noise=bs.noise.Normal(), nodes=16)
    with jax.enable_x64(True):
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.Normal())
    log_n, log_d = (
        np.asarray(problem.data.log_inputs[name][: len(runs), 0])
        for name in ("n_params", "n_tokens")
    )
    log_loss = np.asarray(problem.data.observed[: len(runs), 0])
    without_floor = 0
    for i, j in np.ndindex(found.data["objective"].shape):
        shares = [
            np.ones(len(runs)),
            np.exp(-found.data["alpha"].item(i) * log_n),
            np.exp(-found.data["beta"].item(j) * log_d),
        ]
        prediction = np.exp(log_loss)
        for _ in range(30):
            residual = log_loss - np.log(prediction)
            levels, _ = scipy.optimize.nnls(
                np.stack(shares, axis=1) / prediction[:, None], 1 + residual
            )
            prediction = levels @ shares
        squares = np.sum((log_loss - np.log(prediction)) ** 2)

        def of_log_sigma(v, squares=squares):
            return (
                len(runs) * v
                + 0.5 * squares * np.exp(-2 * v)
                + 0.5 * ((v - np.log(0.01)) / 1.5) ** 2
            )

        least = scipy.optimize.minimize_scalar(of_log_sigma, bracket=(-6.0, -3.0)).fun
        constant = 0.5 * (len(runs) + 1) * np.log(2 * np.pi) + np.log(1.5)
        assert found.data["objective"].to_numpy()[i, j] == pytest.approx(least + constant, abs=1e-3)
        without_floor += levels[0] == 0
    assert without_floor > 50


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(bs.noise.StudentT(), id="student_t", marks=pytest.mark.slow),
        pytest.param(HUBER, id="huber"),
    ],
)
def test_no_search_from_a_node_with_the_exponents_held_finds_less(runs, noise):
    found = bs.profile(runs, noise=noise, nodes=16)
    with jax.enable_x64(True):
        problem = Problem.build(runs, bs.laws.Chinchilla(), noise)
        law_parameters = problem.target.law.parameters

        @jax.jit
        def objective(v, exponents):
            coordinates = tuple(jnp.atleast_1d(c) for c in (*v[:3], *exponents, *v[3:]))
            f = value(problem.target, coordinates, problem.data, problem.weights)
            # What the prior of the law adds is no part of the profile.
            prior = sum(problem.target.penalty_of(law_parameters, coordinates[:5]))
            return (f - prior)[0]

        for i, j in ((4, 4), (8, 8), (10, 5)):
            exponents = [
                np.log(found.data[name].item(place)) for name, place in (("alpha", i), ("beta", j))
            ]

            def at_the_node(v, exponents=exponents):
                return objective(v, np.array(exponents))

            start = [-0.5, -1.5, -2.0, *problem.target.prior_location_scale[0][5:]]
            options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-6, "fatol": 1e-10}
            least = scipy.optimize.minimize(
                at_the_node, start, method="Nelder-Mead", options=options
            ).fun
            node = found.data["objective"].to_numpy()[i, j]
            assert node <= least + 1e-4 * abs(least)
            assert node == pytest.approx(least, rel=0.01)


def test_a_law_without_a_constant_has_a_profile(runs):
    law, noise = bs.laws.PowerLaw(floor=False), bs.noise.Normal()
    found = bs.profile(runs, law=law, noise=noise, nodes=16)
    # Least squares on logarithms.
    slope = -np.polyfit(np.log(runs.column("flops")), np.log(runs.column("loss")), 1)[0]
    assert found.summary().loc["alpha", "best"] == pytest.approx(slope, rel=0.02)


def test_a_posterior_brings_its_runs_law_and_noise(runs):
    posterior = known_posterior(runs, bs.laws.PowerLaw(floor=False), bs.noise.Normal())
    found = bs.profile(posterior, nodes=16)
    assert (found.runs, found.law, found.noise) == (posterior.runs, posterior.law, posterior.noise)


def test_a_noise_that_is_given_stands_in_for_the_posteriors(runs):
    assert bs.profile(known_posterior(runs), noise=HUBER, nodes=16).noise == HUBER


def test_where_the_likelihood_does_not_fall_before_the_end_an_interval_is_open():
    runs = bs.datasets.simulate(seed=3, noise=0.3)
    row = bs.profile(runs, noise=bs.noise.Normal(), nodes=16).summary().loc["alpha"]
    assert row["high_90"] == np.inf


def test_intervals_hold_the_best_and_the_wider_holds_the_narrower(found):
    table = found.summary()
    assert list(table.index) == ["alpha", "beta"]
    for row in table.itertuples():
        assert row.low_90 < row.low_50 < row.best < row.high_50 < row.high_90


def test_the_profile_agrees_with_the_posterior_where_data_are_many(runs, found):
    posterior = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance()
    )
    for name in ("alpha", "beta"):
        low, high = np.quantile(posterior.draws(name), [0.05, 0.95])
        row = found.summary().loc[name]
        assert (row["low_90"], row["high_90"]) == pytest.approx((low, high), abs=0.3 * (high - low))


def test_an_objective_has_a_profile_and_no_intervals(of_an_objective):
    assert list(of_an_objective.summary().columns) == ["best"]
    assert set(of_an_objective.data.data_vars) == {"objective"}


def test_a_common_exponent_is_one_axis(runs):
    found = bs.profile(runs, law=bs.laws.Chinchilla(tied=True), noise=bs.noise.Normal(), nodes=16)
    assert found.data.sizes == {"alpha": 16}
    assert list(found.frame.columns) == ["alpha", "objective", "relative_log_likelihood"]


def test_too_few_nodes_are_refused(runs):
    with pytest.raises(bs.InputError, match="nodes=4 must be at least 8"):
        bs.profile(runs, nodes=4)
