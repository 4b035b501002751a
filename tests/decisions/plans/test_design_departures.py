"""Designs under a posterior that doubts its law: worlds whose best size drifts beyond the runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.plans._planning import Planner
from bayescale.noise import Discrepancy, FrontierScale, Normal
from bayescale.processes import OptimumDrift, SizeEffect
from bayescale.processes.base import padded_functions
from tests.known_posteriors import known_posterior

DEAREST, TARGET = 1e20, 1e22
SHAPE = (2, 500)


@pytest.fixture(scope="module")
def believed():
    """A posterior that takes its law for true, and whose next runs scatter by a thousandth."""
    runs = bs.datasets.simulate(seed=1, budgets=(1e18, 1e19, DEAREST), sizes_per_budget=5)
    posterior = known_posterior(runs, shape=SHAPE)
    return replace(posterior, params=posterior.params | {"sigma": np.full(SHAPE, 0.001)})


@pytest.fixture(scope="module")
def doubted(believed):
    """Return `believed` with a drift of the best size, of which the runs say nothing."""
    return under(believed, Discrepancy(Normal(), (OptimumDrift(),)), tilt_sd=0.02)


def under(posterior, noise, **amplitudes):
    """Return the posterior under another noise model, its coefficients as the prior has them."""
    added = {name: np.full(SHAPE, value) for name, value in amplitudes.items()}
    changed = replace(posterior, noise=noise, params=posterior.params | added)
    functions = sum(padded_functions(basis.process, basis.size) for basis in changed.bases)
    coefficients = np.random.default_rng(0).standard_normal((*SHAPE, functions))
    return replace(changed, coefficients=coefficients)


def runs_at(compute, ratio):
    n_params = np.sqrt(np.asarray(compute) / 6 / np.asarray(ratio))
    return pd.DataFrame({"n_params": n_params, "n_tokens": n_params * np.asarray(ratio)})


CORNERS = runs_at([DEAREST] * 4, [0.5, 1.0, 400.0, 800.0])
FURTHER = runs_at([1e21, 1e21], [3.0, 130.0])


def share_left(posterior, candidates):
    """Return the share of the regret that is left once all candidates have been run."""
    plan = bs.design(posterior, 1e23, compute=TARGET, candidates=candidates)
    return plan.frame["regret_after"].iloc[-1] / plan.regret


def test_corner_runs_tell_of_the_best_size_only_where_the_law_is_believed(believed, doubted):
    assert share_left(believed, CORNERS) < 0.3
    assert share_left(doubted, CORNERS) > 0.7


def test_runs_beyond_the_dearest_tell_of_a_drift_that_begins_there(doubted):
    assert share_left(doubted, FURTHER) < 0.4


@float64
def test_the_regret_that_is_left_is_that_of_weighing_draws_by_outcomes(doubted):
    plan = bs.design(doubted, 1e23, compute=TARGET, candidates=FURTHER)
    planner = Planner.of(doubted)
    chosen = plan.frame
    shape = planner.n_draws, len(chosen)
    at = [np.broadcast_to(np.log(chosen[name]), shape) for name in ("n_params", "n_tokens")]
    expected = planner.log_loss(*at)
    best = np.asarray(planner.minimize_loss({"compute": np.array([TARGET])}).log_n)
    sizes = np.linspace(*np.quantile(best, [0.005, 0.995]), 201)
    log_n = np.hstack([best, np.broadcast_to(sizes, (planner.n_draws, 201))])
    losses = np.exp(planner.log_loss(log_n, np.log(TARGET / 6) - log_n))
    regrets = losses[:, 1:] - losses[:, :1]
    assert plan.regret == pytest.approx(regrets.mean(axis=0).min(), rel=0.02)
    sigma = doubted.draws("sigma")[:, None]
    rng = np.random.default_rng(1)
    left = []
    for truth in rng.choice(planner.n_draws, 200, replace=False):
        outcome = expected[truth] + sigma[truth] * rng.standard_normal(len(chosen))
        misfit = ((outcome - expected) / sigma) ** 2
        log_weights = -np.sum(misfit / 2 + np.log(sigma), axis=1)
        weights = np.exp(log_weights - log_weights.max())
        left.append((weights @ regrets).min() / weights.sum())
    assert plan.frame["regret_after"].iloc[-1] == pytest.approx(np.mean(left), rel=0.25)


def test_a_run_far_above_the_frontier_is_worth_less_where_its_scatter_is_taken_for_larger(
    doubted,
):
    base = FrontierScale(Normal(), slope=0.0, excess=0.001)
    weighed = under(doubted, Discrepancy(base, (OptimumDrift(),)), tilt_sd=0.02)
    # The second shows at this compute how far the others are from the best.
    some = runs_at([1e21] * 3, [0.5, 20.0, 800.0])
    assert share_left(weighed, some) > share_left(doubted, some) + 0.3


def test_an_effect_of_the_size_makes_a_run_tell_less(doubted):
    effects = Discrepancy(Normal(), (OptimumDrift(), SizeEffect()))
    blurred = under(doubted, effects, tilt_sd=0.02, size_sd=0.03)
    assert share_left(blurred, FURTHER) > share_left(doubted, FURTHER) + 0.1
