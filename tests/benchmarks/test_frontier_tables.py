"""The tables of the frontier, from cells made by hand."""

import frontier_tables
import numpy as np
import pytest
from frontier_panel import BEYOND, DEAREST
from frontier_tables import BASELINE
from record import JsonObject


def cell(
    model: str, family: str, crps: list[float], split: str = DEAREST, **facts: object
) -> JsonObject:
    """Return a cell whose hidden runs have these scores; half of each interval's runs inside."""
    count = len(crps)
    runs = {
        "decades": [0.3] * count,
        "covered50": [float(place % 2) for place in range(count)],
        "covered90": [1.0] * count,
        "crps": crps,
        "error": [0.01] * count,
        "width": [0.1] * count,
    }
    own = {"set": family, "n_train": 20, "problems": [], "low_by_chance": 0.1, "runs": runs}
    return {"model": model, "family": family, "split": split, **own, **facts}


def refused(model: str, family: str, **facts: object) -> JsonObject:
    return cell(model, family, [], low_by_chance=None, runs={}, **facts)


def row_of(table, **facts: object):
    """Return the only row with these values."""
    chosen = table
    for name, value in facts.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_family_has_one_vote_however_many_sets_it_has():
    cells = []
    for name, family, ratio in (("a1", "a", 0.25), ("a2", "a", 0.25), ("b", "b", 1.0)):
        cells.append(cell(BASELINE, family, [0.02, 0.02], set=name))
        cells.append(cell("ours", family, [0.02 * ratio, 0.02 * ratio], set=name))
    row = row_of(frontier_tables.frontier(frontier_tables.sets(cells)), model="ours")
    assert row["crps_ratio"] == pytest.approx(0.5)
    assert (row["worst_family"], row["worst_ratio"]) == ("b", pytest.approx(1.0))
    assert (row["families"], row["sets"]) == (2, 3)
    assert (row["bias"], row["width"]) == (pytest.approx(0.01), pytest.approx(0.1))


def test_a_refused_fit_is_counted_and_has_no_score():
    cells = [cell(BASELINE, "a", [0.02]), cell(BASELINE, "b", [0.02])]
    cells += [cell("ours", "a", [0.01]), refused("ours", "b")]
    row = row_of(frontier_tables.frontier(frontier_tables.sets(cells)), model="ours")
    assert row["crps_ratio"] == pytest.approx(0.5)
    assert (row["families"], row["refused"]) == (1, 1)


def test_where_todays_practice_refuses_coverage_remains_without_a_ratio():
    cells = [refused(BASELINE, "a"), cell("ours", "a", [0.01, 0.01])]
    row = row_of(frontier_tables.frontier(frontier_tables.sets(cells)), model="ours")
    assert (row["coverage50"], row["coverage90"]) == (0.5, 1.0)
    assert np.isnan(row["crps_ratio"])


def test_ladders_are_told_apart_by_their_number_of_runs():
    cells = []
    for count, ratio in ((3, 2.0), (12, 0.5)):
        split = "short_ladders" if count == 3 else "ladders"
        cells.append(cell(BASELINE, "a", [0.02], split, n_train=count))
        cells.append(cell("ours", "a", [0.02 * ratio], split, n_train=count))
    table = frontier_tables.by_number(frontier_tables.sets(cells))
    assert table["n_train"].tolist() == [3, 3, 12, 12]
    ratios = table[table["model"] == "ours"]["crps_ratio"]
    assert ratios.tolist() == pytest.approx([2.0, 0.5])


def test_distances_are_times_the_dearest_fitted_compute():
    decades = np.log10([3.9, 4.1, 29.0, 31.0]).tolist()
    cells = []
    for model, crps in ((BASELINE, [0.02] * 4), ("ours", [0.02, 0.01, 0.005, 0.04])):
        made = cell(model, "a", crps)
        made["runs"]["decades"] = decades
        cells.append(made)
    table = frontier_tables.by_distance(cells)
    ours = table[table["model"] == "ours"].set_index("distance")["crps_ratio"]
    assert ours.to_dict() == pytest.approx(
        {"< 4": 1.0, "4 – 10": 0.5, "10 – 30": 0.25, "> 30": 2.0}
    )


