"""The optimum of each budget by its own runs, on sweeps whose optimum is known."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks.allocations.truth import (
    AT_EDGE,
    COUNTS,
    FEW_SIZES,
    NO_BUDGET,
    UNCERTAIN,
    UNSTABLE,
    members,
    optima,
)
from bayescale.errors import InputError

HOFFMANN = bs.laws.Chinchilla.published[0].params
BUDGETS = np.array([1e18, 3e18, 1e19, 3e19])


class Sweep(NamedTuple):
    """Runs of several budgets, as `optima` takes them."""

    log_n: np.ndarray
    log_c: np.ndarray
    log_loss: np.ndarray
    member: np.ndarray


def sweep(log_n: np.ndarray, noise: float = 0.0, seed: int = 0) -> Sweep:
    """Return Hoffmann's law at sizes (budgets, sizes), with Normal scatter of log loss."""
    n = 10**log_n
    d = BUDGETS[:, None] / (6 * n)
    powers = HOFFMANN["A"] / n ** HOFFMANN["alpha"] + HOFFMANN["B"] / d ** HOFFMANN["beta"]
    scatter = noise * np.random.default_rng(seed).standard_normal(n.shape)
    log_c = np.broadcast_to(np.log10(BUDGETS)[:, None], n.shape)
    member = np.broadcast_to(np.arange(len(BUDGETS))[:, None], n.shape)
    log_loss = np.log(HOFFMANN["E"] + powers) + scatter
    return Sweep(log_n.ravel(), log_c.ravel(), log_loss.ravel(), member.ravel())


def best() -> np.ndarray:
    """Return log10 of the law's own optimum at each budget."""
    found = bs.laws.Chinchilla().optimal_n_params(HOFFMANN, BUDGETS)
    return np.log10(np.asarray(found, dtype=float))


