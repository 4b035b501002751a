"""The data-constrained law: the paper's numbers, and what repeats are worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, DataConstrained

PAPER = DataConstrained.published[0].params
log_params, log_tokens = st.floats(np.log(1e7), np.log(1e12)), st.floats(np.log(1e8), np.log(1e13))


def predict(n_params, n_tokens, unique_tokens, params=PAPER):
    at = {"n_params": n_params, "n_tokens": n_tokens, "unique_tokens": unique_tokens}
    return float(
        DataConstrained().predict(params, {name: np.log(value) for name, value in at.items()})
    )


# N. Muennighoff et al. 2023: the models of figure 1, recomputed from the printed coefficients.
@pytest.mark.parametrize(
    ("n_params", "n_tokens", "expected"),
    [(6.34e9, 242e9, 2.2256440890), (8.67e9, 178e9, 2.2269634075)],
)
@float64
def test_the_two_models_of_the_paper_have_the_losses_of_its_coefficients(
    n_params, n_tokens, expected
):
    assert np.exp(predict(n_params, n_tokens, 25e9)) == pytest.approx(expected, abs=1e-10)


@given(log_n=log_params, log_d=log_tokens)
@float64
def test_with_endless_unique_tokens_it_is_chinchilla(log_n, log_d):
    expected = Chinchilla(tied=True).predict(PAPER, {"n_params": log_n, "n_tokens": log_d})
    assert predict(np.exp(log_n), np.exp(log_d), 1e40) == pytest.approx(float(expected), rel=1e-12)


@float64
def test_a_few_repeats_are_worth_nearly_as_much_as_new_tokens_and_many_nothing():
    once, twice, fresh = (
        predict(1e9, 1e11, 1e11),
        predict(1e9, 2e11, 1e11),
        predict(1e9, 2e11, 2e11),
    )
    assert once > twice > fresh
    assert (once - twice) / (once - fresh) > 0.9
    assert predict(1e9, 1e11 * 1e3, 1e11) == pytest.approx(predict(1e9, 1e11 * 1e5, 1e11), abs=1e-9)


@float64
def test_effective_tokens_are_at_most_one_and_a_decay_of_epochs():
    endless = predict(1e9, 1e30, 1e11, PAPER)
    fresh = Chinchilla(tied=True).predict(
        PAPER, {"n_params": np.log(1e9), "n_tokens": np.log(1e11 * (1 + PAPER["R_D"]))}
    )
    assert endless == pytest.approx(float(fresh), rel=1e-9)
