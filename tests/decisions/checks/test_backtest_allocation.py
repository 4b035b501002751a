"""`backtest_allocation`: the optimum of hidden budgets forecast and scored, beside practice."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks.allocations import forecasters
from bayescale.decisions.checks.allocations.cuts import hidden_sizes
from bayescale.decisions.checks.allocations.forecasters import ApproachSizes, sizes_of
from bayescale.decisions.checks.allocations.truth import members, optima_of
from bayescale.decisions.checks.forecasters import BASELINE
from bayescale.errors import InputError
from tests.known_posteriors import known_posterior

MODEL = {
    "law": bs.laws.Chinchilla(),
    "noise": bs.noise.Normal(),
    "method": bs.MultiStart(starts=100),
}
BUDGETS = (1e18, 1e19, 1e20, 1e21, 1e22)
FIRST_CUT = bs.AfterBudgets(leaving=None)


@pytest.fixture(scope="module")
def sweep() -> bs.Runs:
    # Three budgets are 36 runs, as many as other backtests fit.
    return bs.datasets.simulate(seed=1, noise=0.003, sizes_per_budget=12)


@pytest.fixture(scope="module")
def tested(sweep):
    return bs.backtest_allocation(sweep, FIRST_CUT, **MODEL)


def test_the_frame_has_a_row_for_each_hidden_budget_and_model(tested):
    assert tested.frame.groupby("model", sort=False).size().to_dict() == {
        "chinchilla, normal": 2,
        "approach 1: lowest loss at each compute": 2,
        "approach 2: isoFLOP parabolas": 2,
        BASELINE: 2,
    }
    for _, rows in tested.frame.groupby("model"):
        np.testing.assert_allclose(rows["compute"], BUDGETS[3:], rtol=1e-9)
        np.testing.assert_allclose(rows["times"], [10, 100], rtol=1e-9)
        assert rows["n_train"].tolist() == [36, 36]


def test_the_truths_are_near_the_optimum_of_the_simulated_law(tested):
    hoffmann = bs.laws.Chinchilla.published[0].params
    best = np.log10(np.asarray(bs.laws.Chinchilla().optimal_n_params(hoffmann, np.array(BUDGETS))))
    assert (tested.optima["status"] == "counts").all()
    assert (np.abs(tested.optima["log_n_params"] - best) < 3 * tested.optima["se"] + 0.01).all()


def test_a_fit_of_the_true_law_is_near_the_hidden_optima(tested):
    rows = tested.frame[tested.frame["model"] == tested.model]
    assert (rows["error"].abs() < 0.15).all()
    assert (rows["regret"] < 0.005).all()


def test_the_losses_of_dearer_runs_do_not_touch_the_forecast(tested, sweep):
    dear = sweep.six_nd > 2e20
    worse = sweep.frame.assign(loss=sweep.column("loss") * np.where(dear, 1.5, 1.0))
    again = bs.backtest_allocation(replace(sweep, frame=worse), FIRST_CUT, **MODEL)
    np.testing.assert_allclose(again.frame["q50"], tested.frame["q50"], rtol=1e-9)


def test_the_posterior_of_each_cut_is_kept(tested):
    (name,) = tested.posteriors
    assert name == "budgets above 1e+20 FLOPs"
    assert len(tested.posteriors[name].runs) == 36


def test_each_sentence_says_what_intervals_held_and_what_the_medians_cost(tested):
    assert len(tested.sentences) == 4
    for sentence in tested.sentences:
        assert "of 2 hidden optima" in sentence
        assert "nats" in sentence


def test_the_dictionary_has_the_model_the_approaches_and_each_budget(tested):
    found = tested.to_dict()
    assert found["n_budgets"] == 2
    assert [row["model"] for row in found["beside"]] == tested.summary().index.tolist()[1:]
    assert len(found["budgets"]) == 8
    assert len(found["optima"]) == 5
    assert found["law"] == "chinchilla"


@pytest.fixture
def without_fits(monkeypatch):
    """Fits that are hand-made posteriors, and no approaches beside them."""

    def known(self, train):
        return known_posterior(train)

    monkeypatch.setattr("bayescale.decisions.checks.forecasters.Fitted.fitted", known)
    monkeypatch.setattr("bayescale.decisions.checks.forecasters.HuberBootstrap.refits", known)


def test_two_cuts_have_a_fit_each(without_fits, sweep):
    found = bs.backtest_allocation(sweep, **MODEL)
    assert list(found.posteriors) == ["budgets above 1e+20 FLOPs", "budgets above 1e+21 FLOPs"]
    ours = found.frame[found.frame["model"] == found.model]
    np.testing.assert_allclose(ours["times"], [10, 100, 10], rtol=1e-9)


def test_runs_of_no_budget_are_fitted_where_they_are_cheap_and_judge_nothing(without_fits, sweep):
    stray = sweep.frame.iloc[:3].assign(run_id=["a", "b", "c"]).set_index("run_id")
    stray["n_tokens"] *= 3
    frame = pd.concat([sweep.frame, stray.drop(columns=["flops"])]).drop(columns=["flops"])
    found = bs.backtest_allocation(bs.Runs.from_frame(frame), FIRST_CUT, budgets=BUDGETS, **MODEL)
    alone = bs.backtest_allocation(sweep, FIRST_CUT, **MODEL)
    assert found.frame["n_train"].unique().tolist() == [39]
    np.testing.assert_allclose(found.optima["log_n_params"], alone.optima["log_n_params"])
    is_approach = found.frame["model"].str.startswith("approach")
    np.testing.assert_allclose(found.frame[is_approach]["q50"], alone.frame[is_approach]["q50"])


def test_optima_may_be_taken_from_other_runs(without_fits, sweep):
    # No two runs of the same compute.
    factors = np.tile(np.geomspace(0.15, 6, 12), 5)
    scattered = sweep.frame.drop(columns=["flops", "group"])
    scattered["n_tokens"] *= factors
    runs = bs.Runs.from_frame(scattered, name="scattered")
    found = bs.backtest_allocation(runs, FIRST_CUT, curves=sweep, **MODEL)
    assert len(found.frame[found.frame["model"] == found.model]) == 2
    # Approaches 1 and 2 go by the other runs too: the fitted ones are in no budgets.
    alone = bs.backtest_allocation(sweep, FIRST_CUT, **MODEL)
    is_approach = found.frame["model"].str.startswith("approach")
    np.testing.assert_allclose(found.frame[is_approach]["q50"], alone.frame[is_approach]["q50"])


def test_an_approach_that_finds_too_few_minima_is_lacking_and_told(
    without_fits, sweep, monkeypatch
):
    def refuse(*_, **__):
        raise InputError("a power law needs 2 minima.")

    monkeypatch.setattr(forecasters, "resampled_sizes", refuse)
    found = bs.backtest_allocation(sweep, FIRST_CUT, **MODEL)
    assert found.summary().index.tolist() == ["chinchilla, normal", BASELINE]
    first, second = found.lacking
    assert str(first).startswith("approach 1: lowest loss at each compute without budgets above")
    assert found.sentences[-1] == str(second)


def test_an_approach_whose_resampled_tables_have_no_optimum_is_refused(sweep, monkeypatch):
    nothing = np.full((5, 1), np.nan)
    monkeypatch.setattr(forecasters, "resampled_sizes", lambda *_, **__: nothing)
    member = members(sweep)
    truth = optima_of(sweep, member)
    (cut,) = FIRST_CUT.split(truth)
    with pytest.raises(InputError, match="no draw has an optimum"):
        ApproachSizes("2").sizes(hidden_sizes(sweep, sweep, member, truth, cut))


def test_a_forecast_is_what_allocate_says_of_each_draw(sweep):
    posterior = known_posterior(sweep)
    compute = np.array([1e22, 1e23])
    forecast = sizes_of(posterior, compute)
    plans = bs.allocate(posterior, compute).draws["n_params"].to_numpy()
    np.testing.assert_allclose(10**forecast.log_n_params, plans)


def test_a_law_of_something_else_than_loss_is_refused(sweep):
    with pytest.raises(InputError, match="backtest_allocation is of losses"):
        bs.backtest_allocation(sweep, law=bs.laws.AccuracyInTokens())
