"""Cholesky factors of many small matrices, against NumPy's."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale.kernels import cholesky


def lower_triangle(matrices):
    """Return lists of columns from an array of shape (batch, size, size)."""
    size = matrices.shape[1]
    return [[jnp.asarray(matrices[:, i, j]) for j in range(i + 1)] for i in range(size)]


def full(lower):
    """Return an array of shape (batch, size, size) from lists of columns, with zeros above."""
    size, batch = len(lower), len(lower[0][0])
    matrices = np.zeros((batch, size, size))
    for i, row in enumerate(lower):
        for j, entry in enumerate(row):
            matrices[:, i, j] = entry
    return matrices


def positive_definite(rng, batch, size):
    roots = rng.standard_normal((batch, size, size + 2)) * np.exp(
        rng.uniform(-3, 3, size=(batch, size, 1))
    )
    return roots @ roots.transpose(0, 2, 1)


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 7))
def test_the_factor_is_numpys(seed, size):
    matrices = positive_definite(np.random.default_rng(seed), 4, size)
    lower, positive = cholesky.factor(lower_triangle(matrices))
    assert positive.all()
    expected = np.linalg.cholesky(matrices)
    scale = np.sqrt(np.einsum("bii->bi", matrices))[:, :, None]
    np.testing.assert_allclose(full(lower) / scale, expected / scale, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 7))
def test_the_solution_is_numpys(seed, size):
    rng = np.random.default_rng(seed)
    matrices, right = positive_definite(rng, 4, size), rng.standard_normal((4, size))
    lower, _ = cholesky.factor(lower_triangle(matrices))
    solution = np.stack(cholesky.solve(lower, [jnp.asarray(column) for column in right.T]), axis=1)
    np.testing.assert_allclose(
        np.einsum("bij,bj->bi", matrices, solution),
        right,
        atol=1e-8 * np.linalg.cond(matrices).max(),
    )
    np.testing.assert_allclose(
        solution, np.linalg.solve(matrices, right[:, :, None])[:, :, 0], rtol=1e-4
    )


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([[1.0, 2.0], [2.0, 1.0]], id="indefinite"),
        pytest.param([[1.0, 1.0], [1.0, 1.0]], id="singular"),
        pytest.param([[-1.0, 0.0], [0.0, -1.0]], id="negative definite"),
        pytest.param([[0.0, 0.0], [0.0, 0.0]], id="zero"),
        pytest.param([[np.nan, 0.0], [0.0, 1.0]], id="not a number"),
    ],
)
def test_a_matrix_that_is_not_positive_definite_is_flagged_and_its_neighbours_are_not(bad):
    good = [[4.0, 1.0], [1.0, 3.0]]
    lower, positive = cholesky.factor(lower_triangle(np.array([good, bad, good])))
    assert positive.tolist() == [True, False, True]
    np.testing.assert_allclose(
        full(lower)[[0, 2]], np.linalg.cholesky(np.array([good, good])), rtol=1e-14
    )


@pytest.mark.parametrize("bad", [[[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_a_flagged_factor_is_finite(bad):
    lower, _ = cholesky.factor(lower_triangle(np.array([bad])))
    assert np.isfinite(full(lower)).all()
