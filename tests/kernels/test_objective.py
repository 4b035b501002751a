"""Value, gradient and curvature of the objective, against NumPy twins and dense automatic
differentiation.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayescale.kernels import objective

# Compiled once for each objective, as inside the optimisers.
value, reweighted_curvature, exact_curvature = (
    jax.jit(function, static_argnums=0)
    for function in (objective.value, objective.reweighted_curvature, objective.exact_curvature)
)


each = pytest.mark.parametrize(
    "curvature_of", [reweighted_curvature, exact_curvature], ids=["reweighted", "exact"]
)


def full(curvature):
    """Lists of columns as (coordinates, coordinates, batch), symmetric."""
    size = len(curvature)
    return np.array([[curvature[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)])


@pytest.fixture
def at(case):
    return case.starts(3, spread=0.2)


def test_the_value_is_the_twins(case, at):
    found = value(case.objective, tuple(jnp.asarray(at)), case.data, case.weights)
    np.testing.assert_allclose(found, [case.twin(v) for v in at.T], rtol=1e-13)


@each
def test_value_and_gradient_come_with_the_curvature(case, at, numeric, curvature_of):
    found, gradient, _ = curvature_of(
        case.objective, tuple(jnp.asarray(at)), case.data, case.weights
    )
    np.testing.assert_allclose(found, [case.twin(v) for v in at.T], rtol=1e-13)
    expected = np.stack([numeric(case.twin, v) for v in at.T], axis=1)
    np.testing.assert_allclose(np.stack(gradient), expected, rtol=1e-6, atol=1e-6)


def test_the_exact_curvature_is_the_dense_hessian(case, at):
    _, _, curvature = exact_curvature(
        case.objective, tuple(jnp.asarray(at)), case.data, case.weights
    )

    def one(v):
        return value(case.objective, tuple(v[:, None]), case.data, case.weights)[0]

    dense = jax.jit(jax.vmap(jax.hessian(one), in_axes=1, out_axes=-1))(jnp.asarray(at))
    np.testing.assert_allclose(full(curvature), dense, rtol=1e-10, atol=1e-10)


def test_the_reweighted_curvature_of_the_prediction_is_that_of_weighted_least_squares(case, at):
    _, _, curvature = reweighted_curvature(
        case.objective, tuple(jnp.asarray(at)), case.data, case.weights
    )
    prior = 0.01 if case.objective.kind == "normal" else 0.0
    for member, v in enumerate(at.T):
        r, slope = case.cost_slope(v)
        jacobian = case.jacobian(v)
        expected = jacobian.T @ ((slope / r)[:, None] * jacobian) + prior * np.eye(3)
        np.testing.assert_allclose(full(curvature)[:3, :3, member], expected, rtol=1e-9)


@pytest.mark.parametrize("case", ["normal"], indirect=True)
def test_the_reweighted_curvature_of_a_scale_is_the_size_of_its_own_second_derivative(
    case, at, numeric
):
    _, _, curvature = reweighted_curvature(
        case.objective, tuple(jnp.asarray(at)), case.data, case.weights
    )
    for member, v in enumerate(at.T):
        second = numeric(lambda u: numeric(case.twin, u)[3], v, step=1e-4)[3]
        assert full(curvature)[3, 3, member] == pytest.approx(abs(second), rel=1e-5)
        np.testing.assert_array_equal(full(curvature)[3, :3, member], 0.0)


@pytest.mark.parametrize("case", ["normal"], indirect=True)
def test_a_scale_in_which_the_objective_bends_down_still_gets_a_positive_curvature(case, at):
    class BendingDown(type(case.objective)):
        def rho(self, r, v, data):
            return super().rho(r, v, data) - 50.0 * jnp.square(v[3])

    _, _, plain = reweighted_curvature(
        case.objective, tuple(jnp.asarray(at)), case.data, case.weights
    )
    _, _, curvature = reweighted_curvature(
        BendingDown("normal"), tuple(jnp.asarray(at)), case.data, case.weights
    )
    second, prior = full(plain)[3, 3] - 0.01, 0.01
    assert (second < 100.0 * len(case.x)).all()
    np.testing.assert_allclose(
        full(curvature)[3, 3], 100.0 * len(case.x) - second + prior, rtol=1e-9
    )


def test_the_reweighted_curvature_is_positive_definite(case):
    wild = case.starts(50, spread=2.0)
    _, _, curvature = reweighted_curvature(
        case.objective, tuple(jnp.asarray(wild)), case.data, case.weights
    )
    assert (np.linalg.eigvalsh(full(curvature).transpose(2, 0, 1)) > 0).all()


@each
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_weight_is_a_repetition(case, at, curvature_of, seed):
    times = np.random.default_rng(seed).permutation(np.arange(len(case.x)) % 4)
    weights = jnp.asarray(times, dtype=float)[:, None]
    repeated = {name: jnp.repeat(column, times, axis=0) for name, column in case.data.items()}
    by_weight = curvature_of(case.objective, tuple(jnp.asarray(at)), case.data, weights)
    by_rows = curvature_of(
        case.objective, tuple(jnp.asarray(at)), repeated, jnp.ones((times.sum(), 1))
    )
    for one, other in zip(jax.tree.leaves(by_weight), jax.tree.leaves(by_rows), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@each
def test_rows_of_weight_zero_change_nothing(case, at, curvature_of):
    padded = {
        name: jnp.concatenate([column, 7.0 * jnp.ones((5, 1))])
        for name, column in case.data.items()
    }
    weights = jnp.concatenate([case.weights, jnp.zeros((5, 1))])
    plain = curvature_of(case.objective, tuple(jnp.asarray(at)), case.data, case.weights)
    with_padding = curvature_of(case.objective, tuple(jnp.asarray(at)), padded, weights)
    for one, other in zip(jax.tree.leaves(plain), jax.tree.leaves(with_padding), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_the_curvature_is_finite_where_a_residual_is_exactly_zero(case, dtype):
    on_the_curve = {"x": jnp.zeros((4, 1), dtype), "y": jnp.full((4, 1), 2.0, dtype)}
    v = [1.0, 0.0, 0.5] + [0.0] * (len(case.truth) - 3)
    coordinates = tuple(jnp.full(2, c, dtype) for c in v)
    evaluated = reweighted_curvature(
        case.objective, coordinates, on_the_curve, jnp.ones((4, 1), dtype)
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(evaluated))
