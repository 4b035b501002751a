"""Allocations, against the closed form on a handful of draws made by hand."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Huber, Normal

DRAWS = {
    "E": [[1.6, 1.7, 1.8]],
    "A": [[400.0, 410.0, 390.0]],
    "B": [[410.0, 400.0, 2000.0]],
    "alpha": [[0.34, 0.33, 0.35]],
    "beta": [[0.28, 0.29, 0.37]],
}
BUDGETS = np.array([1e21, 5.76e23])


@pytest.fixture
def posterior(made_posterior):
    return made_posterior(Chinchilla(), Normal(), DRAWS | {"sigma": [[0.01, 0.02, 0.03]]})


def by_hand():
    e, a, b, alpha, beta = (np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "A", "B", "alpha", "beta"))
    n_params = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (BUDGETS / 6) ** (beta / (alpha + beta))
    n_tokens = BUDGETS / (6 * n_params)
    return {
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
        "loss": e + a / n_params**alpha + b / n_tokens**beta,
    }


def test_each_draw_has_the_optimum_of_the_closed_form(posterior):
    draws = bs.allocate(posterior, BUDGETS).draws
    for name, expected in by_hand().items():
        assert draws[name].dims == ("draw", "compute")
        np.testing.assert_allclose(draws[name], expected, rtol=1e-12)


def test_the_plan_spends_the_budget(posterior):
    draws = bs.allocate(posterior, BUDGETS).draws
    np.testing.assert_allclose(6 * draws["n_params"] * draws["n_tokens"], np.tile(BUDGETS, (3, 1)), rtol=1e-14)


def test_no_other_split_of_the_budget_has_a_lower_loss(posterior):
    draws = bs.allocate(posterior, BUDGETS[1]).draws.isel(compute=0)
    for factor in (0.5, 0.9, 1.1, 2.0):
        n_params = draws["n_params"].to_numpy() * factor
        other = [
            bs.forecast(posterior, n_params=n, n_tokens=BUDGETS[1] / (6 * n)).law_draws[i, 0] for i, n in enumerate(n_params)
        ]
        assert (np.array(other) > draws["loss"].to_numpy()).all()


def test_tied_exponents_split_every_budget_in_one_ratio(made_posterior):
    tied = {name: values for name, values in DRAWS.items() if name != "beta"}
    draws = bs.allocate(made_posterior(Chinchilla(tied=True), Huber(), tied), BUDGETS).draws
    np.testing.assert_allclose(draws["tokens_per_param"][:, 0], draws["tokens_per_param"][:, 1], rtol=1e-12)


def test_the_frame_is_tidy_one_row_a_budget_and_quantity(posterior):
    frame = bs.allocate(posterior, BUDGETS).frame
    assert list(frame.columns) == ["compute", "quantity", "unit", "mean", "sd", "q05", "q50", "q95"]
    assert frame["quantity"].tolist() == ["n_params", "n_tokens", "tokens_per_param", "loss"] * 2
    assert frame["compute"].tolist() == [1e21] * 4 + [5.76e23] * 4


def test_the_summary_is_numpys_over_draws(posterior):
    summary = bs.allocate(posterior, BUDGETS).summary()
    for name, draws in by_hand().items():
        row = summary.loc[(5.76e23, name)]
        assert row["mean"] == pytest.approx(draws[:, 1].mean())
        assert row["sd"] == pytest.approx(draws[:, 1].std(ddof=1))
        assert row["q05"] == pytest.approx(np.quantile(draws[:, 1], 0.05))
        assert row["q50"] == pytest.approx(np.quantile(draws[:, 1], 0.5))
        assert row["q95"] == pytest.approx(np.quantile(draws[:, 1], 0.95))


def test_a_budget_given_twice_is_answered_twice(posterior):
    frame = bs.allocate(posterior, [1e21, 1e21]).frame
    once = bs.allocate(posterior, 1e21).frame
    assert len(frame) == 2 * len(once)
    for half in (frame.iloc[:4], frame.iloc[4:]):
        np.testing.assert_allclose(half["sd"], once["sd"], rtol=1e-12)


def test_a_budget_as_a_whole_number_beyond_64_bits_is_taken(posterior):
    assert float(bs.allocate(posterior, 10**24).draws["compute"][0]) == 1e24


@pytest.mark.parametrize("compute", [0.0, -1e21, np.nan, np.inf, [1e21, -3.0]])
def test_a_budget_that_is_not_positive_is_refused(posterior, compute):
    with pytest.raises(InputError, match=r"compute = .* is not a positive number of FLOPs, such as 5.76e23"):
        bs.allocate(posterior, compute)


def test_a_law_without_a_trade_off_is_refused_with_one_that_has(made_posterior):
    posterior = made_posterior(PowerLaw(), Normal())
    with pytest.raises(InputError, match=r"L\(C\) = E \+ A/C\^α knows no trade-off .*; fit Chinchilla\(\) to allocate compute"):
        bs.allocate(posterior, 1e21)
