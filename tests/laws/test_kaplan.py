"""Kaplan's joint law: its limits, its optimum, and what counting parameters without embeddings does
to an exponent.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, Coupled, Kaplan
from bayescale.laws.kaplan import with_embeddings, without_embeddings

PAPER = Kaplan.published[0].params
params = st.fixed_dictionaries(
    {
        "N_c": st.floats(1e10, 1e15),
        "D_c": st.floats(1e10, 1e15),
        "alpha_N": st.floats(0.03, 0.4),
        "alpha_D": st.floats(0.03, 0.4),
    }
)
log_params, log_tokens = st.floats(np.log(1e6), np.log(1e13)), st.floats(np.log(1e8), np.log(1e15))


def predict(c, log_n, log_d):
    return float(Kaplan().predict(c, {"n_params": log_n, "n_tokens": log_d}))


@given(c=params, log_n=log_params, log_d=log_tokens)
@float64
def test_it_is_the_coupled_law_without_a_floor(c, log_n, log_d):
    same = {
        "E": 1e-12,
        "A": c["N_c"] ** c["alpha_N"],
        "B": c["D_c"] ** c["alpha_D"],
        "alpha": c["alpha_N"],
        "beta": c["alpha_D"],
        "gamma": c["alpha_D"],
    }
    expected = Coupled().predict(same, {"n_params": log_n, "n_tokens": log_d})
    assert predict(c, log_n, log_d) == pytest.approx(float(expected), abs=1e-9)


@float64
def test_with_endless_data_or_an_endless_model_one_power_is_left():
    assert predict(PAPER, np.log(1e9), np.log(1e40)) == pytest.approx(
        0.076 * np.log(6.4e13 / 1e9), rel=1e-9
    )
    assert predict(PAPER, np.log(1e60), np.log(1e11)) == pytest.approx(
        0.103 * np.log(1.8e13 / 1e11), rel=1e-9
    )


@given(c=params, log_budget=st.floats(np.log(1e18), np.log(1e27)))
@float64
def test_no_other_split_of_compute_has_a_smaller_loss_than_the_optimum(c, log_budget):
    best = float(np.log(Kaplan().optimal_n_params(c, np.exp(log_budget))))
    at = [predict(c, n, log_budget - np.log(6) - n) for n in (best - 1e-3, best, best + 1e-3)]
    assert at[1] <= min(at[0], at[2])


@given(n=st.floats(1e3, 1e13))
def test_counting_embeddings_is_undone(n):
    assert with_embeddings(n) > n
    assert without_embeddings(with_embeddings(n)) == pytest.approx(n, rel=1e-9)


# T. Pearce and J. Song 2024: the exponent that Kaplan's procedure would have found, had
# Chinchilla's law been the truth.
@pytest.mark.parametrize(
    ("truth", "published"),
    [
        ({"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.34781, "beta": 0.36585}, 0.78),
        ({"E": 1.6934, "A": 406.4, "B": 410.7, "alpha": 0.3392, "beta": 0.2849}, 0.74),
    ],
)
@float64
def test_chinchillas_law_with_kaplans_counts_of_parameters_and_compute_gives_kaplans_exponent(
    truth, published
):
    without = np.geomspace(790, 1.58e9, 4001)  # the sizes of Kaplan's models
    log_compute = np.log(np.geomspace(1e9, 1e23, 1401))[:, None]
    log_inputs = {
        "n_params": np.log(with_embeddings(without)),
        "n_tokens": log_compute - np.log(6 * without),
    }
    best = np.argmin(np.asarray(Chinchilla().predict(truth, log_inputs)), axis=1)
    inside = (best > 0) & (best < len(without) - 1)
    exponent = np.polyfit(log_compute[inside, 0], np.log(without[best[inside]]), 1)[0]
    # The paper's grid of compute is not printed: it moves the exponent by some thousandths.
    assert exponent == pytest.approx(published, abs=0.01)
