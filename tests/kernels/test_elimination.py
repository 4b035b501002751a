"""Cholesky factors by elimination, and what is solved with them, against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescale.kernels.elimination import (
    factorise,
    factorise_bordered,
    solve_lower,
    solve_upper,
)
from tests.kernels.test_cholesky import positive_definite


def batch_last(array):
    return jnp.asarray(np.moveaxis(array, 0, -1))


def roots(factor):
    """Lower triangular L of each matrix of a batch."""
    return np.tril(np.moveaxis(np.asarray(factor.columns), -1, 0).swapaxes(1, 2))


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1, 8, 11]))
def test_the_factor_is_numpys(seed, size):
    rng = np.random.default_rng(seed)
    matrices, rights = positive_definite(rng, 4, size), rng.standard_normal((4, size))
    factor = factorise(batch_last(matrices), batch_last(rights))
    expected = np.linalg.cholesky(matrices)
    np.testing.assert_allclose(roots(factor), expected, rtol=1e-7, atol=1e-9)
    solved = np.linalg.solve(expected, rights[..., None])[..., 0].T
    np.testing.assert_allclose(factor.solved, solved, rtol=1e-6, atol=1e-8)
    logs = np.log(np.diagonal(expected, axis1=1, axis2=2)).T
    np.testing.assert_allclose(factor.log_diagonal, logs, rtol=1e-7, atol=1e-9)


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), groups=st.sampled_from([0, 1, 3, 8]))
def test_a_matrix_whose_leading_block_is_diagonal_has_numpys_factor(seed, groups):
    rng, size = np.random.default_rng(seed), 8
    rights = rng.standard_normal((4, groups + size))
    matrices = np.zeros((4, groups + size, groups + size))
    diagonal = rng.uniform(0.5, 2.0, size=(4, groups))
    border = rng.standard_normal((4, size, groups))
    matrices[:, range(groups), range(groups)] = diagonal
    matrices[:, groups:, :groups] = border
    matrices[:, :groups, groups:] = border.swapaxes(1, 2)
    explained = (border / diagonal[:, None]) @ border.swapaxes(1, 2)
    matrices[:, groups:, groups:] = explained + positive_definite(rng, 4, size)
    factor = factorise_bordered(
        *map(batch_last, (diagonal, border, matrices[:, groups:, groups:], rights))
    )
    expected = np.linalg.cholesky(matrices)
    np.testing.assert_allclose(roots(factor), expected, rtol=1e-6, atol=1e-7)
    solved = np.linalg.solve(expected, rights[..., None])[..., 0].T
    np.testing.assert_allclose(factor.solved, solved, rtol=1e-5, atol=1e-7)


def test_a_matrix_of_many_functions_of_which_most_say_nothing_is_no_harder():
    rng = np.random.default_rng(0)
    scaled = rng.standard_normal((2, 40, 40)) * np.geomspace(1e4, 1e-8, 40)
    matrices = np.eye(40) + scaled @ scaled.transpose(0, 2, 1)
    factor = factorise(batch_last(matrices), batch_last(rng.standard_normal((2, 40))))
    determinant = 2 * np.asarray(factor.log_diagonal).sum(axis=0)
    np.testing.assert_allclose(determinant, np.linalg.slogdet(matrices)[1], rtol=1e-8)


def test_lower_and_upper_systems_are_solved():
    rng = np.random.default_rng(1)
    matrices, rights = positive_definite(rng, 3, 10), rng.standard_normal((3, 10))
    factor = factorise(batch_last(matrices), batch_last(rights))
    lower = roots(factor)
    np.testing.assert_allclose(
        solve_lower(factor.columns, batch_last(rights)),
        np.linalg.solve(lower, rights[..., None])[..., 0].T,
        rtol=1e-7,
    )
    two = jnp.stack([batch_last(rights), -2 * batch_last(rights)])
    expected = np.linalg.solve(lower.swapaxes(1, 2), rights[..., None])[..., 0].T
    np.testing.assert_allclose(
        solve_upper(factor.columns, two), np.stack([expected, -2 * expected]), rtol=1e-7
    )


def test_a_matrix_that_is_not_positive_definite_has_no_logarithms():
    matrix = jnp.asarray([[1.0, 2.0], [2.0, 1.0]])[..., None]
    assert np.isnan(factorise(matrix, jnp.ones((2, 1))).log_diagonal).any()


def test_forty_rows_take_a_few_hundred_operations():
    shapes = jnp.zeros((40, 40, 3)), jnp.zeros((40, 3))
    assert len(jax.make_jaxpr(factorise)(*shapes).eqns) < 400