def about(middle: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return sizes at the same offsets from the middle of each budget."""
    return middle[:, None] + offsets


def one_valley(offsets: np.ndarray, log_loss: np.ndarray) -> pd.Series:
    """Return what a single budget with these runs says."""
    none = np.zeros(len(offsets))
    return optima(9 + offsets, 20 + none, log_loss, none.astype(int)).iloc[0]


@pytest.mark.parametrize("sizes", [4, 5, 9])
def test_without_noise_the_optimum_is_that_of_the_law(sizes):
    offsets = np.linspace(-0.4, 0.4, sizes)
    found = optima(*sweep(about(best(), offsets)))
    assert (found["status"] == COUNTS).all()
    np.testing.assert_allclose(found["log_n_params"], best(), atol=0.02)


def test_sizes_that_lie_to_one_side_of_the_optimum_do_not_shift_it():
    offsets = np.linspace(-0.3, 0.6, 9)
    found = optima(*sweep(about(best(), offsets)))
    np.testing.assert_allclose(found["log_n_params"], best(), atol=0.01)


@pytest.mark.parametrize(
    ("sizes", "least", "most"), [(9, 0.9, 1.0), (6, 0.9, 1.0), (5, 0.78, 0.95)]
)
def test_ninety_per_cent_intervals_hold_the_optimum_of_simulated_budgets(sizes, least, most):
    offsets = np.linspace(-0.55, 0.55, sizes)
    z = []
    for seed in range(40):
        found = optima(*sweep(about(best(), offsets), noise=0.003, seed=seed), seed=seed)
        z.append((found["log_n_params"] - best()) / found["se"])
    assert least <= (np.abs(z) < 1.645).mean() <= most


def test_the_standard_error_grows_with_the_scatter():
    sizes = about(best(), np.linspace(-0.6, 0.6, 9))
    clean, noisy = (optima(*sweep(sizes, noise))["se"].mean() for noise in (0.001, 0.004))
    assert 2 < noisy / clean < 6


def test_the_difference_of_parabola_and_cubic_is_part_of_the_error():
    offsets = np.linspace(-0.6, 0.6, 9)
    skewed = one_valley(offsets, 0.2 * offsets**2 + 0.1 * offsets**3 + 0.02 * offsets)
    assert skewed["se"] > 0.01


def test_runs_far_from_the_minimum_do_not_matter():
    near = np.linspace(-0.5, 0.5, 7)
    valley = 0.2 * near**2
    far, high = np.array([-1.5, 1.2]), np.array([3.0, 9.0])
    found = one_valley(np.append(near, far), np.append(valley, high))
    assert found["n_runs"] == 7
    assert found["log_n_params"] == pytest.approx(9.0, abs=1e-6)


def test_the_window_lies_about_the_valley_and_not_about_one_lucky_run():
    offsets = np.linspace(-0.8, 0.8, 17)
    log_loss = 0.2 * offsets**2
    log_loss[13] = -0.01
    found = one_valley(offsets, log_loss)
    assert found["n_runs"] in (13, 14)
    assert found["log_n_params"] == pytest.approx(9.0, abs=0.1)


def test_runs_of_one_budget_are_brought_to_one_compute():
    offsets = np.linspace(-0.5, 0.5, 9)
    exact = sweep(about(best(), offsets))
    # Larger models were trained for too long by up to 5 %, which lowers their loss.
    longer = 0.02 * (offsets > 0)
    along = np.gradient(exact.log_loss.reshape(4, 9).min(axis=1), np.log10(BUDGETS))
    gain = along[:, None] * longer
    log_c = exact.log_c.reshape(4, 9) + longer
    moved = exact._replace(
        log_c=log_c.ravel(), log_loss=(exact.log_loss.reshape(4, 9) + gain).ravel()
    )
    np.testing.assert_allclose(optima(*moved)["log_n_params"], best(), atol=0.01)


def test_a_budget_of_three_sizes_does_not_count():
    offsets = np.array([-0.3, 0.0, 0.3])
    found = one_valley(offsets, offsets**2)
    assert found["status"] == FEW_SIZES
    assert np.isnan(found["log_n_params"])


def test_repeats_of_three_sizes_are_no_more_sizes():
    offsets = np.repeat([-0.3, 0.0, 0.3], 3)
    assert one_valley(offsets, offsets**2)["status"] == FEW_SIZES


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_budget_whose_sizes_lie_on_one_side_of_the_minimum_does_not_count(sign):
    offsets = np.linspace(0.1, 0.7, 7)
    assert one_valley(sign * offsets, 0.2 * offsets**2)["status"] == AT_EDGE


def test_a_budget_without_a_valley_does_not_count():
    offsets = np.linspace(-0.5, 0.5, 7)
    assert one_valley(offsets, -0.2 * offsets**2)["status"] == AT_EDGE


def test_a_valley_that_scatter_could_have_made_does_not_count():
    offsets = np.linspace(-0.5, 0.5, 9)
    zigzag = 0.02 * (-1.0) ** np.arange(9)
    assert one_valley(offsets, 0.01 * offsets**2 + zigzag)["status"] == UNSTABLE


def test_an_optimum_that_is_known_too_roughly_does_not_count():
    # Widely spaced sizes: minima stay inside, and move by a quarter of a decade.
    offsets = np.linspace(-3, 3, 5)
    zigzag = 0.11 * np.array([1.0, -4.0, 6.0, -4.0, 1.0])
    assert one_valley(offsets, 0.2 * offsets**2 + zigzag)["status"] == UNCERTAIN


def runs_at(compute: list[float]) -> bs.Runs:
    table = pd.DataFrame({"n_params": 1e8, "n_tokens": np.array(compute) / 6e8, "loss": 3.0})
    return bs.Runs(table, "few")


def test_without_nominal_budgets_runs_show_them():
    assert members(runs_at([1e18, 1.02e18, 1e19, 1.01e19])).tolist() == [0, 0, 1, 1]


def test_a_run_far_from_each_nominal_budget_is_of_none():
    found = members(runs_at([1e18, 1.1e18, 3e18, 1e19]), np.array([1e18, 1e19]))
    assert found.tolist() == [0, 0, NO_BUDGET, 1]


def test_a_run_of_no_budget_changes_no_optimum():
    runs = sweep(about(best(), np.linspace(-0.5, 0.5, 9)), noise=0.002)
    stray = Sweep(*(np.append(column, column[0]) for column in runs))
    stray = stray._replace(member=np.append(runs.member, NO_BUDGET))
    pd.testing.assert_frame_equal(optima(*runs), optima(*stray))


def test_runs_in_no_budgets_are_refused_with_what_to_give():
    with pytest.raises(InputError, match=r"few: .* Give the nominal budgets=\[\.\.\.\] in FLOPs"):
        members(runs_at([1e18, 1e19, 1e20]))


def test_nominal_budgets_far_from_all_runs_are_refused():
    with pytest.raises(InputError, match="none of the 2 runs lies within 15 % of a budget"):
        members(runs_at([1e18, 1e19]), np.array([1e21]))


@pytest.mark.parametrize("wrong", [[], [0.0], [1e18, -1e19], [np.inf]])
def test_nominal_budgets_must_be_positive(wrong):
    with pytest.raises(InputError, match="must be one or more positive numbers of FLOPs"):
        members(runs_at([1e18, 1e19]), np.array(wrong))
