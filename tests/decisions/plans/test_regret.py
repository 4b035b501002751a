"""Regret, flat sets and returns, against what can be worked out by hand for a handful of draws."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla
from bayescale.noise import Normal

DRAWS = {
    "E": [[1.6, 1.7, 1.8]],
    "A": [[400.0, 410.0, 390.0]],
    "B": [[410.0, 400.0, 2000.0]],
    "alpha": [[0.34, 0.33, 0.35]],
    "beta": [[0.28, 0.29, 0.37]],
    "sigma": [[0.01, 0.02, 0.03]],
}
BUDGET = 5.76e23
PLANS = {"Gopher": (280e9, 300e9), "Chinchilla": (70e9, 1.4e12), "small": (7e9, 1.4e13)}


@pytest.fixture
def posterior(made_posterior):
    return made_posterior(Chinchilla(), Normal(), DRAWS)


def loss(n, d):
    e, a, b, alpha, beta = (
        np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "A", "B", "alpha", "beta")
    )
    return e + a / np.asarray(n) ** alpha + b / np.asarray(d) ** beta


def test_the_extra_loss_of_a_plan_is_over_the_best_of_its_own_compute(posterior):
    found = bs.regret(posterior, PLANS)
    n, d = np.array(list(PLANS.values())).T
    best = bs.allocate(posterior, 6 * n * d).draws["loss"]
    np.testing.assert_allclose(found.draws["loss"], loss(n, d), rtol=1e-12)
    np.testing.assert_allclose(found.draws["extra_loss"], loss(n, d) - best.to_numpy(), atol=1e-12)


def test_what_is_wasted_is_the_compute_that_the_best_plan_of_that_loss_leaves(posterior):
    found = bs.regret(posterior, PLANS).draws
    for plan, (n, d) in PLANS.items():
        for draw in range(3):
            target = found["loss"].sel(plan=plan).isel(draw=draw).item()
            needed = bs.allocate(posterior, target_loss=target).draws["n_params"].isel(draw=draw)
            compute = (
                6
                * needed
                * bs.allocate(posterior, target_loss=target).draws["n_tokens"].isel(draw=draw)
            )
            assert found["wasted"].sel(plan=plan).isel(draw=draw).item() == pytest.approx(
                1 - compute.item() / (6 * n * d), abs=1e-9
            )


def test_the_best_plan_has_no_regret(posterior):
    plan = bs.allocate(posterior, BUDGET).draws.isel(compute=0)
    own = pd.DataFrame(
        {name: plan[name].to_numpy() for name in ("n_params", "n_tokens")}, index=["a", "b", "c"]
    )
    found = bs.regret(posterior, own).draws
    np.testing.assert_allclose(np.diag(found["extra_loss"]), 0, atol=1e-12)
    np.testing.assert_allclose(np.diag(found["wasted"]), 0, atol=1e-9)


def test_the_probability_that_one_plan_beats_another_is_the_share_of_draws(posterior):
    beats = bs.regret(posterior, PLANS).beats
    n, d = np.array(list(PLANS.values())).T
    expected = (loss(n, d)[:, :, None] < loss(n, d)[:, None, :]).mean(axis=0) + np.eye(3) / 2
    np.testing.assert_allclose(beats, expected)
    assert beats.loc["Chinchilla", "Gopher"] == 1.0


def test_the_gain_of_one_plan_over_another_is_their_difference_in_loss(posterior):
    gain = bs.regret(posterior, PLANS).gain("Chinchilla", over="Gopher")
    assert gain["mean"] == pytest.approx((loss(280e9, 300e9) - loss(70e9, 1.4e12)).mean())


def test_the_summary_names_the_plan_of_least_expected_regret_first_to_none(posterior):
    found = bs.regret(posterior, PLANS)
    summary = found.summary()
    assert found.best == summary["extra_loss"].idxmin()
    assert summary["lowest"].sum() == pytest.approx(1.0)


def test_serving_makes_a_large_plan_dearer_than_a_small_one_of_the_same_loss(posterior):
    served = bs.Constraints(inference_tokens=1e14)
    alone, both = (
        bs.regret(posterior, PLANS, constraints=one).draws["wasted"].sel(plan="Gopher")
        for one in (None, served)
    )
    assert (both > alone).all()


@pytest.mark.parametrize(
    ("plans", "constraints", "said"),
    [
        ({"a": (0.0, 1e12)}, None, r"n_params = 0 of 'a' is not a positive number"),
        ({}, None, "one or more"),
        (pd.DataFrame({"n_params": [1e9]}), None, "lack n_tokens"),
        (
            PLANS,
            bs.Constraints(max_params=100e9),
            r"the plan 'Gopher' breaks max_params; leave it out, or loosen it",
        ),
        (
            PLANS,
            bs.Constraints(unique_tokens=1e13),
            r"'small' breaks unique_tokens; .* worth by repeats=Repeats\(\)",
        ),
    ],
)
def test_plans_that_cannot_be_held_against_the_best_are_refused(
    posterior, plans, constraints, said
):
    with pytest.raises(InputError, match=said):
        bs.regret(posterior, plans, constraints=constraints)


def test_the_ends_of_a_flat_set_lose_just_epsilon(posterior):
    found = bs.flat_set(posterior, BUDGET, epsilon=0.01)
    least = bs.allocate(posterior, BUDGET).draws["loss"].to_numpy()
    for end in ("low", "high"):
        n = found.draws[end].to_numpy()
        np.testing.assert_allclose(loss(n, BUDGET / (6 * n)), least + 0.01, rtol=1e-12)
    assert (found.draws["low"] < found.draws["n_params"]).all()
    assert (found.draws["high"] > found.draws["n_params"]).all()


def test_a_size_is_in_the_set_with_the_share_of_draws_whose_loss_there_is_within_epsilon(posterior):
    frame = bs.flat_set(posterior, BUDGET, epsilon=0.01).frame
    n = frame["n_params"].to_numpy()
    regret = loss(n, BUDGET / (6 * n)) - bs.allocate(posterior, BUDGET).draws["loss"].to_numpy()
    np.testing.assert_allclose(frame["probability"], (regret <= 0.01).mean(axis=0))
    np.testing.assert_allclose(frame["expected_regret"], regret.mean(axis=0), atol=1e-12)


def test_no_size_has_a_lower_expected_regret_than_the_one_that_is_chosen(posterior):
    found = bs.flat_set(posterior, [1e22, BUDGET])
    least = found.frame.groupby("compute")["expected_regret"].min()
    chosen = found.summary()["expected_regret"]
    assert (chosen <= least + 1e-12).all()
    assert (chosen > least - 1e-4).all()


def test_a_flat_set_ends_at_the_largest_model(posterior):
    found = bs.flat_set(posterior, BUDGET, constraints=bs.Constraints(max_params=50e9))
    assert found.draws["high"].max().item() == pytest.approx(50e9, rel=1e-9)
    assert found.summary()["high_50"].item() == pytest.approx(50e9, rel=1e-9)


def test_a_width_that_is_not_positive_is_refused(posterior):
    with pytest.raises(InputError, match="epsilon=0 must be a positive number"):
        bs.flat_set(posterior, BUDGET, epsilon=0)


def test_the_slope_of_the_frontier_is_the_identity_of_additive_laws(posterior):
    draws = bs.returns(posterior, [1e21, BUDGET, 1e27]).draws
    e, alpha, beta = (np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "alpha", "beta"))
    np.testing.assert_allclose(
        draws["slope"], -alpha * beta / (alpha + beta) * (draws["loss"] - e), rtol=1e-7
    )
    step = 0.05
    up, down = (
        bs.allocate(posterior, BUDGET * np.exp(sign * step)).draws["loss"].to_numpy()[:, 0]
        for sign in (1, -1)
    )
    np.testing.assert_allclose(draws["slope"].to_numpy()[:, 1], (up - down) / (2 * step), rtol=1e-4)


def test_returns_say_the_loss_of_larger_budgets_and_the_floor(posterior):
    draws = bs.returns(posterior, BUDGET).draws
    for factor in (1, 10, 100):
        name = "loss" if factor == 1 else f"loss_{factor}x"
        np.testing.assert_allclose(
            draws[name], bs.allocate(posterior, factor * BUDGET).draws["loss"], rtol=1e-12
        )
    np.testing.assert_allclose(draws["floor"], np.reshape(DRAWS["E"], (-1, 1)), rtol=1e-9)
    np.testing.assert_allclose(draws["above_floor"], draws["loss"] - draws["floor"])


def test_the_next_step_costs_what_a_target_loss_does_and_is_endless_below_the_floor(posterior):
    found = bs.returns(posterior, [BUDGET, 1e36], step=0.01).draws
    grown = found["next_factor"].isel(compute=0).to_numpy() * BUDGET
    for draw, compute in enumerate(grown):
        reached = bs.allocate(posterior, compute).draws["loss"].to_numpy()[draw, 0]
        assert reached == pytest.approx(found["loss"].to_numpy()[draw, 0] - 0.01, rel=1e-9)
    np.testing.assert_allclose(found["next_price"].isel(compute=0), grown - BUDGET)
    assert np.isinf(found["next_factor"].isel(compute=1)).all()


def test_the_probability_of_a_gain_is_the_share_of_draws(posterior):
    found = bs.returns(posterior, BUDGET)
    gains = (found.draws["loss"] - found.draws["loss_10x"]).to_numpy()[:, 0]
    assert found.probability_of_gain(np.sort(gains)[1]).item() == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="one of 10, 100; 7 was given"):
        found.probability_of_gain(0.1, factor=7)


def test_where_tokens_run_out_the_frontier_comes_to_rest_above_the_laws_floor(posterior):
    draws = bs.returns(
        posterior, [1e22, 1e27], constraints=bs.Constraints(unique_tokens=5e12)
    ).draws
    e, b, beta = (np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "B", "beta"))
    np.testing.assert_allclose(
        draws["floor"], np.broadcast_to(e + b / 5e12**beta, (3, 2)), rtol=1e-9
    )
    lost = draws["lost_to_bounds"].to_numpy()
    np.testing.assert_allclose(lost[:, 0], 0, atol=1e-12)
    assert (lost[:, 1] > 0.01).all()


def test_repeats_of_worth_lower_the_floor_that_tokens_leave(posterior):
    once, again = (
        bs.Constraints(unique_tokens=5e12, repeats=repeats) for repeats in (None, bs.Repeats())
    )
    floors = [
        bs.returns(posterior, BUDGET, constraints=one).draws["floor"].to_numpy()
        for one in (once, again)
    ]
    assert (floors[1] < floors[0]).all()
    assert (floors[1] > np.reshape(DRAWS["E"], (-1, 1))).all()
