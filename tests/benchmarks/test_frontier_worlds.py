"""The simulated worlds of the frontier."""

import frontier_worlds
import numpy as np
import pytest

from bayescale.decisions.checks.holdouts.base import compute

WORLD = pytest.mark.parametrize("world", frontier_worlds.WORLDS)


@WORLD
def test_hidden_runs_have_ten_times_the_compute(world):
    (case,) = frontier_worlds.sweeps(1, world)
    ratio = compute(case.fold.test) / compute(case.fold.train).max()
    assert ratio == pytest.approx(10.0, rel=0.1)


@WORLD
def test_a_sweep_of_a_world_is_always_the_same_and_another_sweep_differs(world):
    first, second = frontier_worlds.sweeps(2, world)
    (again,) = frontier_worlds.sweeps(1, world)
    losses = [case.fold.train.column("loss") for case in (first, again, second)]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.allclose(losses[0], losses[2])
