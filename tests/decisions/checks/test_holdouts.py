"""Hold-outs: which runs are fitted, and which are hidden."""

import itertools

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale._internal.discovery import entry, names, parse
from bayescale.decisions.checks.holdouts.base import compute

PACKAGE = "bayescale.decisions.checks.holdouts"


@pytest.fixture(scope="module")
def sweep() -> bs.Runs:
    return bs.datasets.simulate(seed=1)


@pytest.fixture(params=names(PACKAGE))
def any_holdout(request):
    return entry(PACKAGE, request.param)()


def test_no_run_is_both_fitted_and_hidden(any_holdout, sweep):
    for fold in any_holdout.split(sweep):
        assert not set(fold.train.frame.index) & set(fold.test.frame.index)
        assert len(fold.train) and len(fold.test)


def test_folds_tell_themselves_apart_by_name(any_holdout, sweep):
    folds = [fold.name for fold in any_holdout.split(sweep)]
    assert len(set(folds)) == len(folds)


def test_rows_stay_in_canonical_order(any_holdout, sweep):
    for fold in any_holdout.split(sweep):
        again = bs.Runs.from_frame(fold.train.frame.sample(frac=1, random_state=0))
        assert again.frame.index.tolist() == fold.train.frame.index.tolist()


def test_every_hold_out_is_public_and_found_by_the_text_that_describes_it(any_holdout):
    assert getattr(bs, type(any_holdout).__name__) is type(any_holdout)
    assert parse(PACKAGE, type(any_holdout).__module__.rpartition(".")[2]) == any_holdout


def test_the_share_of_largest_compute_is_hidden_rounded_up(sweep):
    (fold,) = bs.LargestCompute(0.21).split(sweep)
    assert len(fold.test) == 10
    assert compute(fold.test).min() >= compute(fold.train).max()


def test_runs_of_one_budget_are_not_parted_by_the_last_bit(sweep):
    (fold,) = bs.ComputeBelow(0.1).split(sweep)
    assert set(fold.train.frame["group"]) == {"C1e+18", "C1e+19", "C1e+20"}
    assert set(fold.test.frame["group"]) == {"C1e+21", "C1e+22"}


def test_each_group_is_hidden_once(sweep):
    folds = bs.LeaveGroupOut().split(sweep)
    assert [set(fold.test.frame["group"]) for fold in folds] == [
        {group} for group in sorted(set(sweep.frame["group"]))
    ]
    assert all(len(fold.train) == 36 for fold in folds)


def test_the_window_expands_by_the_part_that_was_forecast(sweep):
    folds = bs.ExpandingWindow(folds=4).split(sweep)
    for before, after in itertools.pairwise(folds):
        assert set(after.train.frame.index) == set(before.train.frame.index) | set(
            before.test.frame.index
        )
    assert all(compute(fold.test).min() >= compute(fold.train).max() * (1 - 1e-9) for fold in folds)


def test_compute_is_what_the_runs_report_where_they_lack_tokens():
    table = pd.DataFrame(
        {"flops": [1e18, 1e19, 1e20, 1e21, 1e22], "loss": [4.0, 3.5, 3.1, 2.8, 2.6]}
    )
    runs = bs.Runs.from_frame(table, required=("flops", "loss"))
    (fold,) = bs.LargestCompute(0.4).split(runs)
    np.testing.assert_array_equal(np.sort(fold.test.column("flops")), [1e21, 1e22])


@pytest.mark.parametrize(
    ("holdout", "complaint"),
    [
        (bs.LargestCompute(0.0), "largest_compute: share=0 must lie between 0 and 1"),
        (bs.LargestCompute(20), "share=20 must lie between 0 and 1, such as 0.2"),
        (bs.LargestCompute(0.99), "leaves none of the 45 runs to fit"),
        (bs.ComputeBelow(1e-9), "leaves none of the 45 runs to fit"),
        (bs.ComputeBelow(1.0), "compute_below: fraction=1 must lie between 0 and 1"),
        (
            bs.ExpandingWindow(folds=0),
            "expanding_window: folds=0 must be at least 1 and less than the 45 runs",
        ),
        (bs.ExpandingWindow(folds=45), "folds=45 must be"),
    ],
)
def test_options_that_leave_nothing_to_do_are_refused(sweep, holdout, complaint):
    with pytest.raises(bs.InputError, match=complaint):
        holdout.split(sweep)


def test_runs_without_groups_are_told_how_to_name_them(sweep):
    runs = bs.Runs.from_frame(sweep.frame.drop(columns="group"))
    with pytest.raises(
        bs.InputError, match=r"no column group to leave out by; .* --column group=family"
    ):
        bs.LeaveGroupOut().split(runs)


def test_one_group_cannot_be_left_out(sweep):
    runs = bs.Runs.from_frame(sweep.frame.assign(group="one"))
    with pytest.raises(
        bs.InputError, match=r"are of one group, one; hide the runs of largest compute instead"
    ):
        bs.LeaveGroupOut().split(runs)
