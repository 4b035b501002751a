"""The runner: each run once, the cheapest first, and a table that is whole at every moment."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rows
import run
from run import missing, not_forecast, sweep


@pytest.fixture
def made(monkeypatch):
    """Training in no time, and the names of what was trained."""
    names = []

    def instantly(task, corpus, saved):
        yield task.steps
        names.append(task.name)
        yield {"run_id": task.name, "loss": 1.0, "seconds": 0.0}

    monkeypatch.setattr(run, "train", instantly)
    return names


@pytest.fixture
def tasks(task):
    return [replace(task, budget=budget, seed=seed) for budget in (3e9, 1e9) for seed in (1, 0)]


def test_a_row_is_written_once(tmp_path):
    table = tmp_path / "rows.csv"
    rows.add(table, {"run_id": "a", "loss": 0.1 + 0.2})
    rows.add(table, {"run_id": "b", "loss": 2.0})
    with pytest.raises(ValueError, match="a already has a row in"):
        rows.add(table, {"run_id": "a", "loss": 3.0})
    assert rows.read(table)["loss"].to_dict() == {
        "a": pytest.approx(0.1 + 0.2, rel=1e-15),
        "b": 2.0,
    }


def test_a_writer_that_dies_leaves_the_table_as_it_was(tmp_path, monkeypatch):
    table = tmp_path / "rows.csv"
    rows.add(table, {"run_id": "a", "loss": 1.0})

    write = Path.write_text

    def dies(self, text, **options):
        write(self, text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", dies)
    with pytest.raises(KeyboardInterrupt):
        rows.add(table, {"run_id": "b", "loss": 2.0})
    monkeypatch.undo()
    assert list(rows.read(table).index) == ["a"]
    rows.add(table, {"run_id": "b", "loss": 2.0})
    assert list(rows.read(table).index) == ["a", "b"]


def test_the_cheapest_runs_come_first(tasks, made, tmp_path):
    sweep(tasks, None, tmp_path / "rows.csv", tmp_path, report=lambda line: None)
    assert made == [task.name for task in (tasks[3], tasks[2], tasks[1], tasks[0])]


def test_what_has_a_row_is_not_made_again(tasks, made, tmp_path):
    table = tmp_path / "rows.csv"
    sweep(tasks[2:], None, table, tmp_path, report=lambda line: None)
    sweep(tasks, None, table, tmp_path, report=lambda line: None)
    assert sorted(made) == sorted(task.name for task in tasks)
    assert missing(tasks, table) == []


def test_what_another_has_in_hand_is_passed_over(tasks, made, tmp_path):
    lock = tmp_path / f"{tasks[3].name}.lock"
    lock.touch()
    with rows.locked(lock) as acquired:
        assert acquired
        sweep(tasks, None, tmp_path / "rows.csv", tmp_path, report=lambda line: None)
    assert tasks[3].name not in made
    assert len(made) == 3


def test_progress_and_the_time_left_are_told(tasks, made, tmp_path):
    lines = []
    sweep(tasks, None, tmp_path / "rows.csv", tmp_path, report=lines.append)
    assert len(lines) == 4
    assert "3 of 4 runs left" in lines[0]
    assert "0 of 4 runs left" in lines[3]


def test_a_run_of_a_length_that_no_forecast_tells_of_is_early_whatever_its_seed(tasks, tmp_path):
    forecast = tmp_path / "forecast.json"
    assert not_forecast(tasks, forecast) == [task.name for task in tasks]
    told = {"run_id": "one", "n_params": tasks[0].shape.n_params, "n_tokens": tasks[0].n_bytes}
    forecast.write_text(json.dumps({"frontier": [told]}))
    longer = replace(tasks[0], steps=tasks[0].steps + 1)
    assert not_forecast([*tasks, longer], forecast) == [longer.name]
