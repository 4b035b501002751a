"""M4: its two ends, its limit, and derivatives through the solution of its equation."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.laws import M4, PowerLaw

CONSTANTS = {"E": 0.5, "R": 3.0, "A": 2.0, "alpha": 0.4, "gamma": 0.7}
powers = st.floats(-7.0, 4.0).map(lambda exponent: float(np.exp(exponent)))


def predict(c, log_x):
    return M4().predict(c, {"flops": log_x})


@float64
def test_it_falls_from_the_loss_of_guessing_to_the_floor():
    assert float(np.exp(predict(CONSTANTS, -200.0))) == pytest.approx(3.5)
    assert float(np.exp(predict(CONSTANTS, 200.0))) == pytest.approx(0.5)


@given(log_x=st.floats(3.0, 30.0))
@float64
def test_where_guessing_plays_no_part_it_is_a_power_law_with_a_floor(log_x):
    expected = PowerLaw().predict(CONSTANTS, {"flops": log_x})
    assert float(predict(CONSTANTS | {"gamma": 1e-9}, log_x)) == pytest.approx(
        float(expected), rel=1e-6
    )


@given(gamma=powers, log_x=st.floats(-30.0, 30.0))
@float64
def test_the_equation_is_solved_whatever_the_power(gamma, log_x):
    c = CONSTANTS | {"gamma": gamma}
    share = (np.exp(float(predict(c, log_x))) - c["E"]) / c["R"]
    if 1e-6 < share < 1 - 1e-6:
        found = np.log(share) - gamma * np.log1p(-share)
        assert found == pytest.approx(
            np.log(c["A"]) - c["alpha"] * log_x - (1 - gamma) * np.log(c["R"]), rel=1e-7, abs=1e-7
        )


@given(gamma=powers, log_x=st.floats(-10.0, 10.0))
@float64
def test_first_and_second_derivatives_are_those_of_the_solution(gamma, log_x):
    def along(x):
        return predict(CONSTANTS | {"gamma": gamma}, x)

    step = 1e-3
    first, second = jax.grad(along)(log_x), jax.grad(jax.grad(along))(log_x)
    assert float(first) == pytest.approx(
        float(along(log_x + step) - along(log_x - step)) / (2 * step), abs=1e-6
    )
    rise = float(jax.grad(along)(log_x + step) - jax.grad(along)(log_x - step))
    assert float(second) == pytest.approx(rise / (2 * step), abs=1e-5)
