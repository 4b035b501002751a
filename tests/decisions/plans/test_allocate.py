"""Allocations, against the closed form on a handful of draws made by hand."""

import itertools

import numpy as np
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Huber, Normal

DRAWS = {
    "E": [[1.6, 1.7, 1.8]],
    "A": [[400.0, 410.0, 390.0]],
    "B": [[410.0, 400.0, 2000.0]],
    "alpha": [[0.34, 0.33, 0.35]],
    "beta": [[0.28, 0.29, 0.37]],
}
BUDGETS = np.array([1e21, 5.76e23])


@pytest.fixture
def posterior(made_posterior):
    return made_posterior(Chinchilla(), Normal(), DRAWS | {"sigma": [[0.01, 0.02, 0.03]]})


def by_hand():
    e, a, b, alpha, beta = (
        np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "A", "B", "alpha", "beta")
    )
    n_params = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (BUDGETS / 6) ** (
        beta / (alpha + beta)
    )
    n_tokens = BUDGETS / (6 * n_params)
    return {
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
        "loss": e + a / n_params**alpha + b / n_tokens**beta,
    }


def test_each_draw_has_the_optimum_of_the_closed_form(posterior):
    draws = bs.allocate(posterior, BUDGETS).draws
    for name, expected in by_hand().items():
        assert draws[name].dims == ("draw", "compute")
        np.testing.assert_allclose(draws[name], expected, rtol=1e-12)


def test_the_plan_spends_the_budget(posterior):
    draws = bs.allocate(posterior, BUDGETS).draws
    np.testing.assert_allclose(
        6 * draws["n_params"] * draws["n_tokens"], np.tile(BUDGETS, (3, 1)), rtol=1e-14
    )


def test_no_other_split_of_the_budget_has_a_lower_loss(posterior):
    draws = bs.allocate(posterior, BUDGETS[1]).draws.isel(compute=0)
    for factor in (0.5, 0.9, 1.1, 2.0):
        n_params = draws["n_params"].to_numpy() * factor
        other = [
            bs.forecast(posterior, n_params=n, n_tokens=BUDGETS[1] / (6 * n)).law_draws[i, 0]
            for i, n in enumerate(n_params)
        ]
        assert (np.array(other) > draws["loss"].to_numpy()).all()


def test_tied_exponents_split_every_budget_in_one_ratio(made_posterior):
    tied = {name: values for name, values in DRAWS.items() if name != "beta"}
    draws = bs.allocate(made_posterior(Chinchilla(tied=True), Huber(), tied), BUDGETS).draws
    np.testing.assert_allclose(
        draws["tokens_per_param"][:, 0], draws["tokens_per_param"][:, 1], rtol=1e-12
    )


def test_the_frame_is_tidy_one_row_a_budget_and_quantity(posterior):
    frame = bs.allocate(posterior, BUDGETS).frame
    assert list(frame.columns) == ["compute", "quantity", "unit", "mean", "sd", "q05", "q50", "q95"]
    assert frame["quantity"].tolist() == ["n_params", "n_tokens", "tokens_per_param", "loss"] * 2
    assert frame["compute"].tolist() == [1e21] * 4 + [5.76e23] * 4


def test_the_summary_is_numpys_over_draws(posterior):
    summary = bs.allocate(posterior, BUDGETS).summary()
    for name, draws in by_hand().items():
        row = summary.loc[(5.76e23, name)]
        assert row["mean"] == pytest.approx(draws[:, 1].mean())
        assert row["sd"] == pytest.approx(draws[:, 1].std(ddof=1))
        assert row["q05"] == pytest.approx(np.quantile(draws[:, 1], 0.05))
        assert row["q50"] == pytest.approx(np.quantile(draws[:, 1], 0.5))
        assert row["q95"] == pytest.approx(np.quantile(draws[:, 1], 0.95))


def test_a_budget_given_twice_is_answered_twice(posterior):
    frame = bs.allocate(posterior, [1e21, 1e21]).frame
    once = bs.allocate(posterior, 1e21).frame
    assert len(frame) == 2 * len(once)
    for half in (frame.iloc[:4], frame.iloc[4:]):
        np.testing.assert_allclose(half["sd"], once["sd"], rtol=1e-12)


def test_a_budget_as_a_whole_number_beyond_64_bits_is_taken(posterior):
    assert float(bs.allocate(posterior, 10**24).draws["compute"][0]) == 1e24


@pytest.mark.parametrize("compute", [0.0, -1e21, np.nan, np.inf, [1e21, -3.0]])
def test_a_budget_that_is_not_positive_is_refused(posterior, compute):
    with pytest.raises(
        InputError, match=r"compute = .* is not a positive number of FLOPs, such as 5.76e23"
    ):
        bs.allocate(posterior, compute)


