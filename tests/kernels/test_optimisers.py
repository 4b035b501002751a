"""Levenberg–Marquardt and Newton: they reach SciPy's minimum, never climb, and say how they ended.

Batches are of four wherever that will do, so that few programs are compiled.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from bayescale.kernels import levenberg_marquardt, newton
from bayescale.kernels.objective import CONVERGED, NOT_FINITE, STEP_LIMIT

normal, huber = (
    pytest.mark.parametrize("case", [kind], indirect=True) for kind in ("normal", "huber")
)


def descend(case, start, data=None, weights=None, steps=200):
    data, weights = data or case.data, case.weights if weights is None else jnp.asarray(weights)
    return levenberg_marquardt(case.objective, jnp.asarray(start), data, weights, steps=steps)


def descend_and_finish(case, start, data=None, weights=None):
    """Levenberg–Marquardt, then Newton from where it ended, as inference uses them."""
    near = descend(case, start, data, weights)
    return newton(
        case.objective,
        near.coordinates,
        data or case.data,
        case.weights if weights is None else jnp.asarray(weights),
    )


@pytest.fixture
def minimum(case):
    """Return the minimum that SciPy finds from the truth, polished."""
    found = scipy.optimize.minimize(case.twin, case.truth, method="BFGS")
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000, "maxfev": 8000}
    return scipy.optimize.minimize(case.twin, found.x, method="Nelder-Mead", options=options)


def test_levenberg_marquardt_reaches_scipys_minimum_from_every_start(case, minimum):
    search = descend(case, case.starts(4))
    np.testing.assert_allclose(search.value, minimum.fun, rtol=1e-6)
    assert set(search.status.tolist()) == {CONVERGED}


def test_newton_finishes_to_the_last_digits(case, minimum):
    search, _ = descend_and_finish(case, case.starts(4))
    np.testing.assert_allclose(search.value, minimum.fun, rtol=1e-12)
    np.testing.assert_allclose(search.coordinates - minimum.x[:, None], 0.0, atol=1e-5)
    assert (search.gradient_norm < 1e-6).all()
    assert set(search.status.tolist()) == {CONVERGED}


def test_newton_returns_the_hessian_where_it_ended(case, numeric):
    search, hessian = descend_and_finish(case, case.starts(4))
    v = np.asarray(search.coordinates[:, 1])
    expected = numeric(lambda u: numeric(case.twin, u, step=1e-4), v, step=1e-4)
    assert hessian.shape == (len(v), len(v), 4)
    np.testing.assert_allclose(
        hessian[:, :, 1], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
    )


def test_the_gradient_norm_is_the_largest_slope_as_a_share_of_the_value(case, numeric):
    search = descend(case, case.starts(4), steps=3)
    slopes = [np.abs(numeric(case.twin, v)).max() for v in np.asarray(search.coordinates).T]
    np.testing.assert_allclose(search.gradient_norm, slopes / np.abs(search.value), rtol=1e-4)


def test_the_objective_never_rises_with_more_steps(case):
    start = case.starts(4, spread=1.5)
    values = np.array([[case.twin(v) for v in start.T]])
    for steps in (1, 3, 200):
        search = descend(case, start, steps=steps)
        np.testing.assert_allclose(
            search.value, [case.twin(v) for v in np.asarray(search.coordinates).T], rtol=1e-10
        )
        values = np.vstack([values, search.value])
    np.testing.assert_allclose(
        values[1], values[0], rtol=1e-12
    )  # the first evaluation is the start
    assert (np.diff(values, axis=0) <= 1e-12 * np.abs(values[:-1])).all()
    assert (values[-1] < values[0] - 0.01 * np.abs(values[0])).all()


def test_newton_never_climbs_even_from_far_away(case):
    start = case.starts(4, spread=1.5)
    search, _ = newton(case.objective, jnp.asarray(start), case.data, case.weights)
    before = np.array([case.twin(v) for v in start.T])
    assert (np.asarray(search.value) <= before + 1e-12 * np.abs(before)).all()


def test_a_search_cut_short_says_so(case):
    far = case.starts(4, spread=1.5)
    assert set(descend(case, far, steps=3).status.tolist()) == {STEP_LIMIT}


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_a_start_that_is_never_finite_says_so_and_leaves_its_neighbours_alone(case, bad):
    start = case.starts(4)
    alone = descend(case, start)
    start[1, 1] = bad
    near = descend(case, start)
    finished, _ = newton(case.objective, near.coordinates, case.data, case.weights)
    for search in (near, finished):
        assert search.status.tolist() == [CONVERGED, NOT_FINITE, CONVERGED, CONVERGED]
    np.testing.assert_allclose(np.delete(near.value, 1), np.delete(alone.value, 1), rtol=1e-12)


@huber
def test_every_member_may_weigh_the_runs_in_its_own_way(case):
    weights = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=4).T.astype(float)
    search, _ = descend_and_finish(case, np.repeat(case.truth[:, None], 4, axis=1), weights=weights)
    for member in range(4):
        one = scipy.optimize.minimize(
            case.twin, case.truth, args=(weights[:, member],), method="BFGS"
        )
        assert float(search.value[member]) == pytest.approx(one.fun, rel=1e-4)
        assert float(search.value[member]) <= one.fun + 1e-9 * abs(one.fun)


@normal
def test_padding_with_rows_of_weight_zero_ends_in_the_same_place(case):
    padded = {
        name: jnp.concatenate([column, jnp.zeros((10, 1))]) for name, column in case.data.items()
    }
    plain, _ = descend_and_finish(case, case.starts(4))
    with_padding, _ = descend_and_finish(
        case, case.starts(4), padded, jnp.concatenate([case.weights, jnp.zeros((10, 1))])
    )
    np.testing.assert_allclose(with_padding.value, plain.value, rtol=1e-12)
    np.testing.assert_allclose(with_padding.coordinates, plain.coordinates, atol=1e-6)


@huber
def test_a_batch_larger_than_a_block_gives_what_its_members_give_alone(case):
    start = case.starts(501)
    whole, last = descend(case, start), descend(case, start[:, -4:])
    assert whole.coordinates.shape == start.shape
    np.testing.assert_allclose(whole.value[-4:], last.value, rtol=1e-8)


@normal
def test_float32_stays_float32(case):
    with jax.enable_x64(False):
        start, data, weights = jax.tree.map(
            lambda a: jnp.asarray(a, jnp.float32), (case.starts(4), case.data, case.weights)
        )
        near = levenberg_marquardt(case.objective, start, data, weights)
        search, hessian = newton(case.objective, near.coordinates, data, weights)
        floats = (
            near.coordinates,
            near.value,
            near.gradient_norm,
            search.coordinates,
            search.value,
            hessian,
        )
        assert {array.dtype for array in floats} == {jnp.dtype("float32")}
    np.testing.assert_allclose(
        search.value, case.twin(np.asarray(search.coordinates[:, 0], dtype=float)), rtol=1e-3
    )


@pytest.mark.parametrize("optimise", [levenberg_marquardt, newton])
@huber
def test_an_equal_objective_is_not_compiled_again(case, optimise, caplog):
    start, again = jnp.asarray(case.starts(5)), type(case.objective)(case.objective.kind)
    others = start + 1.0, jax.tree.map(lambda column: column + 1.0, case.data), 2.0 * case.weights
    assert again is not case.objective
    with jax.log_compiles():
        optimise(case.objective, start, case.data, case.weights)
        assert f"Compiling jit({optimise.__name__})" in caplog.text
        caplog.clear()
        optimise(again, *others)
        assert "Compiling" not in caplog.text
