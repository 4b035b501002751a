"""The coupled law: what lies between the two limits it joins, its optimum, and the form of the
papers.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, Coupled
from bayescale.priors import Separate

# A table of constants as real sweeps give them.
chinchillas = st.fixed_dictionaries(
    {
        "E": st.floats(0.5, 3.0),
        "A": st.floats(50.0, 5000.0),
        "B": st.floats(50.0, 5000.0),
        "alpha": st.floats(0.15, 0.7),
        "beta": st.floats(0.15, 0.7),
    }
)
couplings = st.floats(0.05, 2.0)
log_params, log_tokens = st.floats(np.log(1e6), np.log(1e13)), st.floats(np.log(1e8), np.log(1e15))
log_budgets = st.floats(np.log(1e18), np.log(1e27))


def predict(params, log_n, log_d):
    return float(Coupled().predict(params, {"n_params": log_n, "n_tokens": log_d}))


@given(params=chinchillas, log_n=log_params, log_d=log_tokens)
@float64
def test_at_a_coupling_of_one_it_is_chinchilla(params, log_n, log_d):
    expected = Chinchilla().predict(params, {"n_params": log_n, "n_tokens": log_d})
    assert predict(params | {"gamma": 1.0}, log_n, log_d) == pytest.approx(
        float(expected), rel=1e-14, abs=1e-15
    )


@given(params=chinchillas, log_n=log_params, log_d=log_tokens)
@float64
def test_at_a_coupling_near_nothing_the_larger_of_the_two_limits_sets_the_loss(
    params, log_n, log_d
):
    c = params
    limits = c["A"] * np.exp(-c["alpha"] * log_n), c["B"] * np.exp(-c["beta"] * log_d)
    # γ log 2 at most lies between the two.
    found = np.exp(predict(c | {"gamma": 1e-4}, log_n, log_d)) - c["E"]
    assert found == pytest.approx(max(limits), rel=1e-4, abs=1e-12)


@given(params=chinchillas, gamma=couplings, log_n=log_params, log_d=log_tokens)
@float64
def test_it_is_the_law_of_the_papers_in_other_letters(params, gamma, log_n, log_d):
    c = params
    alpha, beta, a, b = (
        c["alpha"] / gamma,
        c["beta"] / gamma,
        c["A"] ** (1 / gamma),
        c["B"] ** (1 / gamma),
    )
    papers = c["E"] + (a * np.exp(-alpha * log_n) + b * np.exp(-beta * log_d)) ** gamma
    assert predict(c | {"gamma": gamma}, log_n, log_d) == pytest.approx(np.log(papers), rel=1e-9)


@given(params=chinchillas, gamma=couplings, log_n=log_params)
@float64
def test_what_endless_tokens_leave_is_a_over_n_to_the_alpha(params, gamma, log_n):
    left = np.exp(predict(params | {"gamma": gamma}, log_n, 4000.0)) - params["E"]
    assert left == pytest.approx(
        params["A"] * np.exp(-params["alpha"] * log_n), rel=1e-9, abs=1e-14
    )


@given(params=chinchillas, gamma=couplings, log_compute=log_budgets)
@float64
def test_at_the_optimum_the_loss_along_six_n_d_neither_falls_nor_rises(params, gamma, log_compute):
    c = params | {"gamma": gamma}
    best = np.log(Coupled().optimal_n_params(c, np.exp(log_compute)))

    def excess(log_n):
        a, b = (
            jnp.log(c["A"]) - c["alpha"] * log_n,
            jnp.log(c["B"]) - c["beta"] * (log_compute - np.log(6) - log_n),
        )
        return gamma * jnp.logaddexp(a / gamma, b / gamma)

    assert float(jax.grad(excess)(best)) == pytest.approx(0.0, abs=1e-9)
    step = 0.05
    assert excess(best) < min(excess(best - step), excess(best + step))


@given(params=chinchillas, log_compute=log_budgets)
@float64
def test_at_a_coupling_of_one_the_optimum_is_chinchillas(params, log_compute):
    found = Coupled().optimal_n_params(params | {"gamma": 1.0}, np.exp(log_compute))
    assert found == pytest.approx(
        Chinchilla().optimal_n_params(params, np.exp(log_compute)), rel=1e-9
    )


def test_the_optimum_broadcasts_over_draws_and_budgets():
    hoffmann = dict(Chinchilla.published[0].params) | {"gamma": 0.5}
    draws = {name: np.full((4, 1), value) for name, value in hoffmann.items()}
    assert Coupled().optimal_n_params(draws, np.array([1e20, 1e22, 1e24])).shape == (4, 3)


@pytest.mark.parametrize("published", Coupled.published, ids=lambda one: one.source)
@float64
def test_published_constants_give_the_loss_of_the_printed_form(published):
    # Beck et al. 2025: exp(e) + (exp(a)/N^alpha + exp(b)/D^beta)^gamma.
    printed = {
        "Beck et al. 2025, Transformers": (
            0.090102,
            14.445072,
            16.329536,
            0.644827,
            0.625879,
            0.253203,
        ),
        "Beck et al. 2025, xLSTM": (0.176768, 15.457385, 16.52583, 0.705822, 0.653441, 0.2578),
    }
    e, a, b, alpha, beta, gamma = printed[published.source]
    n, d = np.meshgrid(np.geomspace(1e8, 1e11, 4), np.geomspace(1e9, 1e13, 5))
    found = np.exp(
        Coupled().predict(published.params, {"n_params": np.log(n), "n_tokens": np.log(d)})
    )
    np.testing.assert_allclose(
        found, np.exp(e) + (np.exp(a) / n**alpha + np.exp(b) / d**beta) ** gamma, rtol=1e-12
    )


@settings(max_examples=20)
@given(log_gamma=st.floats(-5.0, 1.0), seed=st.integers(0, 2**32 - 1))
@float64
def test_straight_coordinates_are_as_good_at_a_coupling_near_nothing(log_gamma, seed):
    logs = np.append(np.random.default_rng(seed).normal(0.0, 2.0, size=5), log_gamma)
    law = Coupled(prior=Separate())
    decorrelated = law.decorrelate(list(logs))
    np.testing.assert_allclose(law.recorrelate(decorrelated), logs, rtol=1e-9, atol=1e-9)
    slopes = jax.jacfwd(lambda v: jnp.stack(law.recorrelate(list(v))))(jnp.stack(decorrelated))
    assert float(jnp.linalg.slogdet(slopes)[1]) == pytest.approx(0.0, abs=1e-8)
