"""Pools of models from the cells of the frontier: weights by one cut, scores at the other."""

import frontier_pages
import numpy as np
import pytest
from frontier_panel import BEYOND, DEAREST
from frontier_stack import stacked

HIDDEN = {DEAREST: list("efgh"), BEYOND: list("abcdefgh")}


def cell(model, split, early, late, family="one"):
    """Return a cell whose densities are ``early`` at runs a to d and ``late`` at e to h."""
    ids = HIDDEN[split]
    scores = [early if run_id < "e" else late for run_id in ids]
    facts = {"model": model, "family": family, "set": family, "split": split}
    return {**facts, "n_train": 20 - len(ids), "runs": {"run_id": ids, "log_score": scores}}


def cells(early, late, family="one"):
    """Return the cells of two models at both splits."""
    found = []
    for split in HIDDEN:
        found.append(cell("default", split, 1.0, 1.0, family))
        found.append(cell("other", split, early, late, family))
    return found


def test_weights_are_of_runs_that_only_the_earlier_cut_hides():
    (row,) = stacked(cells(early=5.0, late=-5.0)).to_dict("records")
    assert row["n_weighed"] == 4 and row["n_test"] == 4
    assert row["weight"] == pytest.approx(0, abs=0.01)
    assert row["gain"] < -3


def test_a_model_that_forecasts_better_at_both_cuts_is_a_gain():
    (row,) = stacked(cells(early=2.0, late=2.0)).to_dict("records")
    assert row["gain"] == pytest.approx(1.0, abs=0.02)
    assert row["gain_equal"] == pytest.approx(np.log((1 + np.e) / 2))


def test_today_s_practice_which_has_no_density_is_not_weighed():
    practice = cell("huber", DEAREST, None, None)
    (row,) = stacked([practice, *cells(early=2.0, late=2.0)]).to_dict("records")
    assert row["gain_equal"] == pytest.approx(np.log((1 + np.e) / 2))


def test_one_model_alone_gives_no_row():
    assert stacked([each for each in cells(1.0, 1.0) if each["model"] == "default"]).empty


def test_each_set_is_a_row():
    table = stacked(cells(2.0, 2.0, "one") + cells(1.0, 1.0, "two")).set_index("set")
    assert table.index.tolist() == ["one", "two"]
    assert table.loc["two", "gain"] == pytest.approx(0.0, abs=1e-6)


def test_the_table_shows_gains_with_their_sign(capsys):
    frontier_pages.show_stacked(stacked(cells(2.0, 2.0)))
    assert "+1.0" in capsys.readouterr().out
