"""Designs of the next runs: against nested Monte Carlo, and what may be asked."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.plans.design import Design
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Huber, Normal

BUDGET, TARGET = 7e20, 1e22


@pytest.fixture(scope="module")
def posterior():
    runs = bs.datasets.simulate(seed=1, budgets=(1e18, 3e18, 1e19), sizes_per_budget=5)
    return bs.fit(runs, law=Chinchilla(), noise=Normal(), method=bs.Importance(draws=4000))


@pytest.fixture(scope="module")
def planned(posterior) -> Callable[[int], Design]:
    """The design of so many runs, each made once."""
    return cache(lambda n_runs: bs.design(posterior, BUDGET, compute=TARGET, n_runs=n_runs))


@pytest.fixture(scope="module")
def cost(posterior) -> np.ndarray:
    return regrets(posterior)


def losses(posterior, n_params, n_tokens):
    """Return the losses of the law, shape (draws, places)."""
    c = {name: values.reshape(-1, 1) for name, values in posterior.params.items()}
    return c["E"] + c["A"] / n_params ** c["alpha"] + c["B"] / n_tokens ** c["beta"]


def regrets(posterior):
    """Return the regrets of sizes at the target under each draw, shape (draws, sizes)."""
    best = Chinchilla().optimal_n_params(
        {name: values.reshape(-1, 1) for name, values in posterior.params.items()}, TARGET
    )
    sizes = np.geomspace(0.02, 50, 300) * np.median(best)
    least = losses(posterior, best, TARGET / (6 * best))
    return losses(posterior, sizes, TARGET / (6 * sizes)) - least


def by_monte_carlo(posterior, cost, runs, outcomes=300):
    """Regret to expect once the runs have been made: outcomes are drawn, draws weighed by each, and
    the best size chosen.
    """
    rng = np.random.default_rng(0)
    expected = np.log(losses(posterior, runs["n_params"].to_numpy(), runs["n_tokens"].to_numpy()))
    sigma = posterior.draws("sigma")[:, None]
    found = []
    for truth in rng.choice(len(expected), outcomes, replace=False):
        measured = expected[truth] + sigma[truth] * rng.standard_normal(expected.shape[1])
        log_weights = np.sum(-(((measured - expected) / sigma) ** 2) / 2 - np.log(sigma), axis=1)
        weights = np.exp(log_weights - log_weights.max())
        found.append((weights @ cost).min() / weights.sum())
    return np.mean(found)


def test_regret_before_is_that_of_the_best_size_over_draws(planned, cost):
    assert planned(1).regret == pytest.approx(cost.mean(axis=0).min(), rel=0.1)


@pytest.mark.parametrize("n_runs", [1, 2, 4, 8])
def test_regret_after_is_that_of_nested_monte_carlo(posterior, planned, cost, n_runs):
    plan = planned(n_runs)
    expected = by_monte_carlo(posterior, cost, plan.frame)
    assert plan.frame["regret_after"].iloc[-1] == pytest.approx(expected, rel=0.15)


def test_chosen_runs_tell_more_than_as_many_at_random_by_nested_monte_carlo(
    posterior, planned, cost
):
    plan = planned(4)
    rng = np.random.default_rng(5)
    compute = np.full(4, plan.frame["flops"].sum() / 4)
    n_params = np.sqrt(compute / 6 / np.exp(rng.uniform(np.log(2.0), np.log(200.0), 4)))
    others = pd.DataFrame({"n_params": n_params, "n_tokens": compute / (6 * n_params)})
    chosen, at_random = (by_monte_carlo(posterior, cost, runs) for runs in (plan.frame, others))
    assert chosen < 0.8 * at_random


def test_the_frame_adds_up(planned):
    plan = planned(12)
    frame = plan.frame
    assert len(frame) == 12
    np.testing.assert_allclose(frame["flops"], 6 * frame["n_params"] * frame["n_tokens"])
    np.testing.assert_allclose(frame["cumulative_flops"], frame["flops"].cumsum())
    assert frame["cumulative_flops"].iloc[-1] <= BUDGET
    np.testing.assert_allclose(frame["regret_before"], [plan.regret, *frame["regret_after"][:-1]])
    np.testing.assert_allclose(
        frame["worth_per_flop"] * frame["flops"], frame["regret_before"] - frame["regret_after"]
    )
    assert plan.summary().index.tolist() == list(range(1, 13))


def test_each_run_leaves_less_of_the_loss_and_of_the_best_size(planned):
    plan = planned(12)
    for left in ("loss_left", "n_params_left"):
        assert 0 < plan.frame[left].iloc[-1] < plan.frame[left].iloc[0] < 1
        assert (plan.frame[left].diff().dropna() <= 1e-9).all()
    last = plan.frame.iloc[-1]
    said = f"leave {last['loss_left']:.0%} of the width of the interval of the loss"
    assert said in plan.sentences[1]
    assert f"{last['n_params_left']:.0%} of that of the best size" in plan.sentences[1]


def test_what_is_left_of_the_loss_is_what_weighing_draws_by_outcomes_leaves(posterior, planned):
    runs = planned(2).frame
    n_params, n_tokens = (runs[name].to_numpy() for name in ("n_params", "n_tokens"))
    expected = np.log(losses(posterior, n_params, n_tokens))
    sigma = posterior.draws("sigma")[:, None]
    params = {name: values.reshape(-1, 1) for name, values in posterior.params.items()}
    best = Chinchilla().optimal_n_params(params, TARGET)
    loss = np.log(losses(posterior, best, TARGET / (6 * best)))[:, 0]
    rng = np.random.default_rng(0)
    left = []
    for truth in rng.choice(len(loss), 200, replace=False):
        measured = expected[truth] + sigma[truth] * rng.standard_normal(2)
        log_weights = np.sum(-(((measured - expected) / sigma) ** 2) / 2 - np.log(sigma), axis=1)
        left.append(np.cov(loss, aweights=np.exp(log_weights - log_weights.max()), ddof=0))
    share = np.sqrt(np.mean(left) / loss.var())
    assert runs["loss_left"].iloc[-1] == pytest.approx(share, rel=0.15)


def test_candidates_have_tokens_per_parameter_as_known(posterior, planned):
    frame = planned(12).frame
    known = posterior.runs.frame["n_tokens"] / posterior.runs.frame["n_params"]
    chosen = frame["n_tokens"] / frame["n_params"]
    assert known.min() * 0.999 <= chosen.min() and chosen.max() <= known.max() * 1.001


def test_only_given_candidates_are_chosen_each_once(posterior):
    given = pd.DataFrame({"n_params": [1e8, 3e8, 1e9], "n_tokens": [1e10, 2e9, 1e10]})
    chosen = bs.design(posterior, BUDGET, compute=TARGET, candidates=given).frame[
        ["n_params", "n_tokens"]
    ]
    pd.testing.assert_frame_equal(chosen.sort_values("n_params", ignore_index=True), given)


def test_the_target_is_a_hundred_times_the_dearest_run_unless_given(posterior):
    assert bs.design(posterior, BUDGET, n_runs=1).compute == pytest.approx(1e21)


def test_the_slope_is_that_of_the_loss_at_the_target(posterior, planned):
    plan = planned(1)
    loss = bs.allocate(posterior, [TARGET, 1.01 * TARGET]).draws["loss"].mean("draw").to_numpy()
    assert plan.target_slope == pytest.approx((loss[0] - loss[1]) / (0.01 * TARGET), rel=0.05)


def test_it_says_to_stop_where_flops_are_worth_more_at_the_target(planned):
    plan = planned(12)
    net = np.array([plan.regret, *plan.frame["regret_after"]]) + plan.target_slope * np.array(
        [0.0, *plan.frame["cumulative_flops"]]
    )
    assert 0 < net.argmin() < len(plan.frame)
    assert f"size alone, stop after run {net.argmin()}:" in " ".join(plan.sentences)
    assert "run" in plan._repr_html_()


def test_up_to_twelve_runs_are_chosen_unless_asked_otherwise(posterior, planned):
    unasked = bs.design(posterior, BUDGET, compute=TARGET)
    pd.testing.assert_frame_equal(unasked.frame, planned(12).frame)


def test_with_a_price_no_run_is_chosen_that_costs_more_than_it_saves(posterior, planned):
    free = planned(12)
    priced = bs.design(posterior, BUDGET, compute=TARGET, price_per_flop=1e-18, value_per_nat=1e5)
    spent = priced.frame["flops"].sum()
    assert 0 < spent < free.frame["flops"].sum()
    assert priced.regret - priced.frame["regret_after"].iloc[-1] > 1e-23 * spent
    assert "Stop there" in " ".join(priced.sentences)
    none = bs.design(posterior, BUDGET, compute=TARGET, price_per_flop=1.0, value_per_nat=1.0)
    assert none.frame.empty and "no run is worth its price" in none.sentences[0]


def test_runs_that_tell_two_forms_apart_are_worth_more(made_posterior):
    rng = np.random.default_rng(0)
    jitter = np.exp(1e-3 * rng.standard_normal((2, 100)))
    one = {"E": 1.7, "A": 400.0 * jitter, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.003}
    arrays = {name: np.broadcast_to(value, (2, 100)) for name, value in one.items()}
    first = made_posterior(Chinchilla(), Normal(), arrays)
    # The same loss at ten billion tokens, but a steeper fall.
    other = replace(
        first, params={**arrays, "beta": np.full((2, 100), 0.36), "B": arrays["B"] * 1e10**0.08}
    )
    both = Stack((first, other), ("one", "other"), np.array([0.5, 0.5]), "evidence", pd.DataFrame())
    at = pd.DataFrame({"n_params": [1e9, 1e9], "n_tokens": [1e10, 1e12]})
    alone, mixed = (
        bs.design(one, 1e23, compute=1e25, candidates=at, n_runs=1) for one in (first, both)
    )
    assert mixed.regret > 100 * alone.regret
    assert mixed.frame["n_tokens"].tolist() == [1e12]
    assert mixed.frame["regret_after"].iloc[0] < 0.1 * mixed.regret


def test_a_posterior_of_no_weight_does_not_count(posterior):
    other = replace(
        posterior, params={**posterior.params, "alpha": posterior.params["alpha"] * 1.5}
    )
    both = Stack((posterior, other), ("one", "other"), np.array([1.0, 0.0]), "loo", pd.DataFrame())
    alone, mixed = (bs.design(one, BUDGET, compute=TARGET, n_runs=3) for one in (posterior, both))
    pd.testing.assert_frame_equal(alone.frame, mixed.frame)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1.0}, "budget = -1 is not a positive number"),
        (
            {"budget": 1e10, "candidates": pd.DataFrame({"n_params": [1e8], "n_tokens": [1e9]})},
            "cheapest candidate costs 6e",
        ),
        ({"compute": 0.0}, "compute = 0"),
        ({"n_runs": 0}, "n_runs = 0"),
        ({"price_per_flop": 1.0}, "go together"),
        ({"price_per_flop": -1.0, "value_per_nat": 1.0}, "must be positive"),
        ({"candidates": pd.DataFrame({"n_params": [1e8]})}, "no column n_tokens"),
        ({"candidates": pd.DataFrame({"n_params": [1e8], "n_tokens": [-1.0]})}, "positive counts"),
    ],
)
def test_what_cannot_be_is_refused(posterior, options, message):
    with pytest.raises(InputError, match=message):
        bs.design(posterior, **{"budget": BUDGET, **options})


def test_posteriors_that_say_too_little_are_refused(posterior, made_posterior):
    with pytest.raises(InputError, match="use a likelihood"):
        bs.design(replace(posterior, noise=Huber()), BUDGET)
    with pytest.raises(InputError, match="needs 100 draws and has 6"):
        bs.design(made_posterior(Chinchilla(), Normal()), BUDGET)
    with pytest.raises(InputError, match="no best size"):
        bs.design(made_posterior(PowerLaw(input="n_params"), Normal()), BUDGET)
