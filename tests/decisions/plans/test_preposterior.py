"""Preposterior analysis: against Normal conditioning, against trying every set, and against
definitions.
"""

from itertools import combinations

import numpy as np
import pytest

from bayescale.decisions.plans._preposterior import Preposterior

CANDIDATES, CURVATURE = 8, 0.3


@pytest.fixture
def draws():
    """Log losses of candidates, optima, curvatures and weights of draws from a few unknowns."""
    rng = np.random.default_rng(0)
    unknowns = rng.standard_normal((600, 3))
    log_losses = 0.02 * unknowns @ rng.standard_normal((3, CANDIDATES))
    optimum = unknowns @ [0.5, -0.2, 0.4] + 0.1 * rng.standard_normal(600)
    weights = rng.dirichlet(np.ones(600))
    return log_losses, optimum, np.full(600, CURVATURE), weights


@pytest.fixture
def noise():
    return np.linspace(0.01, 0.02, CANDIDATES) ** 2


@pytest.fixture
def outlook(draws, noise):
    return Preposterior.of(*draws, noise)


def conditioned(draws, noise, chosen):
    """Half the curvature times the variance of the optimum given measurements, by the covariance of
    all.
    """
    log_losses, optimum, _, weights = draws
    together = np.cov(np.column_stack([log_losses[:, chosen], optimum]).T, aweights=weights, ddof=0)
    known, cross = together[:-1, :-1] + np.diag(noise[chosen]), together[:-1, -1]
    return CURVATURE / 2 * (together[-1, -1] - cross @ np.linalg.solve(known, cross))


@pytest.mark.parametrize("chosen", [[0], [3, 5], [0, 1, 2, 4, 7]])
def test_regret_is_that_of_normal_conditioning(draws, noise, outlook, chosen):
    assert outlook.regret(chosen) == pytest.approx(conditioned(draws, noise, chosen), rel=1e-9)


def test_regret_of_no_run_is_half_the_curvature_times_the_variance(draws, outlook):
    _, optimum, _, weights = draws
    assert outlook.regret() == pytest.approx(
        CURVATURE / 2 * np.cov(optimum, aweights=weights, ddof=0), rel=1e-12
    )


def test_gains_are_differences_of_regret(outlook):
    kept = [2, 6]
    differences = [outlook.regret(kept) - outlook.regret([*kept, j]) for j in range(CANDIDATES)]
    np.testing.assert_allclose(outlook.gains(kept), differences, rtol=1e-9)


def test_draws_count_by_their_curvature(draws, noise):
    log_losses, optimum, _, weights = draws
    curvature = np.random.default_rng(1).gamma(2.0, size=600)
    outlook = Preposterior.of(log_losses, optimum, curvature, weights, noise)
    best = np.average(optimum, weights=weights * curvature)
    assert outlook.regret() == pytest.approx(
        np.average(curvature / 2 * (optimum - best) ** 2, weights=weights), rel=1e-9
    )


@pytest.mark.parametrize("budget", [4.0, 9.0, 100.0])
def test_the_chosen_set_is_the_best_of_all_within_the_budget(outlook, budget):
    cost = np.array([1.0, 5.0, 2.0, 4.0, 1.0, 3.0, 2.0, 6.0])
    every = [
        list(one)
        for n in range(4)
        for one in combinations(range(CANDIDATES), n)
        if cost[list(one)].sum() <= budget
    ]
    chosen = outlook.best(cost, budget, most=3)
    assert len(chosen) <= 3 and cost[chosen].sum() <= budget
    assert outlook.regret(chosen) == pytest.approx(min(map(outlook.regret, every)), rel=1e-9)


def test_the_first_run_is_the_one_that_gains_most_for_its_cost(outlook):
    cost = np.array([1.0, 5.0, 2.0, 4.0, 1.0, 3.0, 2.0, 6.0])
    chosen = outlook.best(cost, 12.0, most=4)
    gains = outlook.gains()[chosen] / cost[chosen]
    assert gains.argmax() == 0


def test_no_run_is_chosen_that_is_not_worth_its_price(outlook):
    cost = np.full(CANDIDATES, 2.0)
    dear = outlook.gains().max() / 2.0
    assert outlook.best(cost, 100.0, most=8, price=1.01 * dear) == []
    some = outlook.best(cost, 100.0, most=8, price=0.1 * dear)
    assert 0 < len(some) < 8
    for out in some:
        assert outlook.gains([j for j in some if j != out])[out] > 0.1 * dear * 2.0


def test_candidates_that_tell_nothing_leave_the_regret_as_it_is(noise):
    rng = np.random.default_rng(2)
    optimum = rng.standard_normal(200)
    outlook = Preposterior.of(
        np.zeros((200, CANDIDATES)), optimum, np.ones(200), np.full(200, 1 / 200), noise
    )
    assert outlook.regret([0, 1]) == pytest.approx(outlook.regret())
    assert outlook.best(np.ones(CANDIDATES), 10.0, most=3) == []
