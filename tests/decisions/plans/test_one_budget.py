"""Runs of one budget: the best size at it, with an interval, and nothing of other compute."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.plans._one_budget import vertex
from tests.known_posteriors import known_posterior

BUDGET = 1e20
OPTIMUM = 6.4486e8


def sweep(seed=1, **options):
    about = {"noise": 0.003, "spread": 4.0} | options
    return bs.datasets.simulate(seed=seed, budgets=[BUDGET], **about)


@pytest.fixture(scope="module")
def posterior():
    return known_posterior(sweep())


def test_the_plan_at_the_budget_is_the_vertex_of_its_losses(posterior):
    plan = bs.allocate(posterior, BUDGET)
    size = plan.summary().loc[(BUDGET, "n_params")]
    assert size["q05"] < OPTIMUM < size["q95"]
    assert size["q95"] / size["q05"] < 2
    np.testing.assert_allclose(6 * plan.arrays["n_params"] * plan.arrays["n_tokens"], BUDGET)
    assert "says nothing of other compute" in " ".join(plan.sentences)
    assert plan.to_dict()["notes"] == list(plan.notes)


def test_intervals_of_the_vertex_hold_the_best_size_as_often_as_they_say():
    exact = sweep(noise=0.0, spread=3.0, sizes_per_budget=7).frame
    held = 0
    for seed in range(50):
        scatter = np.exp(0.003 * np.random.default_rng(seed).standard_normal(len(exact)))
        runs = bs.Runs(exact.assign(loss=exact["loss"] * scatter))
        n_params = vertex(runs).at(np.array([BUDGET]))["n_params"]
        low, high = np.nanquantile(n_params, [0.05, 0.95])
        held += low < OPTIMUM < high
    assert 38 <= held <= 50


def test_losses_without_noise_give_the_vertex_of_their_parabola():
    exact = sweep(noise=0.0)
    log_tokens = np.log10(exact.column("n_tokens"))
    curvature, slope, _ = np.polyfit(log_tokens, exact.column("loss"), 2)
    middle = np.median(vertex(exact).log_tokens)
    assert middle == pytest.approx(-slope / (2 * curvature), abs=0.005)


def test_three_sizes_have_an_interval_too():
    found = vertex(sweep(sizes_per_budget=3))
    assert np.nanstd(found.log_tokens) > 0.01


OTHERS = {
    "allocate": lambda post: bs.allocate(post, 1e22),
    "allocate to serve": lambda post: bs.allocate(
        post, lifetime_compute=BUDGET, constraints=bs.Constraints(inference_tokens=1e9)
    ),
    "allocate for a loss": lambda post: bs.allocate(post, target_loss=2.0),
    "flat_set": lambda post: bs.flat_set(post, 1e22),
    "returns": lambda post: bs.returns(post, BUDGET),
    "regret": lambda post: bs.regret(post, {"ours": (1e10, 1e12)}),
    "design": lambda post: bs.design(post, 1e20, compute=1e22),
    "plan": lambda post: bs.plan(post, BUDGET),
    "sensitivity": lambda post: bs.sensitivity(post),
    "loss_along_compute": lambda post: bs.plots.loss_along_compute(post),
}


@pytest.mark.parametrize("verb", OTHERS)
def test_other_compute_is_refused_with_the_finding_and_the_best_size(posterior, verb):
    with pytest.raises(bs.InputError, match="one_budget") as raised:
        OTHERS[verb](posterior)
    said = str(raised.value)
    assert said.startswith(verb.partition(" ")[0])
    assert "million parameters (90 %" in said and "two or more other budgets" in said


def test_a_budget_that_is_the_runs_but_for_rounding_is_answered(posterior):
    plan = bs.allocate(posterior, [BUDGET, 1.05 * BUDGET])
    ratio = plan.arrays["n_params"][:, 1] / plan.arrays["n_params"][:, 0]
    np.testing.assert_allclose(ratio, np.sqrt(1.05))


def test_losses_without_a_least_one_are_refused_in_a_sentence():
    frame = sweep(sizes_per_budget=4).frame
    peaked = bs.Runs(frame.assign(loss=[2.5, 2.7, 2.7, 2.5]))
    with pytest.raises(bs.InputError, match="show no least one"):
        vertex(peaked)


def test_two_sizes_have_no_vertex():
    with pytest.raises(bs.InputError, match="three or more"):
        vertex(sweep(sizes_per_budget=2))


def test_flops_that_are_not_6_n_d_are_the_budget_and_sizes_follow_the_runs():
    frame = sweep().frame
    reported = bs.Runs(frame.assign(flops=3 * BUDGET))
    plan = bs.allocate(known_posterior(reported), 3 * BUDGET)
    assert np.median(plan.arrays["n_params"]) == pytest.approx(OPTIMUM, rel=0.15)


def test_what_is_left_of_two_budgets_is_answered_by_the_law():
    runs = bs.datasets.simulate(seed=1, budgets=[BUDGET, 1e21])
    left = bs.Runs(pd.DataFrame(runs.frame[runs.column("flops") < 2 * BUDGET]))
    from bayescale.decisions.plans.allocate import allocate_by_law

    plan = allocate_by_law(known_posterior(left), 1e22)
    assert np.isfinite(plan.arrays["n_params"]).all()
