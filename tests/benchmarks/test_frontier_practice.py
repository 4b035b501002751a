"""Today's practice for few runs, the default with budgets, and the files of cells."""

import frontier
import numpy as np
import pandas as pd
import pytest
from frontier_panel import Case

import bayescale as bs
from bayescale.decisions.checks.forecasters import Prediction
from bayescale.decisions.checks.holdouts.base import Fold
from bayescale.laws.base import Law


def runs_of(compute: list[float]) -> bs.Runs:
    n_params = 1e8
    tokens = [flops / (6 * n_params) for flops in compute]
    losses = [3.5 - 0.1 * place for place in range(len(compute))]
    table = pd.DataFrame({"n_params": n_params, "n_tokens": tokens, "loss": losses})
    return bs.Runs.from_frame(table, name="some runs")


class Remembers:
    """A forecaster that keeps the runs that it is to fit."""

    def predict(self, train: bs.Runs, test: bs.Runs) -> Prediction:
        self.train = train
        return Prediction("none", np.zeros((1, 1)), np.zeros(1), None)


def law_for(count: int) -> Law:
    return frontier.practice(runs_of([1e18 * 2**place for place in range(count)])).law


@pytest.mark.filterwarnings("ignore::bayescale.RunsWarning")
def test_todays_practice_fits_fewer_parameters_than_it_has_runs_where_it_has_few():
    assert law_for(3) == bs.laws.PowerLaw(floor=False)
    assert law_for(4) == bs.laws.PowerLaw()
    assert law_for(6) == bs.laws.Chinchilla()


@pytest.mark.filterwarnings("ignore::bayescale.RunsWarning")
def test_todays_practice_refuses_few_runs_of_one_compute():
    with pytest.raises(bs.InputError, match="the 3 runs have the same compute"):
        frontier.practice(runs_of([1e18, 1.01e18, 1.02e18]))


@pytest.mark.filterwarnings("ignore::bayescale.RunsWarning")
def test_the_grouped_default_has_a_group_for_each_budget():
    forecaster = Remembers()
    runs = runs_of([1e18, 1.01e18, 1e19, 1.01e19])
    frontier.InBudgets(forecaster).predict(runs, runs_of([1e20]))
    groups = forecaster.train.frame["group"]
    assert sorted(groups) == ["budget 0", "budget 0", "budget 1", "budget 1"]


@pytest.mark.filterwarnings("ignore::bayescale.RunsWarning")
def test_a_refused_cell_says_why_and_has_no_runs():
    fold = Fold("ladder", runs_of([1e18, 1.01e18, 1.02e18]), runs_of([1e20]))
    practice, _ = frontier.candidates(["default"], "importance", [0])
    made = frontier.cell(practice, Case("a", "a/b", "short_ladders", fold))
    assert "same compute" in made["refusal"]
    assert made["runs"] == {}


@pytest.mark.filterwarnings("ignore::bayescale.RunsWarning")
def test_a_cell_has_a_file_for_each_seed_and_number_of_runs():
    names = set()
    for count in (3, 4):
        fold = Fold("ladder", runs_of([1e18 * 2**place for place in range(count)]), runs_of([1e20]))
        for each in frontier.candidates(["default"], "importance", [0, 1]):
            names.add(each.file_name(Case("a", "a/b", "short_ladders", fold)))
    assert len(names) == 6


def test_the_first_seed_has_the_models_own_name():
    labels = [each.label for each in frontier.candidates(["default"], "importance", [3, 7])]
    assert labels == ["huber", "default", "default, seed 7"]
