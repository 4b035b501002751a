"""`bayescale backtest`: what it prints, and what it exits with."""

import json
from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from bayescale.cli._inputs import holdout_from
from tests.known_posteriors import known_posterior

QUICK = ("--law", "chinchilla", "--noise", "normal", "--method", "multistart:starts=50")


@pytest.fixture
def known_fits(monkeypatch):
    """Replace fits by hand-made posteriors, of one draw where a point fit is asked for."""
    where = "bayescale.decisions.checks.forecasters"
    monkeypatch.setattr(f"{where}.Fitted.fitted", lambda _, train: known_posterior(train))
    monkeypatch.setattr(f"{where}.HuberBootstrap.refits", lambda _, train: known_posterior(train))


@pytest.fixture
def printed(bayescale, known_fits):
    return bayescale("backtest", "dey2023_pile", *QUICK)


@pytest.fixture
def as_json(bayescale, known_fits):
    return bayescale("backtest", "dey2023_pile", *QUICK, "--json")


@pytest.fixture
def asked(monkeypatch):
    """Record the arguments of a backtest, and end the program there."""
    arguments = {}

    def record(runs, holdout, **options):
        arguments.update(options, runs=runs, holdout=holdout)
        raise bs.InputError("asked")

    monkeypatch.setattr("bayescale.backtest", record)
    return arguments


def test_json_begins_with_the_scores_of_the_contract(as_json):
    assert list(json.loads(as_json.stdout))[:6] == [
        "coverage50",
        "coverage90",
        "crps",
        "rmsle",
        "n_train",
        "n_test",
    ]
    assert as_json.exit_code == 0


def test_json_counts_runs_and_scores_as_the_library_does(as_json):
    found = json.loads(as_json.stdout)
    table = bs.backtest(
        bs.datasets.load("dey2023_pile"),
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Normal(),
        method=bs.MultiStart(starts=50),
    ).summary()
    assert (found["n_train"], found["n_test"]) == (23, 6)
    assert found["crps"] == pytest.approx(table["crps"].iloc[0])
    assert found["baseline"]["rmsle"] == pytest.approx(table["rmsle"].iloc[1])


def test_json_has_todays_practice_without_a_log_score(as_json):
    assert json.loads(as_json.stdout)["baseline"]["log_score"] is None


def test_json_says_what_was_tested(as_json):
    found = json.loads(as_json.stdout)
    assert (found["law"], found["noise"], found["method"]) == (
        "chinchilla",
        "normal",
        "multistart:starts=50",
    )
    assert (found["holdout"], found["problems"]) == ("largest_compute", [])


def test_the_page_has_both_models_and_every_hidden_run(printed):
    assert printed.exit_code == 0
    assert "chinchilla, normal" in printed.stdout
    assert "today's practice: huber + bootstrap" in printed.stdout
    for run in ("GPT-J-6B", "Cerebras-GPT-13B", "GPT-NeoX-20B"):
        assert run in printed.stdout


def test_the_page_says_whether_chance_explains_what_was_missed(bayescale, known_fits, monkeypatch):
    def too_sure(self, train):
        best = known_posterior(train, shape=(1, 1))
        return replace(best, params=best.params | {"sigma": np.full((1, 1), 0.004)})

    where = "bayescale.decisions.checks.forecasters.Fitted.fitted"
    monkeypatch.setattr(where, too_sure)
    page = bayescale("backtest", "dey2023_pile", *QUICK).stdout
    assert "The 90 % intervals hold 1 of 6 hidden runs" in page
    assert "they are too narrow" in page


@pytest.fixture
def two_groups(folder):
    """Write 46 runs of two groups."""
    budgets = (1e18, 1e22)
    frame = bs.datasets.simulate(seed=1, budgets=budgets, sizes_per_budget=23).frame
    path = folder / "groups.csv"
    frame.assign(group=["first", "second"] * 23).to_csv(path, index=False)
    return path


def test_several_folds_are_listed_with_what_each_hid(bayescale, two_groups, known_fits):
    page = bayescale("backtest", two_groups, *QUICK, "--holdout", "leave_group_out").stdout
    assert "46 runs in 2 folds" in page
    assert "group first" in page
    assert "group second" in page


def test_the_page_of_several_folds_fits_80_columns(
    bayescale, two_groups, known_fits, check_figures_at_80_columns
):
    words = ("backtest", two_groups, *QUICK, "--holdout", "leave_group_out")
    check_figures_at_80_columns(lambda: bayescale(*words).stdout)


def test_the_page_fits_80_columns(bayescale, known_fits, check_figures_at_80_columns):
    check_figures_at_80_columns(lambda: bayescale("backtest", "dey2023_pile", *QUICK).stdout)


