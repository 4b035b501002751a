"""The plan keeps to what it says of itself."""

import plan
import pytest

# Of the standard library of CPython 3.11; later versions have more.
BYTES = 30_000_000
EVERY = [task for make in plan.PLANS.values() for task in make()]


def test_every_run_has_a_name_of_its_own():
    assert len({task.name for task in EVERY}) == len(EVERY)


@pytest.mark.parametrize("role", plan.PLANS)
def test_every_run_of_a_plan_bears_its_role(role):
    assert {task.role for task in plan.PLANS[role]()} == {role}


def test_no_run_is_longer_than_the_text():
    assert max(task.n_bytes for task in EVERY) < BYTES


def test_base_has_sixty_runs_with_seven_sizes_and_two_seeds_at_every_budget_over_1_5_decades():
    base = plan.base()
    assert len(base) >= 60
    for budget in plan.BASE:
        cells = {(task.shape.width, task.seed) for task in base if task.budget == budget}
        assert len(cells) == 2 * len({width for width, _ in cells}) >= 14
    assert max(plan.BASE) / min(plan.BASE) > 10**1.5


@pytest.mark.parametrize("role", ["base", "frontier"])
def test_a_run_spends_its_budget(role):
    for task in plan.PLANS[role]():
        assert 6 * task.shape.n_params * task.n_bytes == pytest.approx(task.budget, rel=2e-3)


def test_frontier_runs_are_ten_and_thirty_times_the_dearest():
    dearest = max(plan.BASE)
    assert [budget / dearest for budget in plan.FRONTIER] == pytest.approx([10, 30])
    assert len(plan.frontier()) >= 6


def test_no_size_is_so_small_that_units_would_be_doubted():
    assert min(task.shape.n_params for task in EVERY) > 1e4


def test_a_learning_rate_is_the_same_for_every_width_and_falls_with_length():
    assert plan.learning_rate(6e5) == pytest.approx(0.066)
    assert plan.learning_rate(6e6) < plan.learning_rate(6e5)
    assert all(task.learning_rate == plan.learning_rate(task.n_bytes) for task in plan.base())


def test_runs_are_rebuilt_as_they_were():
    base = {task.name for task in plan.base()}
    assert all(task.name.replace("rebuild", "base") in base for task in plan.rebuild())
    assert len(plan.rebuild()) == plan.REBUILT
