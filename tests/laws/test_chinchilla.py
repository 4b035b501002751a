"""The Chinchilla law: its optimum, and the numbers that papers and their data give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla

ROUNDED, UNROUNDED, BESIROGLU = (published.params for published in Chinchilla.published)
GOPHER_COMPUTE = 5.76e23


def plain(params, n_params, n_tokens, tied=False):
    c = params
    return (
        c["E"]
        + c["A"] / n_params ** c["alpha"]
        + c["B"] / n_tokens ** (c["alpha"] if tied else c["beta"])
    )


def loss(params, n_params, n_tokens, law=None):
    return np.exp(
        float64((law or Chinchilla()).predict)(
            params, {"n_params": np.log(n_params), "n_tokens": np.log(n_tokens)}
        )
    )


# A table of constants as real sweeps give them.
plausible = st.fixed_dictionaries(
    {
        "E": st.floats(0.5, 3.0),
        "A": st.floats(50.0, 5000.0),
        "B": st.floats(50.0, 5000.0),
        "alpha": st.floats(0.15, 0.7),
        "beta": st.floats(0.15, 0.7),
    }
)


@pytest.mark.parametrize("tied", [False, True])
@given(params=plausible, n_params=st.floats(1e6, 1e13), n_tokens=st.floats(1e8, 1e15))
def test_the_loss_is_that_of_plain_powers(tied, params, n_params, n_tokens):
    computed = loss(params, n_params, n_tokens, Chinchilla(tied=tied))
    assert float(computed) == pytest.approx(plain(params, n_params, n_tokens, tied), rel=1e-12)


def test_tied_exponents_are_one_parameter():
    assert [p.name for p in Chinchilla(tied=True).parameters] == ["E", "A", "B", "alpha"]
    assert [p.name for p in Chinchilla().parameters] == ["E", "A", "B", "alpha", "beta"]


def test_a_term_that_underflows_leaves_the_floor():
    params = {"E": 1.69, "A": 1.0, "B": 1.0, "alpha": 60.0, "beta": 60.0}
    assert float(loss(params, 1e12, 1e12)) == pytest.approx(1.69, rel=1e-14)


@float64
def test_a_term_that_would_overflow_stands_as_its_logarithm():
    params = {"E": 1.69, "A": 2.0, "B": 2.0, "alpha": 40.0, "beta": 0.3}
    log_loss = Chinchilla().predict(params, {"n_params": -100.0, "n_tokens": 0.0})
    assert float(log_loss) == pytest.approx(np.log(2.0) + 4000.0, rel=1e-14)


@pytest.mark.parametrize("tied", [False, True])
@given(params=plausible, log_compute=st.floats(np.log(1e18), np.log(1e27)))
def test_the_optimum_is_where_the_loss_along_six_n_d_is_least(tied, params, log_compute):
    law, compute = Chinchilla(tied=tied), np.exp(log_compute)
    along = minimize_scalar(
        lambda log_n: np.log(
            plain(params, np.exp(log_n), compute / (6 * np.exp(log_n)), tied) - params["E"]
        ),
        bounds=(np.log(compute) / 2 - 40, np.log(compute) / 2 + 40),
        method="bounded",
        options={"xatol": 1e-10},
    )
    # Near its minimum the loss is flat to the last digit over some 1e-5 of log N, which bounds what
    # any search can find.
    assert np.log(law.optimal_n_params(params, compute)) == pytest.approx(along.x, abs=1e-4)


def test_the_optimum_broadcasts_over_draws_and_budgets():
    draws = {name: np.full((4, 1), value) for name, value in ROUNDED.items()}
    assert Chinchilla().optimal_n_params(draws, np.array([1e20, 1e22, 1e24])).shape == (4, 3)


@pytest.mark.parametrize(
    ("params", "ratio"), [(ROUNDED, 92.6), (UNROUNDED, 58.9)], ids=["rounded", "unrounded"]
)
def test_tokens_per_parameter_at_gophers_budget_as_hoffmanns_constants_give_them(params, ratio):
    n_params = Chinchilla().optimal_n_params(params, GOPHER_COMPUTE)
    assert GOPHER_COMPUTE / (6 * n_params**2) == pytest.approx(ratio, abs=0.05)


def test_the_best_size_at_gophers_budget_before_rounding():
    assert Chinchilla().optimal_n_params(UNROUNDED, GOPHER_COMPUTE) == pytest.approx(
        40.36e9, abs=0.005e9
    )


@pytest.mark.parametrize("params", [ROUNDED, UNROUNDED], ids=["rounded", "unrounded"])
def test_chinchilla_beats_gopher(params):
    assert loss(params, 70e9, 1.4e12) < loss(params, 280e9, 300e9)


def test_besiroglus_constants_are_as_printed():
    assert BESIROGLU == {"E": 1.81686, "A": 482.01, "B": 2085.43, "alpha": 0.34781, "beta": 0.36585}


@given(params=plausible, log_compute=st.floats(np.log(1e19), np.log(1e25)))
def test_along_the_frontier_the_excess_falls_as_a_power_of_compute(params, log_compute):
    def best_loss(log_c):
        n_params = Chinchilla().optimal_n_params(params, np.exp(log_c))
        return plain(params, n_params, np.exp(log_c) / (6 * n_params))

    step = 1e-4
    slope = (best_loss(log_compute + step) - best_loss(log_compute - step)) / (2 * step)
    alpha, beta = params["alpha"], params["beta"]
    excess = best_loss(log_compute) - params["E"]
    assert slope == pytest.approx(-alpha * beta / (alpha + beta) * excess, rel=1e-5, abs=1e-9)
