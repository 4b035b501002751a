"""The objective on a grid of constants, against NumPy cell by cell."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayescale.kernels import best_cell, objective_grid
from bayescale.kernels.objective_grid import Axes, Sweep, _log

RUNS = 12
PARAMETERS = {"delta": 1e-3, "sigma": 0.01, "nu": 4.0}
SIZES = (3, 2, 4, 3, 5)


def huber(r, p):
    return jnp.where(
        jnp.abs(r) <= p["delta"], 0.5 * jnp.square(r), p["delta"] * (jnp.abs(r) - 0.5 * p["delta"])
    )


def normal(r, p):
    return 0.5 * jnp.square(r / p["sigma"])


def student_t(r, p):
    return 0.5 * (p["nu"] + 1) * jnp.log1p(jnp.square(r / p["sigma"]) / p["nu"])


every_rho = pytest.mark.parametrize("rho", [huber, normal, student_t])


def sweep():
    rng = np.random.default_rng(0)
    log_n, log_d = rng.uniform(-3, 3, (2, RUNS))
    log_loss = np.log(
        0.6 + 0.2 * np.exp(-0.35 * log_n) + 0.2 * np.exp(-0.35 * log_d)
    ) + 0.01 * rng.standard_normal(RUNS)
    return Sweep(log_n, log_d, log_loss, rng.uniform(0.5, 2.0, RUNS))


def axes(sizes=SIZES):
    ends = ((0.5, 0.7), (0.15, 0.25), (0.15, 0.25), (0.3, 0.4), (0.3, 0.4))
    return Axes(
        *(np.linspace(low, high, size) for (low, high), size in zip(ends, sizes, strict=True))
    )


def as_arrays(tree, dtype):
    return jax.tree.map(lambda values: jnp.asarray(values, dtype), tree)


def on_grid(rho, grid, dtype=np.float64, **options):
    return objective_grid(rho, *as_arrays((grid, sweep(), PARAMETERS), dtype), **options)


def best_on_grid(rho, grid, **options):
    return best_cell(rho, *as_arrays((grid, sweep(), PARAMETERS), np.float64), **options)


def twin(rho, grid):
    """Return the objective of every cell, computed in NumPy but for ρ, which is elementwise."""
    e, a, b, alpha, beta = np.ix_(*grid)
    runs = sweep()
    total = np.zeros([len(axis) for axis in grid])
    for log_n, log_d, log_loss, weight in zip(*runs, strict=True):
        prediction = e + a * np.exp(-alpha * log_n) + b * np.exp(-beta * log_d)
        total += weight * np.asarray(rho(log_loss - np.log(prediction), PARAMETERS))
    return total


@every_rho
def test_every_cell_has_the_twins_objective(rho):
    np.testing.assert_allclose(on_grid(rho, axes()), twin(rho, axes()), rtol=1e-12)


# Splitting the last axis, the fourth with a filled-up tile, the third, the second, the first, and
# none.
@pytest.mark.parametrize("tile", [1, 4, 12, 31, 100, 250, 360])
def test_tiles_of_any_size_give_the_whole_grid_and_its_best_cell(tile):
    expected = twin(huber, axes())
    np.testing.assert_allclose(on_grid(huber, axes(), tile=tile), expected, rtol=1e-12)
    value, index = best_on_grid(huber, axes(), tile=tile)
    assert tuple(index.tolist()) == np.unravel_index(expected.argmin(), expected.shape)
    assert float(value) == pytest.approx(expected.min(), rel=1e-12)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (7, 1, 1, 1, 1), (1, 1, 5, 1, 1)])
def test_axes_of_one_value_are_axes_too(sizes):
    np.testing.assert_allclose(
        on_grid(normal, axes(sizes), tile=3), twin(normal, axes(sizes)), rtol=1e-12
    )


def test_of_equal_cells_the_first_is_best():
    grid = axes()._replace(E=np.array([0.6, 0.6, 0.6]))
    _, index = best_on_grid(normal, grid, tile=7)
    assert index[0] == 0


@every_rho
def test_float32_stays_float32_and_is_right_to_one_in_a_hundred_thousand(rho):
    with jax.enable_x64(False):
        found = on_grid(rho, axes(), dtype=np.float32)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, twin(rho, axes()), rtol=1e-5)


def test_no_array_is_larger_than_a_tile():
    seen = []

    def watched(r, p):
        seen.append(math.prod(r.shape))
        return huber(r, p)

    best_on_grid(watched, axes((9, 9, 9, 9, 9)), tile=100)
    assert max(seen) <= 100


def test_a_run_of_weight_zero_is_no_run():
    runs = sweep()
    weights = runs.weights * (np.arange(RUNS) > 3)
    fewer = Sweep(*(column[4:] for column in runs))
    found, expected = (
        objective_grid(huber, *as_arrays((axes(), chosen, PARAMETERS), np.float64))
        for chosen in (runs._replace(weights=weights), fewer)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_other_values_of_the_same_shapes_are_not_compiled_again(compiled):
    on_grid(huber, axes())
    compiled()
    on_grid(huber, Axes(*(axis + 0.01 for axis in axes())))
    assert compiled() == []


def test_the_logarithm_is_right_to_a_unit_in_the_last_place():
    rng = np.random.default_rng(1)
    near_one = 1 + 1e-3 * rng.standard_normal(2000)
    x = np.concatenate(
        [
            rng.uniform(0.3, 3.0, 2000),
            near_one,
            np.exp(rng.uniform(-700, 700, 2000)),
            [1.0, 2.0, 0.5],
        ]
    )
    expected = np.log(x.astype(np.longdouble))
    apart = np.abs(np.asarray(jax.jit(_log)(x)) - expected)
    assert (apart <= np.spacing(np.abs(expected.astype(np.float64)))).all()


def test_the_logarithm_of_what_is_not_positive_costs_more_than_any_cell():
    np.testing.assert_array_equal(_log(jnp.array([0.0, -1.0, np.inf])), [-np.inf, -np.inf, np.inf])
