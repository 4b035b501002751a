"""What was forecast of the frontier, and how the outcome is read beside it."""

import json
from pathlib import Path

import numpy as np
import outcome
import pandas as pd
import plan
import pytest
import rows
from run import FORECAST, ROWS, not_forecast

import bayescale as bs


@pytest.fixture(scope="module")
def forecast():
    return json.loads(FORECAST.read_text(encoding="utf-8"))


def test_the_forecast_is_of_the_runs_that_are_embedded(forecast):
    assert forecast["about"]["file_sha256"] == bs.datasets.describe("bayescale2026_sweep").originals[0].sha256
    assert forecast["n_runs"] == len(bs.datasets.load("bayescale2026_sweep")) == len(plan.base())


def test_every_run_of_the_frontier_was_forecast():
    assert not not_forecast(plan.frontier(), FORECAST)


def test_the_best_size_of_the_forecast_is_among_the_runs_of_each_budget(forecast):
    for told in forecast["default"]["optimum"]:
        if told["quantity"] == "n_params":
            sizes = [task.shape.n_params for task in plan.frontier() if np.isclose(task.budget, told["compute"])]
            assert min(abs(np.log(np.array(sizes) / told["q50"]))) < np.log(1.1)


def test_a_run_is_held_by_an_interval_that_its_loss_lies_in(forecast):
    told = forecast["default"]["runs"]
    first, second, *_ = told
    made = pd.DataFrame({"loss": [told[first]["q50"], told[second]["q95"] + 0.01]}, index=[first, second])
    found = outcome.losses(forecast, made)
    own = found[found["forecaster"] == "default"].set_index("run_id")
    assert own["within_90"].to_dict() == {first: True, second: False}
    assert own.loc[first, "error_per_cent"] == pytest.approx(0)


def test_the_best_size_of_a_parabola_is_its_vertex_and_of_a_slope_an_end():
    log_n = np.log([1e5, 2e5, 4e5])
    columns = np.column_stack([(log_n - np.log(1.7e5)) ** 2, -((log_n - 20) ** 2), -((log_n + 20) ** 2)])
    np.testing.assert_allclose(outcome.vertex(log_n, columns), [1.7e5, 0, np.inf])


def test_every_row_of_the_embedded_table_is_in_the_runners_table():
    table = bs.datasets.frame("bayescale2026_sweep").set_index("run_id")
    made = rows.read(ROWS).loc[table.index]
    np.testing.assert_allclose(table["loss"], made["loss"], atol=5e-7)
    assert (table["n_tokens"] == made["n_tokens"]).all()


def test_the_embedded_table_is_under_100_kilobytes():
    (path,) = map(Path, bs.datasets.fetch("bayescale2026_sweep"))
    assert path.stat().st_size < 100_000