def test_both_splits_of_the_panel_are_one_kind_of_distance_and_ladders_another():
    cells = []
    for split in (DEAREST, BEYOND, "ladders"):
        cells += [cell(BASELINE, "a", [0.02], split), cell("ours", "a", [0.01], split)]
    table = frontier_tables.by_distance(cells)
    ours = table[table["model"] == "ours"].set_index("kind")
    assert ours["runs"].to_dict() == {"both splits": 2, "ladders": 1}


def test_a_family_is_forecast_by_the_model_that_is_best_on_the_others():
    ratios = {"a": {"first": 0.1, "second": 0.9}, "b": {"first": 0.8, "second": 0.5}}
    cells = []
    for family, of_model in ratios.items():
        cells.append(cell(BASELINE, family, [0.02]))
        cells += [cell(model, family, [0.02 * ratio]) for model, ratio in of_model.items()]
    table = frontier_tables.left_out(frontier_tables.sets(cells), [BASELINE, "first", "second"])
    chosen = dict(zip(table["family"], table["model"], strict=True))
    assert chosen == {"a": "second", "b": "first"}


def test_two_models_are_compared_over_the_sets_that_both_were_fitted_to():
    cells = [cell("ours", "a", [0.01]), cell("other", "a", [0.02])]
    cells += [cell("ours", "b", [0.01]), refused("other", "b")]
    table = frontier_tables.against(frontier_tables.sets(cells), "ours", "other")
    assert table["family"].tolist() == ["a"]
    assert table["crps_ratio"].tolist() == pytest.approx([0.5])


def test_a_model_that_was_not_fitted_is_compared_with_nothing():
    table = frontier_tables.sets([cell("ours", "a", [0.01])])
    assert frontier_tables.against(table, "ours", "other").empty


def test_seeds_that_agree_have_no_noise_and_a_difference_is_shared_between_them():
    cells = []
    for family, other in (("a", 0.01), ("b", 0.01 * np.exp(0.2))):
        cells.append(cell(BASELINE, family, [0.02]))
        cells.append(cell("ours", family, [0.01]))
        cells.append(cell("ours, seed 1", family, [other]))
    table = frontier_tables.sets(cells)
    noise = row_of(frontier_tables.between_seeds(table, "ours", "ours, seed 1"))
    # Differences of 0 and 0.2 are of two seeds, each with its own noise.
    assert noise["sd_of_family"] == pytest.approx(np.sqrt(0.04 / 2 / 2))
    assert noise["sd_of_split"] == pytest.approx(noise["sd_of_family"] / np.sqrt(2))
    assert noise["other_crps_ratio"] == pytest.approx(0.5 * np.exp(0.1))


def test_each_sweep_of_a_world_has_one_vote():
    cells = []
    for sweep, ratio in (("w 0", 0.25), ("w 1", 1.0)):
        cells.append(cell(BASELINE, "w", [0.02], set=sweep))
        cells.append(cell("ours", "w", [0.02 * ratio], set=sweep))
    row = row_of(frontier_tables.worlds(frontier_tables.sets(cells)), model="ours")
    assert (row["world"], row["sweeps"]) == ("w", 2)
    assert row["crps_ratio"] == pytest.approx(0.5)


def test_the_error_above_a_cut_is_of_the_root_mean_square():
    made = cell("ours", "a", [0.02, 0.02], "cut", set="below 1e+20 FLOPs")
    made["runs"]["error"] = [0.003, -0.004]
    row = row_of(frontier_tables.cuts([made]))
    assert row["rmsle"] == pytest.approx(np.sqrt((0.003**2 + 0.004**2) / 2))
