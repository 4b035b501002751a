"""Replay of designs: every strategy keeps its limit and buys what its name says, without a fit."""

import allocation_sets
import design_replay
import numpy as np
import pandas as pd
import pytest
from design_replay import ISOFLOP, against_isoflop, at_random, isoflop, ladder, over_families

import bayescale as bs

UNFITTED = pytest.mark.parametrize("strategy", [isoflop, ladder, at_random(0)])


@pytest.fixture(scope="module")
def pool():
    (pool,) = design_replay.quick_pools()
    return pool


def test_the_start_has_three_sizes_of_each_of_the_two_cheapest_budgets(pool):
    assert pool.budget[pool.start].tolist() == [0, 0, 0, 1, 1, 1]
    assert len(np.unique(pool.runs.column("n_params")[pool.start])) > 3


def test_hidden_runs_that_are_forecast_lie_at_the_frontier_and_cost_more_than_the_pool(pool):
    assert 0 < len(pool.frontier) < len(pool.test.fold.test)
    assert pool.frontier.six_nd.min() > pool.runs.six_nd.max()


@UNFITTED
@pytest.mark.parametrize("share", [0.15, 0.4])
def test_what_is_bought_is_new_and_within_the_limit(pool, strategy, share):
    limit = pool.limit(share)
    bought = strategy(pool, limit)
    assert len(bought) and len(np.unique(bought)) == len(bought)
    assert not set(bought) & set(pool.start)
    assert pool.runs.six_nd[bought].sum() <= limit


def test_an_isoflop_grid_has_as_many_sizes_of_each_budget_or_the_start_has_them(pool):
    bought = isoflop(pool, pool.limit(0.7))
    sizes_of_budgets = np.bincount(pool.budget[np.union1d(bought, pool.start)])
    assert pool.budget[bought].max() == pool.budget.max()
    assert sizes_of_budgets.min() >= design_replay.FEWEST_SIZES


def test_an_isoflop_grid_ends_at_the_dearest_budget_of_which_four_sizes_can_be_paid(pool):
    assert pool.budget[isoflop(pool, pool.limit(0.4))].max() == pool.budget.max() - 1


def test_a_ladder_begins_with_the_run_of_each_budget_nearest_to_twenty_tokens_per_parameter(pool):
    off = np.abs(np.log(pool.runs.column("n_tokens") / pool.runs.column("n_params") / 20))
    for_sale = pool.for_sale(pool.start)
    for which, first in zip((2, 1, 0), ladder(pool, np.inf), strict=False):
        of_budget = for_sale[pool.budget[for_sale] == which]
        assert first == of_budget[off[of_budget].argmin()]


def test_a_random_choice_depends_on_its_seed(pool):
    limit = pool.limit(0.4)
    assert set(at_random(0)(pool, limit)) == set(at_random(0)(pool, limit))
    assert set(at_random(0)(pool, limit)) != set(at_random(1)(pool, limit))


def test_a_grid_of_sizes_and_tokens_is_cut_in_slices_of_compute():
    size, tokens = (values.ravel() for values in np.meshgrid(*[np.geomspace(1e8, 1e10, 12)] * 2))
    table = {"n_params": size, "n_tokens": 20 * tokens, "loss": 2 + size**-0.1 + tokens**-0.1}
    runs = bs.Runs.from_frame(pd.DataFrame(table), name="grid")
    curves = bs.Runs.from_frame(allocation_sets.sections(runs.frame), name="sections")
    sweep = allocation_sets.SweepOfBudgets("grid", "grid", runs, bs.AfterBudgets(), curves=curves)
    case = next(allocation_sets.cuts_of(sweep))
    pool = design_replay.pool_of(case)
    compute = np.log10(pool.runs.six_nd)
    for which in np.unique(pool.budget):
        assert np.ptp(compute[pool.budget == which]) <= 0.25


def scores(family, strategy, value, share=0.4):
    facts = {"family": family, "set": family, "share": share, "strategy": strategy}
    bought = dict.fromkeys(design_replay.BOUGHT, 0.5)
    return facts | bought | dict.fromkeys(design_replay.SCORES, value)


def test_ratios_are_to_the_grid_of_the_same_sweep_and_limit():
    cells = [scores("a", ISOFLOP, 2.0), scores("a", "design", 1.0)]
    cells += [scores("a", ISOFLOP, 1.0, 0.15), scores("a", "design", 2.0, 0.15)]
    ratios = against_isoflop(cells).set_index("strategy")
    assert ratios.loc["design", "loss_crps"] == pytest.approx(1.0)
    assert ratios.loc[ISOFLOP, "loss_crps"] == 1.0


def test_seeds_of_a_strategy_are_averaged_before_the_ratio():
    cells = [scores("a", ISOFLOP, 2.0), scores("a", "random 0", 1.0), scores("a", "random 1", 5.0)]
    ratios = against_isoflop(cells).set_index("strategy")
    assert ratios.loc["random", "size_crps"] == pytest.approx(1.5)


def test_each_family_has_one_vote():
    cells = []
    for family, value in {"a": 0.5, "b": 2.0}.items():
        cells += [scores(family, ISOFLOP, 1.0), scores(family, "design", value)]
    table = over_families(against_isoflop(cells)).set_index("strategy")
    assert table.loc["design", "loss_crps"] == pytest.approx(1.0)
    assert table.loc["design", "loss_crps_worst"] == pytest.approx(2.0)
