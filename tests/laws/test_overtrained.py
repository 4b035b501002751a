"""The law of over-training: the published curves, and its equality with Chinchilla's of one
exponent.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, Overtrained

# S. Y. Gadre et al. 2024, as the authors' repository has it: L = E + a·N^b + β·6^(b/2)·(M·N)^b.
REPOSITORY = {
    "C4": (113.69, 189.52, -0.24247, 1.50826),
    "RedPajama": (166.21, 366.69, -0.27285, 1.83665),
    "RefinedWeb": (125.10, 246.21, -0.25439, 1.73446),
}
log_params, log_tokens = st.floats(np.log(1e7), np.log(1e12)), st.floats(np.log(1e8), np.log(1e13))


@pytest.mark.parametrize("corpus", REPOSITORY)
@given(log_n=log_params, log_d=log_tokens)
@float64
def test_published_constants_give_the_losses_of_the_repositorys_formula(corpus, log_n, log_d):
    a, beta, power, e = REPOSITORY[corpus]
    (published,) = (one.params for one in Overtrained.published if corpus in one.source)
    n, m = np.exp(log_n), np.exp(log_d - log_n)
    expected = e + a * n**power + beta * 6 ** (power / 2) * (m * n) ** power
    found = np.exp(Overtrained().predict(published, {"n_params": log_n, "n_tokens": log_d}))
    assert float(found) == pytest.approx(expected, rel=1e-12)


@given(log_c=st.floats(np.log(1e18), np.log(1e27)))
@float64
def test_the_best_ratio_of_tokens_to_parameters_is_the_same_at_every_budget(log_c):
    params = Overtrained.published[0].params
    n_params = float(Overtrained().optimal_n_params(params, np.exp(log_c)))
    ratio = np.exp(log_c) / (6 * n_params**2)
    assert ratio == pytest.approx(
        (params["b"] / params["a"]) ** (1 / (2 * params["eta"])), rel=1e-9
    )


@float64
def test_it_is_chinchillas_law_of_one_exponent():
    c = Overtrained.published[0].params
    same = {
        "E": c["E"],
        "A": c["a"] * 6 ** -c["eta"],
        "B": c["b"] * 6 ** -c["eta"],
        "alpha": 2 * c["eta"],
    }
    at = {"n_params": np.log(1e9), "n_tokens": np.log(3e11)}
    assert float(Overtrained().predict(c, at)) == pytest.approx(
        float(Chinchilla(tied=True).predict(same, at)), rel=1e-14
    )