def test_a_law_without_a_trade_off_is_refused_with_one_that_has(made_posterior):
    posterior = made_posterior(PowerLaw(), Normal())
    with pytest.raises(
        InputError,
        match=r"L\(C\) = E \+ A/C\^α knows no trade-off .*; fit Chinchilla\(\) to allocate compute",
    ):
        bs.allocate(posterior, 1e21)


# Under constraints. The search itself is held against brute force in test_optimum.
LIMITS = bs.Constraints(
    max_params=30e9,
    inference_tokens=1e13,
    train_price=2e-18,
    serve_price=4e-18,
    flops_per_second=1e18,
)


def test_under_constraints_plans_say_what_they_spend(posterior):
    draws = bs.allocate(posterior, BUDGETS, constraints=LIMITS).draws
    n, d = draws["n_params"], draws["n_tokens"]
    np.testing.assert_allclose(draws["train_flops"], 6 * n * d, rtol=1e-12)
    np.testing.assert_allclose(draws["serve_flops"], 2 * n * 1e13, rtol=1e-12)
    np.testing.assert_allclose(
        draws["lifetime_flops"], draws["train_flops"] + draws["serve_flops"], rtol=1e-12
    )
    np.testing.assert_allclose(
        draws["total_cost"], 2e-18 * draws["train_flops"] + 4e-18 * draws["serve_flops"], rtol=1e-12
    )
    np.testing.assert_allclose(draws["days"], draws["train_flops"] / 86400e18, rtol=1e-12)


def test_constraints_that_bound_nothing_leave_the_plan_of_the_closed_form(posterior):
    draws = bs.allocate(posterior, BUDGETS, constraints=bs.Constraints(max_params=1e15)).draws
    for name, expected in by_hand().items():
        np.testing.assert_allclose(draws[name], expected, rtol=1e-10)


def test_the_largest_model_takes_all_tokens_that_the_budget_leaves(posterior):
    plans = bs.allocate(posterior, 5.76e23, constraints=bs.Constraints(max_params=1e10))
    np.testing.assert_allclose(plans.draws["n_params"], 1e10, rtol=1e-12)
    np.testing.assert_allclose(plans.draws["n_tokens"], 5.76e23 / 6e10, rtol=1e-12)
    assert plans.binding.set_index("bound")["share"].to_dict() == {
        "compute": 1.0,
        "max_params": 1.0,
    }


def test_a_bound_on_tokens_makes_the_model_larger(posterior):
    plans = bs.allocate(posterior, 5.76e23, constraints=bs.Constraints(max_tokens=1e12))
    np.testing.assert_allclose(plans.draws["n_tokens"], 1e12, rtol=1e-12)
    np.testing.assert_allclose(plans.draws["n_params"], 5.76e23 / 6e12, rtol=1e-12)


def test_unique_tokens_are_read_once_unless_repeats_have_a_worth(posterior):
    once = bs.allocate(posterior, 5.76e23, constraints=bs.Constraints(unique_tokens=1e11)).draws
    again = bs.allocate(
        posterior, 5.76e23, constraints=bs.Constraints(unique_tokens=1e11, repeats=bs.Repeats())
    ).draws
    np.testing.assert_allclose(once["epochs"], 1.0, rtol=1e-12)
    assert (again["epochs"] > 3).all()
    assert (again["loss"] < once["loss"]).all()


def test_endless_unique_tokens_are_no_bound(posterior):
    endless = bs.Constraints(unique_tokens=1e30, repeats=bs.Repeats())
    draws = bs.allocate(posterior, BUDGETS, constraints=endless).draws
    np.testing.assert_allclose(draws["n_params"], by_hand()["n_params"], rtol=1e-10)


def test_the_data_constrained_law_values_repeats_as_the_published_constants_do(made_posterior):
    law = bs.laws.DataConstrained()
    params = dict(law.published[0].params)
    repeats = bs.Repeats(params["R_D"], params["R_N"])
    tied = {name: params[name] for name in ("E", "A", "B", "alpha")}
    own = bs.allocate(
        made_posterior(law, Huber(), params),
        1e22,
        constraints=bs.Constraints(unique_tokens=25e9),
    )
    lent = bs.allocate(
        made_posterior(Chinchilla(tied=True), Huber(), tied),
        1e22,
        constraints=bs.Constraints(unique_tokens=25e9, repeats=repeats),
    )
    for name in ("n_params", "n_tokens", "loss", "epochs"):
        np.testing.assert_allclose(own.draws[name], lent.draws[name], rtol=1e-9)


def test_a_prior_on_unique_tokens_spreads_the_plans_of_a_point_fit(made_posterior):
    from numpyro import distributions as dist

    point = made_posterior(
        Chinchilla(), Huber(), {name: values[0][0] for name, values in DRAWS.items()}
    )
    prior = bs.Constraints(unique_tokens=dist.LogNormal(np.log(1e12), 0.5))
    plans = bs.allocate(point, 1e26, constraints=prior)
    assert plans.draws.sizes["draw"] == 1000
    assert np.log(plans.draws["n_tokens"]).std().item() == pytest.approx(0.5, rel=0.1)


