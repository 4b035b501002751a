"""The allocation's benchmark: sections through a grid, and how scores are averaged."""

import allocation_sets
import allocation_tables
import numpy as np
import pandas as pd
import pytest
from record import JsonObject

import bayescale as bs


def test_a_section_is_the_loss_of_each_size_at_the_tokens_that_a_budget_pays_for():
    sizes, tokens = np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 9))
    grid = pd.DataFrame({"n_params": sizes.ravel(), "n_tokens": tokens.ravel()})
    log_loss = 3 - 0.05 * np.log(grid["n_params"]) - 0.06 * np.log(grid["n_tokens"])
    found = allocation_sets.sections(grid.assign(loss=np.exp(log_loss)))
    quarters = 4 * np.log10(6 * found["n_params"] * found["n_tokens"])
    np.testing.assert_allclose(quarters, quarters.round(), atol=1e-9)
    law = 3 - 0.05 * np.log(found["n_params"]) - 0.06 * np.log(found["n_tokens"])
    np.testing.assert_allclose(np.log(found["loss"]), law)
    assert found["n_tokens"].between(1e9, 1e11).all()


def test_a_size_with_two_counts_of_tokens_has_no_curve():
    table = {"n_params": [1e8] * 3 + [2e8] * 2, "n_tokens": [1e9, 4e9, 9e9, 1e9, 9e9]}
    found = allocation_sets.sections(pd.DataFrame(table).assign(loss=3.0))
    assert found["n_params"].unique().tolist() == [1e8]


def test_a_large_sweep_is_fitted_to_the_same_two_hundred_runs():
    runs = bs.datasets.simulate(seed=1, noise=0.003, sizes_per_budget=70)
    sweep = allocation_sets.SweepOfBudgets("f", "s", runs, bs.AfterBudgets(leaving=None))
    (one,), (again,) = (list(allocation_sets.cuts_of(sweep)) for _ in range(2))
    train = one.test.fold.train
    assert len(train) == 200
    assert train.frame.index.equals(again.test.fold.train.frame.index)
    assert train.six_nd.max() < one.test.compute.min()


def cell(model: str, family: str, cut: int, *budgets: tuple[float, bool], **other) -> JsonObject:
    """Return a cell whose budgets have these CRPS and are held or not."""
    rows = []
    for crps, held in budgets:
        row = {"times": 10.0, "width": 0.2, "error": -crps, "regret": 0.001, "n_train": 30}
        rows.append(row | {"crps": crps, "covered50": held, "covered90": held})
    facts = {"model": model, "family": family, "set": family, "cut": cut, "budgets": rows}
    losses = {"crps": 0.01, "covered50": 0.5, "covered90": 1.0}
    return facts | {"losses": losses, "problems": [], "lacking": "", "seconds": 1.0} | other


CELLS = [
    cell("huber", "a", 1, (0.1, False), losses={"crps": 0.02, "covered50": 0, "covered90": 0}),
    cell("huber", "b", 1, (0.1, False)),
    cell("default", "a", 1, (0.02, True), (0.04, True), (0.06, False)),
    cell("default", "a", 2, (0.08, False), problems=["doubtful"]),
    cell("default", "b", 1, (0.24, True)),
]


@pytest.fixture
def table() -> pd.DataFrame:
    return allocation_tables.models(allocation_tables.budgets(CELLS), CELLS).set_index("model")


def test_cuts_have_one_vote_in_a_sweep_and_families_one_in_the_table(table):
    # Family a: 2/3 of the first cut and none of the second. Family b: all.
    assert table.loc["default", "covered90"] == pytest.approx((1 / 3 + 1) / 2)
    assert table.loc["default", "coverage90_9_to_28"] == pytest.approx((1 / 3 + 1) / 2)


def test_crps_is_the_geometric_mean_over_families(table):
    assert table.loc["default", "crps"] == pytest.approx(np.sqrt(0.06 * 0.24))


def test_losses_are_compared_with_todays_practice_at_each_cut(table):
    # Family a has a cut with a practice and one without.
    assert table.loc["default", "loss_crps_ratio"] == pytest.approx(np.sqrt(0.5 * 1.0))
    assert table.loc["huber", "loss_crps_ratio"] == 1


def test_doubtful_cells_and_budgets_are_counted(table):
    assert table.loc["default", ["budgets", "doubtful", "families"]].tolist() == [5, 1, 2]


def test_the_tables_to_print_have_a_row_for_each_model(table):
    assert allocation_tables.shown_models(table.reset_index()).row_count == 2
    families = allocation_tables.families(allocation_tables.budgets(CELLS))
    assert allocation_tables.shown_families(families).row_count == 2
