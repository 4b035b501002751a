"""Scores of forecast optima, by hand-made draws."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bayescale.decisions.checks.allocations.scores import size_scores, summary

NORMAL = norm.ppf((np.arange(4000) + 0.5) / 4000)


def truth(**other: float) -> pd.DataFrame:
    known = {"log_n_params": 9.0, "se": 0.0, "loss": 2.0, "curvature": 0.2}
    return pd.DataFrame([known | other])


def scored(draws: np.ndarray, **other: float) -> pd.Series:
    return size_scores(draws[:, None], truth(**other)).iloc[0]


def test_width_and_error_are_in_decades_of_n():
    found = scored(9.1 + 0.2 * NORMAL)
    assert found["error"] == pytest.approx(0.1, abs=1e-3)
    assert found["width"] == pytest.approx(2 * 1.645 * 0.2, rel=1e-2)
    assert found["q50"] == pytest.approx(10**9.1, rel=1e-3)


def test_crps_is_that_of_the_normal_distribution():
    # Gneiting and Raftery 2007, section 4.2: at the centre of a Normal it is σ(√2 − 1)/√π.
    found = scored(9.0 + 0.1 * NORMAL)
    assert found["crps"] == pytest.approx(0.1 * (np.sqrt(2) - 1) / np.sqrt(np.pi), rel=1e-2)


def test_the_error_of_the_truth_widens_what_is_covered_and_not_the_width():
    draws = 9.1 + 0.01 * NORMAL
    sharp, rough = scored(draws), scored(draws, se=0.1)
    assert (sharp["covered90"], rough["covered90"]) == (False, True)
    assert rough["width"] == sharp["width"]


def test_a_perfect_forecast_of_a_rough_truth_has_the_crps_of_its_error():
    found = scored(np.full(4000, 9.0), se=0.1)
    assert found["crps"] == pytest.approx(0.1 * (np.sqrt(2) - 1) / np.sqrt(np.pi), rel=0.03)


def test_half_of_the_draws_hold_less_than_nine_tenths():
    found = scored(9.1 + 0.1 * NORMAL)
    assert (found["covered50"], found["covered90"]) == (False, True)


def test_regret_is_what_the_median_size_costs_on_the_budgets_parabola():
    found = scored(np.full(10, 9.3))
    assert found["regret"] == pytest.approx(2.0 * np.expm1(0.2 * 0.3**2 / 2))
    assert scored(np.full(10, 9.0))["regret"] == 0


def test_each_budget_is_scored_by_itself():
    table = pd.concat([truth(), truth(log_n_params=10.0)], ignore_index=True)
    draws = np.stack([9.1 + 0.1 * NORMAL, 9.9 + 0.1 * NORMAL], axis=1)
    np.testing.assert_allclose(size_scores(draws, table)["error"], [0.1, -0.1], atol=1e-3)


def test_few_draws_meet_the_error_of_the_truth_many_times():
    found = scored(np.array([9.0]), se=0.1)
    assert found["covered50"]
    assert found["width"] == 0


def test_the_summary_means_over_the_budgets_of_each_model():
    row = {"covered50": True, "covered90": True, "width": 0.2, "crps": 0.02, "regret": 0.01}
    worse = {"covered50": False, "covered90": False, "width": 0.4, "crps": 0.06, "regret": 0.03}
    frame = pd.DataFrame(
        [
            {"model": "a", "error": 0.1, **row},
            {"model": "a", "error": -0.3, **worse},
            {"model": "b", "error": 0.2, **row},
        ]
    )
    found = summary(frame)
    assert found.index.tolist() == ["a", "b"]
    assert found.loc["a"].round(6).to_dict() == {
        "coverage50": 0.5,
        "coverage90": 0.5,
        "width": 0.3,
        "bias": -0.1,
        "error": 0.2,
        "crps": 0.04,
        "regret": 0.02,
        "n_budgets": 2,
    }
