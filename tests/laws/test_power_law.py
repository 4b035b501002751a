"""The power law in one variable, with and without a floor."""

import numpy as np
import pytest

from bayescale._internal.precision import float64
from bayescale.laws import PowerLaw


@pytest.mark.parametrize("name", ["flops", "n_params", "n_tokens"])
@float64
def test_with_a_floor_it_is_e_plus_a_power(name):
    x = np.geomspace(1e6, 1e20, 5)
    computed = np.exp(
        PowerLaw(input=name).predict({"E": 1.5, "A": 30.0, "alpha": 0.2}, {name: np.log(x)})
    )
    np.testing.assert_allclose(computed, 1.5 + 30.0 / x**0.2, rtol=1e-13)


@float64
def test_without_a_floor_it_is_a_power():
    x = np.geomspace(1e6, 1e20, 5)
    computed = np.exp(
        PowerLaw(floor=False).predict({"A": 30.0, "alpha": 0.2}, {"flops": np.log(x)})
    )
    np.testing.assert_allclose(computed, 30.0 / x**0.2, rtol=1e-13)


def test_without_a_floor_there_is_no_parameter_e():
    assert [p.name for p in PowerLaw(floor=False).parameters] == ["A", "alpha"]
    assert [p.name for p in PowerLaw().parameters] == ["E", "A", "alpha"]


@float64
def test_kaplans_law_in_tokens_halves_the_loss_over_two_to_the_one_over_alpha():
    # Kaplan et al. 2020: alpha_D 0.095, D_c 5.4e13, that is A = D_c^alpha.
    law, params = PowerLaw(input="n_tokens", floor=False), {"A": 5.4e13**0.095, "alpha": 0.095}
    losses = np.exp(
        law.predict(params, {"n_tokens": np.log(np.array([5.4e13, 5.4e13 * 2 ** (1 / 0.095)]))})
    )
    np.testing.assert_allclose(losses, [1.0, 0.5], rtol=1e-12)


def test_the_formula_shows_the_input_as_a_symbol():
    assert PowerLaw(input="n_tokens").formula == "L(D) = E + A/D^α"
    assert PowerLaw(input="flops", floor=False).formula == "L(C) = A/C^α"
    assert PowerLaw(input="vocab").formula == "L(vocab) = E + A/vocab^α"
