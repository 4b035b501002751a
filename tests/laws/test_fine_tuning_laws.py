"""The laws of fine-tuning: where the power sets in, and what the other factor does."""

import numpy as np
import pytest

from bayescale._internal.precision import float64
from bayescale.laws import FineTuning, PowerLaw, RectifiedSFT

RECTIFIED = {"E": 1.0, "B": 40.0, "D_l": 50.0, "beta": 0.5}
JOINT = {"E": 1.0, "A": 40.0, "alpha": 0.2, "beta": 0.1}


def rectified(examples, **changed):
    return float(
        np.exp(RectifiedSFT().predict({**RECTIFIED, **changed}, {"n_examples": np.log(examples)}))
    )


@float64
def test_without_examples_the_loss_is_that_of_the_model_as_it_was_pre_trained():
    assert rectified(1e-12) == pytest.approx(1.0 + 40.0 / 50.0)


@float64
def test_without_learned_data_it_is_a_power_law():
    power = PowerLaw(input="n_examples").predict(
        {"E": 1.0, "A": 40.0, "alpha": 0.5}, {"n_examples": np.log(300.0)}
    )
    assert rectified(300.0, D_l=1e-12) == pytest.approx(float(np.exp(power)))


@float64
def test_ten_times_the_examples_divide_the_excess_alike_at_every_size_of_the_model():
    def excess(n_params, examples):
        at = {"n_params": np.log(n_params), "n_examples": np.log(examples)}
        return float(np.exp(FineTuning().predict(JOINT, at))) - 1.0

    for n_params in (1e8, 1e10):
        assert excess(n_params, 1e5) / excess(n_params, 1e4) == pytest.approx(10**-0.1)


def test_a_factor_with_the_symbol_of_the_data_is_called_x():
    assert FineTuning(factor="n_tokens").formula == "L(X, D) = E + A/(X^α·D^β)"
