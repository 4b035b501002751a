"""Newton's method on values alone."""

import numpy as np
import pytest

from bayescale.inference._descent import Expansion, descended

WIDE = 20.0


def rosenbrock(points: np.ndarray) -> np.ndarray:
    """Return the height of a bent valley whose floor is at (1, 1)."""
    x, y = points.T
    return (1 - x) ** 2 + WIDE * (y - x**2) ** 2


def two_wells(points: np.ndarray) -> np.ndarray:
    """Return a saddle at nought between minima at −1 and 1 of the first coordinate; not a number
    where the second is above 3.
    """
    x, y = points.T
    return np.where(y > 3, np.nan, (x**2 - 1) ** 2 + y**2)


@pytest.mark.parametrize("seed", range(6))
def test_every_start_reaches_the_minimum(seed: int) -> None:
    start = np.random.default_rng(seed).normal(scale=2.0, size=2)
    found = descended(rosenbrock, start, 100)
    assert found.value < 1e-3
    np.testing.assert_allclose(found.at, 1.0, atol=0.1)


def test_the_hessian_is_that_of_where_the_search_ended() -> None:
    found = descended(rosenbrock, np.ones(2), 100)
    expected = [[2 + 8 * WIDE, -4 * WIDE], [-4 * WIDE, 2 * WIDE]]
    np.testing.assert_allclose(found.hessian, expected, rtol=1e-3)


def test_slopes_and_curvatures_of_a_quadratic_are_exact() -> None:
    matrix = np.array([[3.0, 1.0, 0.5], [1.0, 2.0, -0.3], [0.5, -0.3, 1.0]])
    at = np.array([0.3, -1.0, 2.0])
    found = Expansion.about(lambda x: np.einsum("ni,ij,nj->n", x, matrix, x) / 2, at)
    np.testing.assert_allclose(found.gradient, matrix @ at, rtol=1e-8)
    np.testing.assert_allclose(found.hessian, matrix, rtol=1e-8)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_search_leaves_a_saddle_for_the_minimum_on_its_side(side: float) -> None:
    found = descended(two_wells, np.array([0.05 * side, 1.0]), 100)
    assert found.at[0] == pytest.approx(side, abs=0.05)


def test_a_start_where_nothing_is_finite_ends_there_and_says_so() -> None:
    found = descended(two_wells, np.array([0.5, 4.0]), 100)
    assert not found.is_finite
    np.testing.assert_array_equal(found.at, [0.5, 4.0])


def test_a_function_of_no_coordinates_is_its_value() -> None:
    assert descended(lambda points: np.full(len(points), 2.0), np.zeros(0), 10).value == 2.0


def test_a_search_never_ends_higher_than_it_began() -> None:
    for start in np.random.default_rng(1).normal(scale=3.0, size=(20, 2)):
        assert descended(rosenbrock, start, 100).value <= rosenbrock(start[None])[0]
