"""The benchmark of an accelerator: what it resumes, and what it makes of two devices' numbers."""

import json
from typing import Any

import accelerator
import pytest


def points(**seconds: list[float]) -> dict[str, Any]:
    """Return parts of a kernel: seconds of calls of 10, 100, … units on each device."""
    found = {}
    for place, values in seconds.items():
        rows = [
            {"dtype": "float64", "units": 10 ** (i + 1), "seconds": value}
            for i, value in enumerate(values)
        ]
        found[place] = {"points": rows}
    return found


def test_the_crossover_is_the_smallest_call_that_the_card_finishes_sooner() -> None:
    assert accelerator.crossover(points(cpu=[1, 4, 16], accelerator=[3, 3, 4])) == 100


def test_there_is_no_crossover_where_the_card_is_never_sooner_or_there_is_none() -> None:
    assert accelerator.crossover(points(cpu=[1, 4], accelerator=[3, 5])) is None
    assert accelerator.crossover(points(cpu=[1, 4])) is None


def test_results_of_two_devices_are_compared_by_their_largest_relative_difference() -> None:
    results = {"cpu": {"grid": [1.0, 200.0]}, "accelerator": {"grid": [1.0, 202.0]}}
    assert accelerator.difference(results) == {"grid": pytest.approx(0.01)}
    assert accelerator.difference({"cpu": results["cpu"]}) == {}


def test_parts_that_were_measured_before_an_interruption_are_not_measured_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def in_fresh_process(script: str, *arguments: str) -> dict[str, float]:
        name = arguments[-2]
        if name == "refits" and "refits" not in measured:
            measured.append(name)
            raise KeyboardInterrupt
        measured.append(name)
        return {"seconds": 1.0}

    monkeypatch.setattr(accelerator, "in_fresh_process", in_fresh_process)
    wanted = (tmp_path, ["grid", "refits"], ["cpu"], True)
    with pytest.raises(KeyboardInterrupt):
        accelerator.finished(*wanted)
    parts = accelerator.finished(*wanted)
    assert measured == ["grid", "refits", "refits"]
    assert parts == {name: {"cpu": {"seconds": 1.0}} for name in ("grid", "refits")}
    assert json.loads((tmp_path / "grid_cpu.json").read_text()) == {"seconds": 1.0}


def test_seconds_of_fits_are_told_by_method() -> None:
    fits = {"cpu": {"Importance": {"fits": 512, "seconds": 9.0}, "resident_peak": 1}}
    assert accelerator.seconds_of_parts({"fits": fits}) == {"512 fits by Importance": {"cpu": 9.0}}
