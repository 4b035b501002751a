"""The command ``finish``."""

import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def log_file(folder):
    step = np.arange(1000, 20_001, 1000)
    loss = 2 + 30 * step**-0.5 + 0.003 * np.sin(step)
    pd.DataFrame({"run": "big", "step": step, "lr": 1e-3, "loss": loss}).to_csv(
        folder / "log.csv", index=False
    )
    return "log.csv"


def test_json_has_the_final_loss_of_each_schedule(bayescale, log_file):
    result = bayescale("finish", log_file, "--total", 40_000, "--json")
    answer = json.loads(result.stdout)
    planned = answer["futures"][0]
    assert (answer["run"], planned["end_step"]) == ("big", 40_000)
    assert planned["q05"] < planned["q50"] < planned["q95"] < answer["loss"]


def test_the_page_names_the_plan_and_other_decays(bayescale, log_file):
    page = bayescale("finish", log_file, "--total", 40_000).stdout
    assert "planned" in page
    assert "Decay from now over 20%" in page


def test_a_total_that_has_passed_is_refused(refused, log_file):
    line = refused("finish", log_file, "--total", 20_000)
    assert "--total 20000 is not beyond the last logged step, 20000" in line


def test_several_runs_need_a_name(refused, folder, log_file):
    table = pd.read_csv(log_file)
    pd.concat([table, table.assign(run="small")]).to_csv("two.csv", index=False)
    assert "has the runs big, small; give --run" in refused("finish", "two.csv", "--total", 4e4)
