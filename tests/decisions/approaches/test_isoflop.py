"""Approach 2, on parabolas whose vertices are known and on sweeps of a known law."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Normal

HOFFMANN = Chinchilla.published[0].params
BUDGETS = np.array([1e19, 1e20, 1e21])


def slices(vertices, offsets=(-1.0, -0.4, 0.2, 0.6, 1.0), curvature=0.5, budgets=BUDGETS):
    """Runs whose loss is 2 + c/2 (log10 D - log10 vertex)² in each budget, sampled ``offsets``
    decades from 1e10 tokens.
    """
    rows = []
    for budget, vertex, recorrelate in zip(
        budgets, vertices, np.broadcast_to(curvature, len(budgets)), strict=True
    ):
        n_tokens = 10 ** (10 + np.asarray(offsets))
        loss = 2 + recorrelate / 2 * np.log10(n_tokens / vertex) ** 2
        rows.append(
            pd.DataFrame({"n_params": budget / (6 * n_tokens), "n_tokens": n_tokens, "loss": loss})
        )
    return bs.Runs.from_frame(pd.concat(rows))


@pytest.fixture(scope="module")
def sweep():
    return bs.datasets.simulate(seed=0, noise=0.0)


def test_the_vertex_and_curvature_of_a_parabola_are_found():
    frame = bs.isoflop(slices([1e10, 2e10, 4e10], curvature=[0.5, 0.4, 0.3])).frame
    np.testing.assert_allclose(frame["n_tokens"], [1e10, 2e10, 4e10], rtol=1e-9)
    np.testing.assert_allclose(frame["curvature"], [0.5, 0.4, 0.3], rtol=1e-9)
    np.testing.assert_allclose(frame["loss"], 2.0, rtol=1e-9)
    assert frame["status"].tolist() == ["good"] * 3


def test_the_vertex_spends_its_budget():
    frame = bs.isoflop(slices([1e10, 2e10, 4e10])).frame
    np.testing.assert_allclose(frame["compute"], BUDGETS, rtol=1e-12)
    np.testing.assert_allclose(6 * frame["n_params"] * frame["n_tokens"], BUDGETS, rtol=1e-12)


def test_the_exponents_are_those_of_a_power_law_through_the_vertices():
    found = bs.isoflop(slices([1e10, 2e10, 4e10]))
    assert found.exponent_of_tokens == pytest.approx(np.log10(2))
    assert found.exponent_of_params == pytest.approx(1 - np.log10(2))


def test_the_allocation_follows_the_power_law_and_spends_the_budget():
    plan = bs.isoflop(slices([1e10, 2e10, 4e10])).allocate([1e22, 1e24])
    np.testing.assert_allclose(plan["n_tokens"], [8e10, 32e10], rtol=1e-9)
    np.testing.assert_allclose(6 * plan["n_params"] * plan["n_tokens"], [1e22, 1e24], rtol=1e-12)
    np.testing.assert_allclose(plan["tokens_per_param"], plan["n_tokens"] / plan["n_params"])


def test_a_vertex_outside_the_sampled_sizes_is_an_edge_and_still_counts():
    found = bs.isoflop(slices([1e10, 2e10, 2e11]))
    assert found.frame["status"].tolist() == ["good", "good", "edge"]
    # By hand: log10 D* rises by 0.301 and then by 1 over two decades of compute.
    assert found.exponent_of_tokens == pytest.approx(np.log10(20) / 2)


def test_a_parabola_that_opens_downwards_has_no_minimum_and_does_not_count():
    found = bs.isoflop(slices([1e10, 1e10, 4e10], curvature=[0.5, -0.5, 0.5]))
    assert found.frame["status"].tolist() == ["good", "no minimum", "good"]
    assert found.frame.loc[1, ["n_params", "n_tokens", "loss"]].isna().all()
    assert found.exponent_of_tokens == pytest.approx(np.log10(4) / 2)


def test_two_sizes_are_too_few_however_often_they_were_run():
    few = slices([1e10], offsets=(-0.5, -0.5, 0.5), budgets=BUDGETS[:1]).frame
    many = slices([2e10, 4e10], budgets=BUDGETS[1:]).frame
    frame = bs.isoflop(bs.Runs.from_frame(pd.concat([few, many], ignore_index=True))).frame
    assert frame["status"].tolist() == ["too few runs", "good", "good"]
    assert frame["n_runs"].tolist() == [3, 5, 5]


def test_runs_within_ten_per_cent_of_a_neighbour_share_a_budget():
    runs = slices([1e10, 2e10, 4e10])
    rounded = runs.frame.assign(
        flops=runs.column("flops") * np.tile([0.94, 0.97, 1.0, 1.03, 1.06], 3)
    )
    assert bs.isoflop(bs.Runs.from_frame(rounded)).frame["n_runs"].tolist() == [5, 5, 5]


def test_each_run_goes_to_the_nearest_of_the_budgets_given(sweep):
    frame = bs.isoflop(sweep, budgets=[5e21, 3e18, 5e19, 5e20]).frame
    # Of 1e18 to 1e22, the first two lie nearest to 3e18, and then one each.
    assert frame["n_runs"].tolist() == [18, 9, 9, 9]


def test_a_budget_that_no_run_is_near_is_left_out():
    frame = bs.isoflop(slices([1e10, 2e10, 4e10]), budgets=[*BUDGETS, 1e25]).frame
    np.testing.assert_allclose(frame["compute"], BUDGETS, rtol=1e-12)


def test_runs_spread_over_compute_are_refused_with_the_remedy():
    n_params = np.geomspace(1e8, 1e9, 60)
    n_tokens = np.tile([1e10, 2e10], 30)
    runs = bs.Runs.from_frame(
        pd.DataFrame({"n_params": n_params, "n_tokens": n_tokens, "loss": 3.0})
    )
    with pytest.raises(InputError, match=r"no gap of 10% among them.*Give the nominal budgets="):
        bs.isoflop(runs)


def test_fewer_than_two_budgets_with_a_minimum_are_refused_and_counted():
    runs = slices([1e10, 1e10, 4e10], curvature=[0.5, -0.5, -0.5])
    with pytest.raises(
        InputError,
        match="budgets 1 with a minimum among the sampled sizes, 2 without any; a power law needs "
        "2",
    ):
        bs.isoflop(runs)


@pytest.mark.parametrize("compute", [0.0, -1e21, np.nan, np.inf, [], [1e21, -3.0]])
def test_a_budget_that_is_not_positive_is_refused(sweep, compute):
    found = bs.isoflop(sweep)
    for ask in (
        found.allocate,
        lambda c: found.bias(HOFFMANN, c),
        lambda c: bs.isoflop(sweep, budgets=c),
    ):
        with pytest.raises(InputError, match=r"FLOPs; give such as 5.76e23"):
            ask(compute)


def test_the_bias_is_the_error_of_the_allocation_where_the_losses_are_the_laws_own(sweep):
    found = bs.isoflop(sweep)
    optimum = Chinchilla().optimal_n_params(HOFFMANN, 1e24)
    told = found.bias(HOFFMANN, 1e24).set_index("quantity")["mean"]
    assert told["n_params"] == pytest.approx(
        100 * (found.allocate(1e24)["n_params"].item() / optimum - 1), rel=1e-6
    )


def test_the_bias_depends_on_the_design_and_not_on_the_losses(sweep):
    noisy = bs.datasets.simulate(seed=3, noise=0.02)
    pd.testing.assert_frame_equal(
        bs.isoflop(noisy).bias(HOFFMANN, 1e24), bs.isoflop(sweep).bias(HOFFMANN, 1e24)
    )


def test_the_bias_of_a_posterior_is_told_over_its_draws(sweep, made_posterior):
    draws = {name: [[value, value * 1.02, value * 0.98]] for name, value in HOFFMANN.items()} | {
        "sigma": [[0.01] * 3]
    }
    found = bs.isoflop(sweep)
    told = found.bias(made_posterior(Chinchilla(), Normal(), draws), [1e22, 1e24])
    single = [
        found.bias({name: draws[name][0][i] for name in HOFFMANN}, [1e22, 1e24])["mean"]
        for i in range(3)
    ]
    assert told["quantity"].tolist() == ["n_params", "n_tokens"] * 2
    np.testing.assert_allclose(told["mean"], np.mean(single, axis=0), rtol=1e-9)
    np.testing.assert_allclose(told["q50"], np.median(single, axis=0), rtol=1e-9)


def test_a_symmetric_law_sampled_about_its_optimum_has_no_bias():
    truth = {"E": 1.69, "A": 400.0, "B": 400.0, "alpha": 0.31, "beta": 0.31}
    found = bs.isoflop(bs.datasets.simulate(seed=0, noise=0.0, **truth))
    np.testing.assert_allclose(found.bias(truth, 1e24)["mean"], 0.0, atol=1e-8)


def test_the_bias_under_a_law_without_a_trade_off_is_refused(sweep, made_posterior):
    with pytest.raises(InputError, match="knows no trade-off"):
        bs.isoflop(sweep).bias(made_posterior(PowerLaw(), Normal()), 1e24)


def test_constants_that_lack_one_are_refused_by_its_name(sweep):
    with pytest.raises(
        InputError, match="the constants lack B, beta; give all of E, A, B, alpha, beta"
    ):
        bs.isoflop(sweep).bias({"E": 1.7, "A": 400.0, "alpha": 0.3}, 1e24)


def test_sentences_tell_the_bias_under_a_law(sweep):
    told = bs.isoflop(sweep).bias_in_words(HOFFMANN, compute=1e24)
    assert told[0] == "Budgets: 5 with a minimum among the sampled sizes."
    assert told[-1] == (
        "On noise-free losses of the given law this procedure misses D* at 1e+24 FLOPs by -3.1 % "
        "and N* by +3.2 %."
    )


def test_sentences_tell_the_bias_at_ten_times_the_largest_budget_unless_asked_otherwise(sweep):
    assert "misses D* at 1e+23 FLOPs" in bs.isoflop(sweep).bias_in_words(HOFFMANN)[-1]


def test_the_sentences_without_a_law_warn(sweep):
    assert "misses the optimum even without noise" in bs.isoflop(sweep).sentences[-1]


def test_runs_of_one_budget_are_sent_to_allocate():
    with pytest.raises(bs.InputError, match="allocate"):
        bs.isoflop(bs.datasets.simulate(seed=1, budgets=[1e20]))
