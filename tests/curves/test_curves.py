"""Tables of curves, read and refused; and the points that a fit sees."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.curves.points import points_of


def log(**changed):
    step = np.arange(100, 2100, 100.0)
    table = {"step": step, "lr": np.full(20, 1e-3), "loss": 2 + step**-0.3}
    return pd.DataFrame(table | changed)


def test_headings_of_an_export_are_recognised():
    exported = log().rename(
        columns={"step": "_step", "lr": "train/learning_rate", "loss": "train/loss"}
    )
    curves = bs.Curves.read(exported.assign(Name="big"))
    assert curves.runs == ("big",)
    assert list(curves.table) == ["run", "step", "lr", "loss"]


def test_tokens_serve_as_steps():
    curves = bs.Curves.read(log().rename(columns={"step": "tokens"}))
    assert curves.table["step"].max() == 2000


def test_a_heading_that_is_named_is_taken():
    curves = bs.Curves.read(log(perplexed=np.full(20, 9.0)), headings={"loss": "perplexed"})
    assert curves.table["loss"].unique() == [9.0]


def test_rows_of_one_step_are_joined():
    learning = log()[["step", "lr"]]
    losses = log()[["step", "loss"]]
    curves = bs.Curves.read(pd.concat([learning, losses], ignore_index=True))
    assert len(curves.table) == 20
    assert curves.table.notna().all(axis=None)


def test_runs_keep_their_order_and_steps_are_sorted():
    both = pd.concat([log(run="b").iloc[::-1], log(run="a")])
    curves = bs.Curves.read(both)
    assert curves.runs == ("b", "a")
    assert curves.of("b")["step"].is_monotonic_increasing


def test_a_curve_is_cut_after_a_step():
    assert bs.Curves.read(log()).until("run", 500).table["step"].max() == 500


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (log().drop(columns="lr"), "no column of learning rate"),
        (log().drop(columns="step"), "no column of training steps"),
        (log(loss="high"), "'high' is no number"),
        (log(loss=-1.0), "a loss is not a positive number"),
        (log(lr=0.0), "nor all be zero"),
        (log().iloc[:0], "no rows"),
        (log().iloc[:1], "fewer than two learning rates"),
    ],
)
def test_what_is_no_curve_is_refused(table, message):
    with pytest.raises(bs.InputError, match=message):
        bs.Curves.read(table)


def test_an_unknown_run_is_named_with_those_that_there_are():
    with pytest.raises(bs.InputError, match="no run 'c'; there are run"):
        bs.Curves.read(log()).of("c")


def test_points_that_branches_share_count_once():
    trunk = log(run="trunk")
    branch = pd.concat([log(run="branch").iloc[:15], log(run="branch", loss=2.0).iloc[15:]])
    first, second = points_of(bs.Curves.read(pd.concat([trunk, branch])))
    assert second.steps.min() == 1600
    assert first.trunk == second.trunk


def test_windows_average_many_points():
    step = np.arange(1, 20_001, 1.0)
    noisy = 2 + 0.1 * np.random.default_rng(0).standard_normal(len(step))
    (points,) = points_of(bs.Curves.read({"step": step, "lr": 0 * step + 1, "loss": noisy}))
    assert len(points.steps) < 60
    assert points.counts.sum() == np.sum(step >= 0.08 * step[-1])


def test_a_run_with_few_losses_is_refused():
    with pytest.raises(bs.InputError, match="has 3 losses after its warm-up"):
        points_of(bs.Curves.read(log().iloc[:3]))
