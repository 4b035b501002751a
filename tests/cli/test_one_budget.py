"""A sweep of one budget at the terminal: its best size on every page, and no other compute."""

import pytest

import bayescale as bs
from bayescale.cli._outlook import outlook
from bayescale.terminal.fit import print_fit, print_next_commands
from tests.known_posteriors import known_posterior


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=1, budgets=[1e20])


@pytest.fixture
def saved(runs, folder):
    return known_posterior(runs).save(folder / "post.nc")


@pytest.fixture
def table(runs, folder):
    runs.frame.to_csv(folder / "one.csv")
    return folder / "one.csv"


def test_the_page_of_a_fit_has_the_vertex_and_no_other_budget(runs, capsys):
    posterior = known_posterior(
        runs,
        provenance={"device": "cpu"},
        seconds={"fit": 1.0},
        diagnostics={"rhat_max": 1.0},
    )
    print_fit(posterior, *outlook(posterior))
    print_next_commands(posterior, "post.nc")
    page = capsys.readouterr().out
    assert "says nothing of other" in page and "one_budget" in page
    assert "parabola at 1e+20 FLOPs" in page
    assert "1e+21" not in page and "1e+22" not in page
    assert "bayescale allocate post.nc --compute 1e20" in page
    assert "bayescale forecast" not in page


def test_a_plan_that_would_be_refused_is_not_the_next_command(runs, capsys):
    peaked = runs.frame["loss"].max() + runs.frame["loss"].min() - runs.frame["loss"]
    posterior = known_posterior(bs.Runs(runs.frame.assign(loss=peaked)), shape=(1, 1))
    print_next_commands(posterior, "post.nc")
    assert capsys.readouterr().out == "Saved to post.nc.\n"


def test_allocate_prints_the_vertex_with_its_interval(bayescale, saved):
    result = bayescale("allocate", saved, "--compute", 1e20)
    assert result.exit_code == 0
    assert "says nothing of other compute" in " ".join(result.stdout.split())


@pytest.mark.parametrize("words", [("allocate", "--compute", 1e22), ("plan", "--compute", 1e20)])
def test_other_compute_is_refused_with_the_best_size(refused, saved, words):
    verb, *options = words
    line = refused(verb, saved, *options)
    assert line.startswith(f"error: {verb}: all 9 runs")
    assert "one_budget" in line and "million parameters (90 %" in line


def test_plan_refuses_a_table_of_one_budget_before_it_fits(bayescale, table):
    result = bayescale("plan", table, "--compute", 1e22)
    assert result.exit_code == 1
    assert "error: plan: all 9 runs of one have one budget" in result.stderr
