"""Where a sweep of budgets is cut."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks.allocations.truth import AT_EDGE, COUNTS
from bayescale.errors import InputError


def budgets(compute: list[float], without: tuple[int, ...] = ()) -> pd.DataFrame:
    """Return budgets of which those of some rows do not count."""
    status = [AT_EDGE if row in without else COUNTS for row in range(len(compute))]
    return pd.DataFrame({"compute": compute, "status": status})


def split(cuts: bs.AfterBudgets, table: pd.DataFrame) -> list[tuple[int, list[int]]]:
    return [(cut.last, cut.hidden.tolist()) for cut in cuts.split(table)]


DECADES = [1e18, 1e19, 1e20, 1e21, 1e22]


def test_the_first_cut_is_after_three_budgets_and_the_second_leaves_ten_times():
    assert split(bs.AfterBudgets(), budgets(DECADES)) == [(2, [3, 4]), (3, [4])]


def test_without_a_ratio_there_is_the_first_cut_alone():
    assert split(bs.AfterBudgets(leaving=None), budgets(DECADES)) == [(2, [3, 4])]


def test_a_second_cut_that_is_no_later_than_the_first_is_left_out():
    assert split(bs.AfterBudgets(leaving=100), budgets(DECADES)) == [(2, [3, 4])]


def test_a_budget_that_does_not_count_is_neither_counted_nor_judged():
    table = budgets(DECADES, without=(1, 3))
    assert split(bs.AfterBudgets(fitted=2, leaving=None), table) == [(2, [4])]


def test_a_budget_a_little_above_the_cut_is_not_judged():
    table = budgets([1e18, 2e18, 4e18, 8e18, 1.6e19])
    assert split(bs.AfterBudgets(leaving=None), table) == [(2, [4])]


def test_budgets_are_compared_to_the_rounding_of_sizes_and_steps():
    table = budgets([1e18, 3e18, 1e19, 2.75e19, 9.8e19])
    assert split(bs.AfterBudgets(), table) == [(2, [3, 4])]


def test_three_budgets_are_too_few_and_the_message_says_how_many_count():
    with pytest.raises(InputError, match=r"needs 3 budgets .* 2 counts, 1 minimum at an edge"):
        bs.AfterBudgets().split(budgets(DECADES[:3], without=(0,)))


def test_budgets_too_near_each_other_are_refused():
    close = list(1e18 * 1.3 ** np.arange(5))
    with pytest.raises(InputError, match="times the compute of the last"):
        bs.AfterBudgets().split(budgets(close))


@pytest.mark.parametrize("wrong", [{"fitted": 0}, {"beyond": 1.0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="after_budgets: fitted="):
        bs.AfterBudgets(**wrong).split(budgets(DECADES))