def test_serving_many_tokens_makes_the_model_smaller_under_one_budget_for_both(posterior):
    serving = [bs.Constraints(inference_tokens=tokens) for tokens in (1e9, 1e12, 1e13, 1e14)]
    sizes = [
        bs.allocate(posterior, lifetime_compute=1e24, constraints=one).draws["n_params"]
        for one in serving
    ]
    np.testing.assert_allclose(
        sizes[0], bs.allocate(posterior, 1e24).draws["n_params"].to_numpy(), rtol=0.01
    )
    for larger, smaller in itertools.pairwise(sizes):
        assert (smaller.to_numpy() < larger.to_numpy()).all()


def test_a_target_loss_is_reached_at_the_compute_that_reaches_it_best(posterior):
    least = bs.allocate(posterior, 1e23).draws
    for draw, loss in enumerate(least["loss"].to_numpy()[:, 0]):
        back = bs.allocate(
            posterior, target_loss=loss, constraints=bs.Constraints(max_params=1e15)
        ).draws.isel(draw=draw)
        assert back["train_flops"].item() == pytest.approx(1e23, rel=1e-9)
        assert back["n_params"].item() == pytest.approx(
            least["n_params"].to_numpy()[draw, 0], rel=1e-5
        )


def test_draws_that_reach_no_target_have_no_plan_and_are_told(posterior):
    plans = bs.allocate(posterior, target_loss=1.75)
    assert plans.summary().loc[(1.75, "feasible"), "mean"] == pytest.approx(2 / 3)
    assert np.isnan(plans.draws["n_params"].to_numpy()).sum() == 1
    assert np.isfinite(plans.frame["mean"]).all()


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ({}, r"the law's floor alone leaves 1.6 at the least"),
        ({"max_params": 1e7, "max_tokens": 1e15}, r"max_params alone leaves"),
        ({"max_params": 1e13, "max_tokens": 1e9}, r"max_tokens alone leaves"),
        ({"max_compute": 1e20}, r"max_compute alone leaves"),
        (
            {"inference_tokens": 1e13, "max_lifetime_compute": 1e21},
            r"max_lifetime_compute alone leaves",
        ),
        ({"train_price": 1e-18, "max_cost": 100.0}, r"max_cost alone leaves"),
        ({"flops_per_second": 1e15, "max_days": 1.0}, r"max_days alone leaves"),
        ({"unique_tokens": 1e9, "repeats": bs.Repeats()}, r"unique_tokens alone leaves"),
        (
            {"max_params": 1e9, "max_compute": 3e22},
            r"within all of max_params, max_compute, though each alone allows it",
        ),
    ],
    ids=lambda value: next(iter(value), "floor") if isinstance(value, dict) else "",
)
def test_a_target_that_no_draw_reaches_is_refused_and_the_bound_in_the_way_named(
    posterior, constraints, said
):
    target = 2.0 if constraints else 1.5
    with pytest.raises(InputError, match=rf"No draw reaches a loss of {target:g}\b.*{said}"):
        bs.allocate(posterior, target_loss=target, constraints=bs.Constraints(**constraints))


def test_a_budget_that_serving_alone_breaks_is_refused(posterior):
    with pytest.raises(
        InputError,
        match=r"Within lifetime_compute not even a model of one parameter can serve "
        r"inference_tokens",
    ):
        bs.allocate(
            posterior, lifetime_compute=1e12, constraints=bs.Constraints(inference_tokens=1e13)
        )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "none was given"),
        ({"compute": 1e21, "target_loss": 2.0}, "compute and target_loss was given"),
        ({"cost": 1e6}, "needs the price of a FLOP"),
        ({"target_loss": -1.0}, "not a positive number of nats per token"),
    ],
)
def test_one_budget_is_asked_for_at_a_time(posterior, asked, said):
    with pytest.raises(InputError, match=said):
        bs.allocate(posterior, **asked)


def test_a_law_of_unique_tokens_asks_how_many_there_are(made_posterior):
    posterior = made_posterior(bs.laws.DataConstrained(), Normal())
    with pytest.raises(
        InputError, match=r"asks how many unique tokens there are; give Constraints\(unique_tokens="
    ):
        bs.allocate(posterior, 1e21)


def test_a_count_of_flops_with_attention_leaves_fewer_tokens(posterior):
    long = bs.Constraints(flops=bs.TransformerFlops(context=131_072))
    draws = bs.allocate(posterior, BUDGETS, constraints=long).draws
    np.testing.assert_allclose(draws["train_flops"], np.tile(BUDGETS, (3, 1)), rtol=1e-12)
    assert (draws["n_params"] * draws["n_tokens"] < 0.8 * BUDGETS / 6).all()
