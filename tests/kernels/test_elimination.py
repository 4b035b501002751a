"""Log determinants and quadratic forms by elimination, against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescale.kernels.elimination import logdet_and_quadratic
from tests.kernels.test_cholesky import positive_definite


def by_numpy(matrices, rights):
    quadratic = np.einsum("bi,bi->b", rights, np.linalg.solve(matrices, rights[..., None])[..., 0])
    return np.linalg.slogdet(matrices)[1], quadratic


def ours(matrices, rights):
    return logdet_and_quadratic(jnp.asarray(np.moveaxis(matrices, 0, -1)), jnp.asarray(rights.T))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1, 3, 8]))
def test_both_numbers_are_numpys(seed, size):
    rng = np.random.default_rng(seed)
    matrices, rights = positive_definite(rng, 4, size), rng.standard_normal((4, size))
    for own, other in zip(ours(matrices, rights), by_numpy(matrices, rights), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-7, atol=1e-9)


def test_a_matrix_of_many_functions_of_which_most_say_nothing_is_no_harder():
    rng = np.random.default_rng(0)
    roots = rng.standard_normal((2, 40, 40)) * np.geomspace(1e4, 1e-8, 40)
    matrices, rights = np.eye(40) + roots @ roots.transpose(0, 2, 1), rng.standard_normal((2, 40))
    for own, other in zip(ours(matrices, rights), by_numpy(matrices, rights), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-8)


def test_slopes_are_those_of_the_formulas():
    rng = np.random.default_rng(1)
    matrices, rights = positive_definite(rng, 1, 5), rng.standard_normal((1, 5))

    def half(matrix, right):
        return sum(one[0] for one in logdet_and_quadratic(matrix[..., None], right[:, None]))

    by_matrix, by_right = jax.grad(half, argnums=(0, 1))(
        jnp.asarray(matrices[0]), jnp.asarray(rights[0])
    )
    inverse = np.linalg.inv(matrices[0])
    solved = inverse @ rights[0]
    np.testing.assert_allclose(by_right, 2 * solved, rtol=1e-8)
    np.testing.assert_allclose(
        (by_matrix + by_matrix.T) / 2, inverse - np.outer(solved, solved), rtol=1e-7
    )


@pytest.mark.parametrize("size", [2, 30])
def test_the_program_does_not_grow_with_the_matrix(size):
    program = jax.make_jaxpr(logdet_and_quadratic)(jnp.zeros((size, size, 3)), jnp.zeros((size, 3)))
    assert len(program.eqns) == len(
        jax.make_jaxpr(logdet_and_quadratic)(jnp.zeros((5, 5, 3)), jnp.zeros((5, 3))).eqns
    )
