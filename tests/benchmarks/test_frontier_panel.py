"""The forecasting panel: which runs are fitted, and which are forecast."""

import frontier_panel
import numpy as np
import pandas as pd
import pytest


def ladder_of(compute: list[float], count: int) -> tuple[list[float], list[float]]:
    """Return the compute of the runs that a ladder fits, and of those that it forecasts."""
    n_params = 1e8
    table = pd.DataFrame({"n_params": n_params, "n_tokens": np.array(compute) / n_params})
    table.index = pd.Index([f"run{row:03d}" for row in range(len(table))], name="run_id")
    train, test = frontier_panel.ladder(table, count)
    fitted = train["n_params"] * train["n_tokens"]
    hidden = test["n_params"] * test["n_tokens"]
    return fitted.tolist(), hidden.tolist()


def test_a_ladder_is_of_the_cheapest_runs():
    fitted, _ = ladder_of([8e18, 1e18, 4e18, 2e18], 3)
    assert fitted == [1e18, 2e18, 4e18]


def test_a_ladder_forecasts_up_to_a_hundred_times_its_dearest_run():
    _, hidden = ladder_of([1e18, 2e18, 3e18, 4e18, 3e20, 3.1e20], 3)
    assert hidden == [4e18, 3e20]


def test_runs_as_dear_as_the_dearest_of_a_ladder_are_not_forecast():
    _, hidden = ladder_of([1e18, 2e18, 3e18, 3e18, 5e18], 3)
    assert hidden == [5e18]


def test_a_ladder_forecasts_25_runs_from_the_cheapest_to_the_dearest():
    _, hidden = ladder_of(np.geomspace(1e18, 9e19, 200).tolist(), 3)
    assert len(hidden) == 25
    assert hidden[-1] == pytest.approx(9e19)
    steps = np.diff(np.log(hidden))
    assert steps.max() < 1.2 * steps.min()


def test_a_ladder_is_the_same_whatever_the_order_of_the_table():
    table = pd.DataFrame({"n_params": 1e8, "n_tokens": [3e9, 1e9, 1e9, 2e9]}, index=list("dbca"))
    names = [list(frontier_panel.ladder(rows, 2)[0].index) for rows in (table, table[::-1])]
    assert names == [["b", "c"], ["b", "c"]]


def test_two_sets_of_a_family_have_ladders():
    assert frontier_panel.with_ladders(pd.Series(["b", "a", "c", "b"])) == ["a", "c"]
    assert frontier_panel.with_ladders(pd.Series(["b", "b"])) == ["b"]


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(frontier_panel.PANEL, dtype=str)


def test_no_run_of_the_panel_is_both_fitted_and_forecast(panel):
    assert not panel.duplicated(["set", "split", "run_id"]).any()


def test_the_panel_has_ten_families_at_both_splits(panel):
    families = panel.groupby("split")["dataset"].nunique()
    assert families.to_dict() == {frontier_panel.DEAREST: 10, frontier_panel.BEYOND: 10}


def test_the_7b_and_13b_of_the_olmo_ladder_are_hidden_and_beyond_a_tenth_the_3b_too(panel):
    hidden = panel[(panel["set"] == "bhagia/cosine_c4") & (panel["role"] == "test")]
    sizes = hidden["run_id"].str.split("-").str[0].groupby(hidden["split"]).agg(set).to_dict()
    assert sizes == {
        frontier_panel.DEAREST: {"7B", "13B"},
        frontier_panel.BEYOND: {"3B", "7B", "13B"},
    }


def test_seven_runs_of_step_law_forecast_those_beyond_a_tenth(panel):
    rows = panel[(panel["set"] == "steplaw") & (panel["split"] == frontier_panel.BEYOND)]
    assert rows["role"].value_counts().to_dict() == {"test": 10, "train": 7}
