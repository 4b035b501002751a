"""`bs.profile`: the least objective at given exponents, against SciPy, and the intervals that it gives."""

import jax
import numpy as np
import pytest
import scipy.optimize

import bayescale as bs
from bayescale.decisions.profile import Profile
from bayescale.inference.base import Problem


@pytest.fixture(scope="module")
def runs() -> bs.Runs:
    return bs.datasets.simulate(seed=3, noise=0.01)


@pytest.fixture(scope="module")
def found(runs: bs.Runs) -> Profile:
    return bs.profile(runs, noise=bs.noise.Normal(), nodes=32)


def test_a_node_is_where_scipy_ends_with_the_exponents_held(runs, found):
    with jax.enable_x64(True):
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.Normal())
    log_n, log_d = (np.asarray(problem.data.log_inputs[name][: len(runs), 0]) for name in ("n_params", "n_tokens"))
    log_loss = np.asarray(problem.data.log_loss[: len(runs), 0])
    for i, j in ((5, 5), (16, 16), (20, 10)):
        alpha, beta = found.data["alpha"].item(i), found.data["beta"].item(j)

        def objective(v, alpha=alpha, beta=beta):
            e, a, b, log_sigma = v
            predicted = np.log(np.exp(e) + np.exp(a - alpha * log_n) + np.exp(b - beta * log_d))
            z = (log_loss - predicted) / np.exp(log_sigma)
            prior = 0.5 * ((log_sigma - np.log(0.01)) / 1.5) ** 2 + np.log(1.5) + 0.5 * np.log(2 * np.pi)
            return np.sum(0.5 * z**2 + log_sigma + 0.5 * np.log(2 * np.pi)) + prior

        least = min(scipy.optimize.minimize(objective, [-0.5, a, -2.0, -4.5], method="BFGS").fun for a in (-2.0, -1.0))
        assert found.data["objective"].to_numpy()[i, j] == pytest.approx(least, abs=1e-4)


def test_intervals_hold_the_best_and_the_wider_holds_the_narrower(found):
    table = found.summary()
    assert list(table.index) == ["alpha", "beta"]
    for row in table.itertuples():
        assert row.low_90 < row.low_50 < row.best < row.high_50 < row.high_90


def test_the_profile_agrees_with_the_posterior_where_data_are_many(runs, found):
    posterior = bs.fit(runs, noise=bs.noise.Normal(), method=bs.Importance())
    for name in ("alpha", "beta"):
        low, high = np.quantile(posterior.draws(name), [0.05, 0.95])
        row = found.summary().loc[name]
        assert (row["low_90"], row["high_90"]) == pytest.approx((low, high), abs=0.3 * (high - low))


def test_an_objective_has_a_profile_and_no_intervals(runs):
    found = bs.profile(runs, noise=bs.noise.Huber(), nodes=16)
    assert list(found.summary().columns) == ["best"]
    assert set(found.data.data_vars) == {"objective"}


def test_a_common_exponent_is_one_axis(runs):
    found = bs.profile(runs, law=bs.laws.Chinchilla(tied=True), noise=bs.noise.Normal(), nodes=32)
    assert found.data.sizes == {"alpha": 32}
    assert list(found.frame.columns) == ["alpha", "objective", "relative_log_likelihood"]


def test_too_few_nodes_are_refused(runs):
    with pytest.raises(bs.InputError, match="nodes=4 must be at least 8"):
        bs.profile(runs, nodes=4)
