"""The end of a run that is training now."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs

STEP = np.arange(1000, 20_001, 1000)
PLAN = bs.Schedule.wsd(peak=1e-3, total=40_000, decay_fraction=0.2)


def log(run="big"):
    loss = 2 + 30 * STEP**-0.5 + 0.003 * np.sin(STEP)
    return pd.DataFrame({"run": run, "step": STEP, "lr": 1e-3, "loss": loss})


@pytest.fixture(scope="module")
def found():
    return bs.finish(bs.Curves.read(log()), PLAN, decay_fractions=(0.2, 0.9), draws=200)


def test_the_planned_end_comes_first_and_lies_below_where_the_run_stands(found):
    planned = found.frame.iloc[0]
    assert (planned["future"], planned["end_step"], planned["decay_step"]) == (
        "planned",
        40_000,
        32_000,
    )
    assert planned["q95"] < found.loss


def test_a_decay_that_would_have_begun_is_left_out(found):
    assert list(found.futures["future"]) == [
        "planned",
        "Decay over the last 20%",
        "Decay from now over 20%",
        "Decay from now over 90%",
    ]


def test_the_plan_under_another_name_gains_nothing(found):
    gains = found.frame.set_index("future").loc["Decay over the last 20%"]
    assert abs(gains["gain_q50"]) < 1e-3


def test_a_decay_that_no_run_has_shown_is_complained_of(found):
    assert "no_decay_seen" in [problem.code for problem in found.problems]


def test_the_running_run_is_named_where_there_are_several():
    both = bs.Curves.read(pd.concat([log("a"), log("b")]))
    with pytest.raises(bs.InputError, match="There are 2 runs, a, b; say which one"):
        bs.finish(both, PLAN)


def test_a_run_that_has_ended_by_the_plan_is_refused():
    with pytest.raises(bs.InputError, match="give the schedule of the whole run"):
        bs.finish(bs.Curves.read(log()), bs.Schedule.wsd(peak=1e-3, total=20_000))


def test_a_fraction_of_no_decay_is_refused():
    with pytest.raises(bs.InputError, match="not between 0 and 1"):
        bs.finish(bs.Curves.read(log()), PLAN, decay_fractions=(1.5,))
