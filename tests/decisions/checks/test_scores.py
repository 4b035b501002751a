"""Scores of forecasts, against closed forms and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bayescale.decisions.checks.scores import crps, run_scores, summary

AT = np.array([-2.3, -0.3, 0.0, 1.7])


def test_the_crps_of_a_normals_quantiles_is_its_closed_form():
    count = 20_000
    draws = np.repeat(norm.ppf((np.arange(count) + 0.5) / count)[:, None], len(AT), axis=1)
    # Gneiting and Raftery 2007, equation 21 for a Normal.
    wanted = AT * (2 * norm.cdf(AT) - 1) + 2 * norm.pdf(AT) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps(draws, AT), wanted, rtol=2e-4)


def test_the_crps_is_the_mean_distance_less_half_that_between_draws():
    draws = np.random.default_rng(0).standard_t(4, size=(60, 4))
    apart = np.abs(draws[:, None] - draws[None]).mean(axis=(0, 1)) / 2
    np.testing.assert_allclose(crps(draws, AT), np.abs(draws - AT).mean(axis=0) - apart)


def test_the_crps_of_one_draw_is_its_error():
    np.testing.assert_allclose(crps(np.zeros((1, 4)), AT), np.abs(AT))


def test_quantiles_are_of_loss_and_intervals_hold_what_lies_within():
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    found = run_scores(draws, AT)
    np.testing.assert_allclose(np.log(found["q90"]), np.quantile(draws, 0.9, axis=0))
    assert found["covered50"].tolist() == [False, True, True, False]
    assert found["covered90"].tolist() == [False, True, True, False]
    assert found["covered95"].tolist() == [False, True, True, True]


def test_the_pit_is_the_share_of_draws_below():
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    np.testing.assert_allclose(run_scores(draws, AT)["pit"], norm.cdf(AT), atol=0.02)


@pytest.fixture
def frame():
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    scores = run_scores(draws, AT).assign(
        loss=np.exp(AT), log_score=[-1.0, -2.0, -3.0, -2.0], run_id=range(4)
    )
    return pd.concat(
        [
            scores.assign(model=model, fold=["a", "a", "a", "b"], n_train=[10, 10, 10, 13])
            for model in ("one", "other")
        ]
    )


def test_the_summary_has_a_row_a_model_in_their_order(frame):
    found = summary(frame)
    assert found.index.tolist() == ["one", "other"]
    assert found.loc["one", "coverage95"] == 0.75
    assert found.loc["one", "log_score"] == -2.0


def test_errors_of_the_median_are_in_log_loss(frame):
    found, median = summary(frame).loc["one"], np.log(frame["q50"].to_numpy()[:4])
    assert found["rmsle"] == pytest.approx(np.sqrt(((median - AT) ** 2).mean()))
    assert found["bias"] == pytest.approx((median - AT).mean())


def test_runs_are_counted_over_all_folds_and_fitted_runs_averaged(frame):
    found = summary(frame)
    assert found["n_test"].tolist() == [4, 4]
    assert found["n_train"].tolist() == [12, 12]


def test_a_uniform_pit_is_at_no_distance_and_a_lopsided_one_far():
    runs = pd.DataFrame(
        {
            "model": "m",
            "fold": "f",
            "n_train": 9,
            "loss": 1.0,
            "q50": 1.0,
            "crps": 0.0,
            "log_score": 0.0,
        },
        range(99),
    )
    runs = runs.assign(**{f"covered{share}": True for share in (50, 80, 90, 95)})
    assert summary(runs.assign(pit=(np.arange(99) + 0.5) / 99))["pit_distance"].item() < 0.01
    assert summary(runs.assign(pit=0.99))["pit_distance"].item() == pytest.approx(0.99)
