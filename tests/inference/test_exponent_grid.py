"""`ExponentGrid`: axes, nodes, and how a grid closes in on what matters."""

import numpy as np
import pytest

from bayescale.inference._chains import Redraw
from bayescale.inference._exponent_grid import ExponentGrid

WHOLE = ExponentGrid.over([(0.0, 1.0), (0.0, 2.0)], 11)


def test_nodes_run_fastest_along_the_last_axis() -> None:
    small = ExponentGrid.over([(0.0, 1.0), (2.0, 3.0)], 2)
    assert small.nodes.T.tolist() == [[0.0, 2.0], [0.0, 3.0], [1.0, 2.0], [1.0, 3.0]]


def test_a_closer_grid_covers_the_nodes_to_keep_and_the_margin() -> None:
    kept = np.zeros(WHOLE.shape, bool)
    kept[4:6, 5] = True
    first, second = WHOLE.closer(kept, margin=1, size=5).axes
    assert (first[0], first[-1], len(first)) == pytest.approx((0.3, 0.6, 5))
    assert (second[0], second[-1]) == pytest.approx((0.8, 1.2))


def test_a_closer_grid_stays_within_the_ranges() -> None:
    kept = np.zeros(WHOLE.shape, bool)
    kept[0, -1] = True
    first, second = WHOLE.closer(kept, margin=2, size=5).axes
    assert first[0] == 0.0
    assert second[-1] == 2.0


@pytest.mark.parametrize("shape", [(11,), (11, 1)])
def test_a_grid_of_one_exponent_closes_in_with_or_without_an_axis_of_length_one(
    shape: tuple[int, ...],
) -> None:
    alone = ExponentGrid.over([(0.0, 1.0)], 11)
    kept = np.zeros(shape, bool)
    kept[5] = True
    (axis,) = alone.closer(kept, margin=1, size=3).axes
    assert axis == pytest.approx([0.4, 0.5, 0.6])
    assert alone.pair[1].tolist() == [1.0]


def test_chains_of_few_draws_are_drawn_once() -> None:
    policy = Redraw(acceptances=(0.9, 0.99), fewest_draws=100)
    assert policy.attempts(99) == (0.9,)
    assert policy.attempts(100) == (0.9, 0.99)