def test_a_backtest_whose_diagnostics_fail_is_printed_and_exits_with_3(
    bayescale, known_fits, monkeypatch
):
    def doubtful(self, train):
        return known_posterior(train, problems=("The chains disagree.",))

    monkeypatch.setattr("bayescale.decisions.checks.forecasters.Fitted.fitted", doubtful)
    result = bayescale("backtest", "dey2023_pile", *QUICK)
    assert result.exit_code == 3
    assert "Without the largest-compute 20 %: The chains disagree." in result.stdout


@pytest.mark.parametrize(
    ("text", "holdout"),
    [
        ("0.3", bs.LargestCompute(0.3)),
        ("largest_compute:share=0.1", bs.LargestCompute(0.1)),
        ("compute_below:fraction=0.05", bs.ComputeBelow(0.05)),
        ("leave_group_out", bs.LeaveGroupOut()),
        ("expanding_window:folds=3", bs.ExpandingWindow(folds=3)),
    ],
)
def test_a_hold_out_is_a_share_or_a_name_with_options(text, holdout):
    assert holdout_from(text) == holdout


def test_what_is_asked_for_goes_to_the_library(bayescale, asked, sweep):
    bayescale(
        "backtest",
        sweep(),
        "--law",
        "coupled",
        "--noise",
        "normal",
        "--method",
        "importance",
        "--seed",
        7,
    )
    assert (asked["law"], asked["noise"], asked["method"]) == (
        bs.laws.Coupled(),
        bs.noise.Normal(),
        bs.Importance(seed=7),
    )
    assert asked["holdout"] == bs.LargestCompute(0.2)


def test_law_and_noise_are_the_librarys_own_unless_given(bayescale, asked, sweep):
    bayescale("backtest", sweep())
    assert (asked["law"], asked["noise"]) == (None, None)


def test_columns_are_renamed(bayescale, asked, sweep):
    path = sweep(headings=["N", "n_tokens", "loss"])
    bayescale("backtest", path, "--column", "n_params=N")
    assert len(asked["runs"].column("n_params")) == 12


@pytest.mark.parametrize(
    ("holdout", "complaint"),
    [
        ("0.999", "leaves none of the 12 runs to fit"),
        ("20", "must lie between 0 and 1, such as 0.2"),
        ("cheapest", "There is no 'cheapest' in holdouts; there are compute_below"),
        ("leave_group_out", "no column group to leave out by"),
        ("expanding_window:parts=3", "has no option 'parts'; its options are folds"),
    ],
)
def test_hold_outs_that_cannot_be_are_refused(refused, unfitted, sweep, holdout, complaint):
    assert complaint in refused("backtest", sweep(), "--holdout", holdout)


def test_too_few_runs_for_the_law_are_refused(refused, sweep):
    assert "without the largest-compute 80 %: 2 of the 3 runs" in refused(
        "backtest", sweep(), "--holdout", "0.8", *QUICK
    )


@pytest.fixture
def budgets(folder):
    """Write five budgets of twelve runs."""
    path = folder / "budgets.csv"
    bs.datasets.simulate(seed=1, noise=0.003, sizes_per_budget=12).frame.to_csv(path)
    return path


def test_the_page_of_an_allocation_has_the_approaches_and_every_hidden_budget(
    bayescale, budgets, known_fits
):
    result = bayescale("backtest", budgets, "--of", "allocation", *QUICK)
    assert result.exit_code == 0, result.output
    for text in ("chinchilla, normal", "approach 2", "huber + bootstrap", "1.0e+21", "1.0e+22"):
        assert text in result.stdout
    assert "5, of which 5 show their optimum" in result.stdout


def test_the_page_of_an_allocation_fits_80_columns(
    bayescale, budgets, known_fits, check_figures_at_80_columns
):
    words = ("backtest", budgets, "--of", "allocation", *QUICK)
    check_figures_at_80_columns(lambda: bayescale(*words).stdout)


def test_json_of_an_allocation_takes_nominal_budgets(bayescale, budgets, known_fits):
    words = [f"--budget={1e18 * 10**power:g}" for power in range(5)]
    result = bayescale("backtest", budgets, "--of", "allocation", *QUICK, *words, "--json")
    found = json.loads(result.stdout)
    assert (found["n_budgets"], len(found["optima"])) == (3, 5)


def test_an_allocation_takes_no_holdout_and_a_loss_no_budgets(refused):
    assert "hides budgets" in refused("backtest", "x.csv", "--of", "allocation", "--holdout", "0.2")
    assert "--of allocation" in refused("backtest", "x.csv", "--budget", "1e18")
