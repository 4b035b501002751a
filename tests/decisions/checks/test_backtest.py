"""`backtest`: hidden runs forecast and scored, beside today's practice."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import norm

import bayescale as bs
from bayescale.decisions.checks.forecasters import BASELINE, HuberBootstrap, predicted
from bayescale.inference.base import Method, Problem
from bayescale.posterior.posterior import Posterior
from bayescale.processes.base import bases, locate, padded_functions
from tests.known_posteriors import known_posterior

POINT = bs.MultiStart(starts=100)
NORMAL = bs.noise.Normal()


@pytest.fixture(scope="module")
def sweep() -> bs.Runs:
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="module")
def tested(sweep):
    return bs.backtest(
        sweep, bs.LargestCompute(0.2), law=bs.laws.Chinchilla(), noise=NORMAL, method=POINT
    )


@dataclass(frozen=True)
class Doubtful(Method):
    """A method whose diagnostics always complain."""

    seed: int = 0

    def run(self, problem: Problem):
        return replace(POINT.run(problem), problems=("The chains disagree.",))


def test_the_frame_has_a_row_for_each_hidden_run_and_model(tested, sweep):
    (fold,) = bs.LargestCompute(0.2).split(sweep)
    assert tested.frame.groupby("model", sort=False).size().to_dict() == {
        "chinchilla, normal": 9,
        BASELINE: 9,
    }
    for _, rows in tested.frame.groupby("model"):
        assert rows["run_id"].tolist() == fold.test.frame.index.tolist()
        assert rows["loss"].tolist() == fold.test.frame["loss"].tolist()


def test_the_frame_says_how_far_beyond_the_fitted_runs_each_lies(tested):
    # Budgets of the simulated sweep are a decade apart, and the share cuts between them.
    np.testing.assert_allclose(tested.frame["decades"], 1.0)


def test_the_hidden_losses_do_not_touch_the_forecast(tested, sweep):
    (fold,) = bs.LargestCompute(0.2).split(sweep)
    worse = sweep.frame.copy()
    worse.loc[fold.test.frame.index, "loss"] *= 1.5
    again = bs.backtest(
        bs.Runs.from_frame(worse),
        bs.LargestCompute(0.2),
        law=bs.laws.Chinchilla(),
        noise=NORMAL,
        method=POINT,
    )
    shown = tested.frame.set_index(["model", "run_id"])
    np.testing.assert_allclose(
        again.frame.set_index(["model", "run_id"])["q95"].loc[shown.index], shown["q95"], rtol=1e-9
    )


def test_the_log_score_is_the_mean_density_over_the_draws(sweep):
    (fold,) = bs.LargestCompute(0.2).split(sweep)
    found = predicted(known_posterior(fold.train, shape=(1, 200)), fold.test)
    inputs = {name: fold.test.column(name) for name in ("n_params", "n_tokens")}
    each = norm.pdf(
        np.log(fold.test.column("loss")),
        found.posterior.log_law(inputs)[0],
        found.posterior.draws("sigma")[:, None],
    )
    np.testing.assert_allclose(np.exp(found.log_density), each.mean(axis=0), rtol=1e-5)


def test_a_point_fit_scatters_as_its_noise_does(tested):
    rows = tested.frame[tested.frame["model"] != BASELINE]
    sigma = tested.posteriors["the largest-compute 20 %"].draws("sigma")[0]
    np.testing.assert_allclose(
        np.log(rows["q95"] / rows["q05"]), 2 * norm.ppf(0.95) * sigma, rtol=0.15
    )


def test_todays_practice_resamples_residuals_about_its_refits(sweep):
    (fold,) = bs.LargestCompute(0.2).split(sweep)
    found = HuberBootstrap(residuals=3).predict(fold.train, fold.test)
    assert found.log_draws.shape == (600, 9)
    law = np.log(
        bs.forecast(
            found.posterior, **{c: fold.test.column(c) for c in ("n_params", "n_tokens")}
        ).law_draws
    )
    added = found.log_draws - np.repeat(law, 3, axis=0)
    assert len(np.unique(added.round(9))) <= len(fold.train)


def test_todays_practice_has_no_density_and_so_no_log_score(tested):
    assert tested.summary().loc[BASELINE].isna().to_dict()["log_score"]
    assert tested.summary().drop(columns="log_score").notna().all(axis=None)


def test_an_objective_is_backtested_by_its_law_alone(sweep):
    # As many starts as today's practice has, which compiles nothing more.
    found = bs.backtest(
        sweep,
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Huber(1e-3),
        method=bs.MultiStart(starts=500),
    )
    assert found.model == "chinchilla, huber"
    assert found.frame["log_score"].isna().all()


def test_every_fold_has_a_fit_of_the_runs_that_it_leaves(sweep):
    found = bs.backtest(
        sweep, bs.LeaveGroupOut(), law=bs.laws.Chinchilla(), noise=NORMAL, method=POINT
    )
    assert [len(fit.runs) for fit in found.posteriors.values()] == [36] * 5
    assert found.summary()["n_test"].tolist() == [45, 45]
    assert set(found.frame["fold"]) == set(found.posteriors)


def with_drift(posterior: Posterior) -> Posterior:
    """The posterior with departures from its law that grow beyond its runs."""
    noise = bs.noise.Discrepancy(NORMAL, (bs.processes.IntegratedWiener(),))
    found = bases(noise.shared, locate(posterior.runs, posterior.law.inputs))
    functions = sum(padded_functions(basis.process, basis.size) for basis in found)
    shape = posterior.params["sigma"].shape
    return replace(
        posterior,
        noise=noise,
        params=posterior.params | {"drift_sd": np.full(shape, 0.02)},
        coefficients=np.random.default_rng(0).standard_normal((*shape, functions)),
    )


def test_processes_are_forecast_and_scored_with_the_law(sweep):
    (fold,) = bs.LargestCompute(0.2).split(sweep)
    found = predicted(with_drift(known_posterior(fold.train, shape=(1, 50))), fold.test)
    assert found.log_draws.shape == (1000, 9)
    assert np.isfinite(found.log_density).all()
    # Draws of the law and of the scatter alone would not be so wide.
    assert found.log_draws.std(axis=0).mean() > 1.2 * found.posterior.draws("sigma").mean()


def test_failed_diagnostics_are_warned_of_and_kept_with_the_fold(sweep):
    with pytest.warns(
        bs.FitWarning, match=r"without the largest-compute 20 %: The chains disagree"
    ):
        found = bs.backtest(sweep, law=bs.laws.Chinchilla(), noise=NORMAL, method=Doubtful())
    assert [str(problem) for problem in found.problems] == [
        "Without the largest-compute 20 %: The chains disagree."
    ]


def test_too_few_runs_left_for_the_law_are_named_with_what_was_hidden(sweep):
    with pytest.raises(
        bs.InputError,
        match="without the largest-compute 95 %: 2 of the 3 runs",
    ):
        bs.backtest(
            sweep, bs.LargestCompute(0.95), law=bs.laws.Chinchilla(), noise=NORMAL, method=POINT
        )


def test_what_is_no_hold_out_is_refused(sweep):
    with pytest.raises(
        bs.InputError, match=r"0\.2 is no hold-out; give an instance, such as LargestCompute"
    ):
        bs.backtest(sweep, 0.2)


def test_a_table_is_checked_first(sweep):
    with pytest.raises(bs.InputError, match="no column loss"):
        bs.backtest(sweep.frame.drop(columns="loss"))


@pytest.mark.slow
def test_a_law_of_compute_alone_is_compared_with_its_own_huber_fit(sweep):
    runs = bs.Runs.from_frame(sweep.frame[["flops", "loss"]], required=("flops", "loss"))
    found = bs.backtest(runs, law=bs.laws.PowerLaw(), noise=NORMAL, method=POINT)
    assert found.frame["model"].unique().tolist() == ["power_law, normal", BASELINE]
    assert "n_params" not in found.frame


def test_a_notebook_shows_the_scores(tested):
    assert "coverage90" in tested._repr_html_()
