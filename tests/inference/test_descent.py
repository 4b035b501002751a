"""Newton's method on slopes, for many problems and starts at once."""

from typing import Any

import numpy as np

from bayescale.inference._descent import descended


def rosenbrock(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A bent valley, of another width for each problem, whose floor is at (1, 1)."""
    x, y = np.moveaxis(points, -1, 0)
    wide = np.array([10.0, 100.0])[:, None]
    value = (1 - x) ** 2 + wide * (y - x**2) ** 2
    return value, np.stack(
        [-2 * (1 - x) - 4 * wide * x * (y - x**2), 2 * wide * (y - x**2)], axis=-1
    )


def two_wells(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A saddle at nought between minima at −1 and 1 of the first coordinate; not a number where the
    second is above 3.
    """
    x, y = np.moveaxis(points, -1, 0)
    value = np.where(y > 3, np.nan, (x**2 - 1) ** 2 + y**2)
    return value, np.stack([4 * x * (x**2 - 1), 2 * y], axis=-1)


def ends(slopes: Any, starts: Any) -> Any:
    return descended(slopes, np.asarray(starts, dtype=float), 100)


def test_every_start_of_every_problem_reaches_the_minimum() -> None:
    starts = np.random.default_rng(0).normal(scale=2.0, size=(2, 6, 2))
    found = ends(rosenbrock, starts)
    assert (found.value < 1e-3).all()
    np.testing.assert_allclose(found.at, 1.0, atol=0.1)


def test_the_hessian_is_that_of_where_the_search_ended() -> None:
    found = ends(rosenbrock, np.ones((2, 1, 2)))
    for wide, hessian in zip((10.0, 100.0), found.hessian[:, 0], strict=True):
        np.testing.assert_allclose(
            hessian, [[2 + 8 * wide, -4 * wide], [-4 * wide, 2 * wide]], rtol=1e-5
        )


def test_searches_leave_a_saddle_for_the_minimum_on_their_side() -> None:
    found = ends(two_wells, [[[0.01, 1.0], [-0.01, 1.0]]])
    np.testing.assert_allclose(found.at[0, :, 0], [1.0, -1.0], atol=0.05)


def test_a_start_where_nothing_is_finite_ends_there_and_stops_no_other() -> None:
    found = ends(two_wells, [[[0.5, 4.0], [0.5, 1.0]]])
    assert np.isinf(found.value[0, 0])
    assert found.value[0, 1] < 1e-3


def test_a_search_never_ends_higher_than_it_began() -> None:
    starts = np.random.default_rng(1).normal(scale=3.0, size=(2, 20, 2))
    assert (ends(rosenbrock, starts).value <= rosenbrock(starts)[0]).all()
