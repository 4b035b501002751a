"""Each noise model against a plain twin from SciPy or from the paper."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bayescale.errors import InputError
from bayescale.noise import Huber, Normal, StudentT
from bayescale.noise.base import is_likelihood
from bayescale.precision import float64

residuals = np.linspace(-0.5, 0.5, 41)


@given(sigma=st.floats(1e-3, 1.0))
@float64
def test_normal_is_scipys(sigma):
    expected = -scipy.stats.norm.logpdf(residuals, scale=sigma)
    np.testing.assert_allclose(Normal().rho(residuals, {"sigma": sigma}, 0.0), expected, rtol=1e-10, atol=1e-10)


@given(sigma=st.floats(1e-3, 1.0), nu=st.floats(0.5, 200.0))
@float64
def test_student_t_is_scipys(sigma, nu):
    expected = -scipy.stats.t.logpdf(residuals, nu, scale=sigma)
    np.testing.assert_allclose(StudentT().rho(residuals, {"sigma": sigma, "nu": nu}, 0.0), expected, rtol=1e-9, atol=1e-9)


@given(delta=st.floats(1e-4, 1.0))
@float64
def test_huber_is_scipys(delta):
    np.testing.assert_allclose(Huber(delta).rho(residuals, {}, 0.0), scipy.special.huber(delta, residuals), rtol=1e-12)


@float64
def test_huber_far_below_the_scatter_is_least_absolute_deviation():
    np.testing.assert_allclose(Huber(1e-9).rho(residuals, {}, 0.0) / 1e-9, np.abs(residuals), atol=1e-9)


def test_huber_knows_no_measurement_error():
    assert float(Huber().rho(0.1, {}, 0.0)) == float(Huber().rho(0.1, {}, 5.0))


def test_normal_and_student_t_are_likelihoods_and_huber_is_an_objective():
    assert is_likelihood(Normal())
    assert is_likelihood(StudentT())
    assert not is_likelihood(Huber())


@pytest.mark.parametrize("delta", [0.0, -1e-3, float("nan"), float("inf")])
def test_a_delta_that_is_not_positive_is_refused(delta):
    with pytest.raises(InputError, match=f"huber: delta={delta} must be a positive number, such as 0.001"):
        Huber(delta)
