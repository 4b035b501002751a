"""The forecast of the frontier is kept, and the outcome is read beside it."""

import json
from pathlib import Path

import collect
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
    assert (
        forecast["about"]["file_sha256"]
        == bs.datasets.describe("bayescale2026_sweep").originals[0].sha256
    )
    assert forecast["n_runs"] == len(bs.datasets.load("bayescale2026_sweep")) == len(plan.base())


def test_every_run_of_the_frontier_was_forecast():
    assert not not_forecast(plan.frontier(), FORECAST)


def test_the_best_size_of_the_forecast_is_among_the_runs_of_each_budget(forecast):
    for told in forecast["default"]["optimum"]:
        if told["quantity"] == "n_params":
            sizes = [
                task.shape.n_params
                for task in plan.frontier()
                if np.isclose(task.budget, told["compute"])
            ]
            assert min(abs(np.log(np.array(sizes) / told["q50"]))) < np.log(1.1)


def test_a_run_is_held_by_an_interval_that_its_loss_lies_in(forecast):
    told = forecast["default"]["runs"]
    first, second, *_ = forecast["frontier"]
    held, missed = told[first["run_id"]]["q50"], told[second["run_id"]]["q95"] + 0.01
    made = pd.DataFrame(
        [
            first | {"loss": held},
            first | {"loss": held, "run_id": "another seed"},
            second | {"loss": missed},
        ]
    )
    found = outcome.losses(forecast, made.assign(role="frontier").set_index("run_id"))
    own = found[found["forecaster"] == "default"].set_index("run_id")
    assert own["within_90"].to_dict() == {
        first["run_id"]: True,
        "another seed": True,
        second["run_id"]: False,
    }
    assert own.loc[first["run_id"], "error_per_cent"] == pytest.approx(0)


def test_what_the_rule_costs_is_how_far_a_parabola_lies_below_it():
    tried = np.array([0.4, 0.63, 1.0, 1.6, 2.5])
    levels, noise = (
        np.array([[0.60], [0.62]]),
        1e-9 * np.random.default_rng(0).standard_normal((2, 5)),
    )
    losses = pd.DataFrame(levels + 0.02 * (np.log(tried) - 0.5) ** 2 + noise, columns=tried)
    found = collect.parabola(losses)
    assert found["cost_of_parabola"] == pytest.approx(100 * 0.02 * 0.5**2, rel=1e-4)
    assert (
        found["cost_of_parabola_low"] < found["cost_of_parabola"] < found["cost_of_parabola_high"]
    )


def test_rates_are_means_over_the_seeds_that_have_every_rate():
    (budget, width, seeds), *_ = plan.CHECKED
    tasks = [*plan.of_budget("base", budget, [width]), *plan.check()]
    made = [
        task
        for task in tasks
        if (task.budget, task.shape.width) == (budget, width) and task.seed < 3
    ]
    facts = {"budget": budget, "width": width, "loss": 2.0}
    table = pd.DataFrame(
        [{"role": t.role, "seed": t.seed, "learning_rate": t.learning_rate, **facts} for t in made]
    )
    table.loc[
        (table["seed"] == 2) & (table["learning_rate"] > 2 * table["learning_rate"].min()), "loss"
    ] = 2.3
    found = collect.rates(table).iloc[0]
    assert found["seeds"] == 3 < len(seeds)
    assert found[0.4] == 2.0
    assert found[2.5] == pytest.approx(2.1)


def test_the_best_size_of_a_parabola_is_its_vertex_and_of_a_slope_an_end():
    log_n = np.log([1e5, 2e5, 4e5])
    columns = np.column_stack(
        [(log_n - np.log(1.7e5)) ** 2, -((log_n - 20) ** 2), -((log_n + 20) ** 2)]
    )
    np.testing.assert_allclose(outcome.vertex(log_n, columns), [1.7e5, 0, np.inf])


def test_every_row_of_the_embedded_table_is_in_the_runners_table():
    table = bs.datasets.frame("bayescale2026_sweep").set_index("run_id")
    made = rows.read(ROWS).loc[table.index]
    np.testing.assert_allclose(table["loss"], made["loss"], atol=5e-7)
    assert (table["n_tokens"] == made["n_tokens"]).all()


def test_the_embedded_table_is_under_100_kilobytes():
    (path,) = map(Path, bs.datasets.fetch("bayescale2026_sweep"))
    assert path.stat().st_size < 100_000
