"""The broken power law: its two ends, its bend, and the letters of the paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.laws import BrokenPowerLaw, PowerLaw

CONSTANTS = {"E": 1e-9, "A": 5.0, "alpha": 0.2, "alpha_1": 0.5, "x_1": 1e4, "f_1": 0.3}


def predict(log_x, **changed):
    return np.asarray(BrokenPowerLaw().predict({**CONSTANTS, **changed}, {"flops": log_x}))


@float64
def test_far_from_the_break_its_slopes_are_the_two_exponents():
    for log_x, exponent in ((np.log(1e4) - 8, 0.2), (np.log(1e4) + 8, 0.5)):
        assert np.diff(predict(log_x + np.array([0.0, 0.01])))[0] / 0.01 == pytest.approx(
            -exponent, abs=1e-6
        )


@given(log_x=st.floats(-20.0, 40.0), width=st.floats(0.05, 2.0))
@float64
def test_with_equal_exponents_it_is_a_power_law(log_x, width):
    expected = PowerLaw().predict(CONSTANTS, {"flops": log_x})
    assert predict(log_x, alpha_1=0.2, f_1=width) == pytest.approx(float(expected), abs=1e-12)


@given(log_x=st.floats(-5.0, 25.0))
@float64
def test_it_is_the_law_of_the_paper_in_other_letters(log_x):
    a, b, c_0, c_1, d_1, f_1 = 1e-9, 5.0, 0.2, 0.5 - 0.2, 1e4, 0.3
    x = np.exp(log_x)
    assert np.exp(predict(log_x)) == pytest.approx(
        a + b * x**-c_0 * (1 + (x / d_1) ** (1 / f_1)) ** (-c_1 * f_1), rel=1e-9
    )


def test_two_breaks_have_a_row_each_in_the_table():
    names = [p.name for p in BrokenPowerLaw(breaks=2).parameters]
    assert names == ["E", "A", "alpha", "alpha_1", "x_1", "f_1", "alpha_2", "x_2", "f_2"]


def test_without_a_break_it_is_refused():
    with pytest.raises(InputError, match=r"breaks=0 must be at least 1.*power_law"):
        BrokenPowerLaw(breaks=0)
