"""Cholesky factors by elimination, and what is solved with them, against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescale.kernels import elimination
from tests.kernels.test_cholesky import positive_definite

# One program a shape: step by step, each operation on rows of another number is one.
factorise = jax.jit(elimination.factorise)
solve_lower = jax.jit(elimination.solve_lower)
solve_upper = jax.jit(elimination.solve_upper)


def batch_last(array):
    return jnp.asarray(np.moveaxis(array, 0, -1))


def whole(matrix, right):
    """Return the factor of a matrix without a diagonal block, and the solved vector."""
    size, batch = right.shape
    return factorise(jnp.zeros((0, batch)), jnp.zeros((size, 0, batch)), matrix, right)


def roots(factor):
    """Lower triangular L of each matrix of a batch."""
    root, border, columns = (
        np.moveaxis(np.asarray(part), -1, 0)
        for part in (factor.root, factor.border, factor.columns)
    )
    batch, groups = root.shape
    last = np.tril(columns.swapaxes(1, 2))
    lower = np.zeros((batch, groups + last.shape[1], groups + last.shape[1]))
    lower[:, range(groups), range(groups)] = root
    lower[:, groups:, :groups] = border
    lower[:, groups:, groups:] = last
    return lower


def bordered(rng, groups, size):
    """Return matrices whose leading block is diagonal, and the factor of each with a vector."""
    diagonal = rng.uniform(0.5, 2.0, size=(4, groups))
    border = rng.standard_normal((4, size, groups))
    explained = (border / diagonal[:, None]) @ border.swapaxes(1, 2)
    last = explained + positive_definite(rng, 4, size)
    rights = rng.standard_normal((4, groups + size))
    matrices = np.zeros((4, groups + size, groups + size))
    matrices[:, range(groups), range(groups)] = diagonal
    matrices[:, groups:, :groups] = border
    matrices[:, :groups, groups:] = border.swapaxes(1, 2)
    matrices[:, groups:, groups:] = last
    return matrices, rights, factorise(*map(batch_last, (diagonal, border, last, rights)))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1), groups=st.sampled_from([0, 3]), size=st.sampled_from([1, 8, 11])
)
def test_the_factor_is_numpys(seed, groups, size):
    matrices, rights, factor = bordered(np.random.default_rng(seed), groups, size)
    expected = np.linalg.cholesky(matrices)
    np.testing.assert_allclose(roots(factor), expected, rtol=1e-7, atol=1e-9)
    solved = np.linalg.solve(expected, rights[..., None])[..., 0].T
    np.testing.assert_allclose(factor.solved, solved, rtol=1e-6, atol=1e-8)
    logs = np.log(np.diagonal(expected, axis1=1, axis2=2)).T
    np.testing.assert_allclose(factor.log_diagonal, logs, rtol=1e-7, atol=1e-9)


def test_the_factor_of_leading_rows_is_that_of_the_leading_block():
    matrices, _, factor = bordered(np.random.default_rng(2), 3, 8)
    expected = np.linalg.cholesky(matrices[:, :7, :7])
    np.testing.assert_allclose(roots(factor.leading(4)), expected, rtol=1e-7, atol=1e-9)


def test_a_matrix_of_many_functions_of_which_most_say_nothing_is_no_harder():
    rng = np.random.default_rng(0)
    scaled = rng.standard_normal((2, 40, 40)) * np.geomspace(1e4, 1e-8, 40)
    matrices = np.eye(40) + scaled @ scaled.transpose(0, 2, 1)
    factor = whole(batch_last(matrices), batch_last(rng.standard_normal((2, 40))))
    determinant = 2 * np.asarray(factor.log_diagonal).sum(axis=0)
    np.testing.assert_allclose(determinant, np.linalg.slogdet(matrices)[1], rtol=1e-8)


@pytest.mark.parametrize("groups", [0, 3])
def test_lower_and_upper_systems_are_solved(groups):
    _, rights, factor = bordered(np.random.default_rng(1), groups, 8)
    lower = roots(factor)
    np.testing.assert_allclose(
        solve_lower(factor, batch_last(rights)),
        np.linalg.solve(lower, rights[..., None])[..., 0].T,
        rtol=1e-7,
    )
    two = jnp.stack([batch_last(rights), -2 * batch_last(rights)])
    expected = np.linalg.solve(lower.swapaxes(1, 2), rights[..., None])[..., 0].T
    np.testing.assert_allclose(
        solve_upper(factor, two), np.stack([expected, -2 * expected]), rtol=1e-7
    )


def test_a_matrix_that_is_not_positive_definite_has_no_logarithms():
    matrix = jnp.asarray([[1.0, 2.0], [2.0, 1.0]])[..., None]
    assert np.isnan(whole(matrix, jnp.ones((2, 1))).log_diagonal).any()


def test_forty_rows_take_a_few_hundred_operations():
    shapes = jnp.zeros((40, 40, 3)), jnp.zeros((40, 3))
    assert len(jax.make_jaxpr(whole)(*shapes).eqns) < 400
