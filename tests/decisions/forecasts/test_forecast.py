"""Forecasts, against NumPy on a handful of draws made by hand."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, Mixture
from bayescale.noise import Huber, Normal, StudentT
from tests.inputs import inputs_of

DRAWS = {
    "E": [[1.6, 1.7], [1.8, 1.9]],
    "A": [[400.0, 410.0], [390.0, 420.0]],
    "B": [[410.0, 400.0], [420.0, 390.0]],
    "alpha": [[0.34, 0.33], [0.35, 0.34]],
    "beta": [[0.28, 0.29], [0.28, 0.27]],
}
N, D = np.array([1e9, 7e9, 70e9]), np.array([20e9, 140e9, 1.4e12])


def law_by_hand():
    e, a, b, alpha, beta = (
        np.reshape(DRAWS[name], (-1, 1)) for name in ("E", "A", "B", "alpha", "beta")
    )
    return e + a / N**alpha + b / D**beta


@pytest.fixture
def posterior(made_posterior):
    return made_posterior(Chinchilla(), Normal(), DRAWS | {"sigma": [[0.01, 0.02], [0.03, 0.04]]})


def test_the_laws_loss_at_each_draw_is_numpys_chains_one_after_the_other(posterior):
    found = bs.forecast(posterior, n_params=N, n_tokens=D)
    np.testing.assert_allclose(found.law_draws, law_by_hand(), rtol=1e-12)


def test_without_a_likelihood_the_forecast_is_the_laws(made_posterior):
    found = bs.forecast(made_posterior(Chinchilla(), Huber(), DRAWS), n_params=N, n_tokens=D)
    np.testing.assert_allclose(found.draws, law_by_hand(), rtol=1e-12)
    np.testing.assert_array_equal(found.draws, found.law_draws)


def test_runs_scatter_about_the_law_by_the_scale_of_their_draw(posterior, made_posterior):
    found = bs.forecast(posterior, n_params=N, n_tokens=D, seed=3)
    doubled = made_posterior(
        Chinchilla(), Normal(), DRAWS | {"sigma": [[0.02, 0.04], [0.06, 0.08]]}
    )
    wider = bs.forecast(doubled, n_params=N, n_tokens=D, seed=3)
    scatter, twice = (np.log(f.draws) - np.log(f.law_draws) for f in (found, wider))
    assert (scatter != 0).all()
    np.testing.assert_allclose(twice, 2 * scatter, rtol=1e-9)


@pytest.mark.parametrize("noise", [Normal(), StudentT()], ids=["normal", "student_t"])
def test_the_scatter_has_the_spread_of_the_noise(made_posterior, noise):
    params = {name: np.full((4, 5000), values[0][0]) for name, values in DRAWS.items()}
    params |= {"sigma": np.full((4, 5000), 0.02)} | (
        {"nu": np.full((4, 5000), 6.0)} if noise == StudentT() else {}
    )
    found = bs.forecast(made_posterior(Chinchilla(), noise, params), n_params=1e9, n_tokens=20e9)
    standard_deviation = 0.02 * (np.sqrt(6 / 4) if noise == StudentT() else 1.0)
    assert np.std(np.log(found.draws)) == pytest.approx(standard_deviation, rel=0.03)
    assert np.mean(np.log(found.draws / found.law_draws)) == pytest.approx(0.0, abs=0.001)


def test_the_same_seed_gives_the_same_scatter_and_another_gives_other(posterior):
    one, same, other = (
        bs.forecast(posterior, n_params=N, n_tokens=D, seed=seed).draws for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_scatter_that_is_drawn_later_is_drawn_in_double_precision(posterior):
    assert bs.forecast(posterior, n_params=N, n_tokens=D).draws.dtype == np.float64


def test_tails_too_heavy_for_a_mean_give_an_infinite_one_and_quantiles_all_the_same(made_posterior):
    params = {name: np.full((1, 400), values[0][0]) for name, values in DRAWS.items()}
    params |= {"sigma": np.full((1, 400), 0.1), "nu": np.full((1, 400), 0.2)}
    found = (
        bs.forecast(made_posterior(Chinchilla(), StudentT(), params), n_params=1e9, n_tokens=20e9)
        .summary()
        .iloc[0]
    )
    assert found["mean"] == np.inf
    assert found["q25"] < found["q50"] < found["q75"] < np.inf


def test_the_summary_is_numpys_and_has_one_row_a_run(posterior):
    found = bs.forecast(posterior, n_params=N, n_tokens=D)
    summary = found.summary()
    assert list(summary.columns) == [
        "n_params",
        "n_tokens",
        "mean",
        "sd",
        "q05",
        "q25",
        "q50",
        "q75",
        "q95",
    ]
    assert summary["n_params"].tolist() == N.tolist()
    np.testing.assert_allclose(summary["mean"], found.draws.mean(axis=0))
    np.testing.assert_allclose(summary["sd"], found.draws.std(axis=0, ddof=1))
    for name, q in (("q05", 0.05), ("q25", 0.25), ("q50", 0.5), ("q75", 0.75), ("q95", 0.95)):
        np.testing.assert_allclose(summary[name], np.quantile(found.draws, q, axis=0))


def test_the_frame_tells_the_loss_of_a_run_from_the_laws(posterior):
    found = bs.forecast(posterior, n_params=N, n_tokens=D)
    statistics = ["mean", "sd", "q05", "q25", "q50", "q75", "q95"]
    expected = [
        "n_params",
        "n_tokens",
        *(f"loss_{s}" for s in statistics),
        *(f"law_{s}" for s in statistics),
    ]
    assert list(found.frame.columns) == expected
    np.testing.assert_allclose(found.frame["loss_q95"], np.quantile(found.draws, 0.95, axis=0))
    np.testing.assert_allclose(found.frame["law_q95"], np.quantile(found.law_draws, 0.95, axis=0))


def test_a_point_fit_has_no_spread(made_posterior):
    summary = bs.forecast(
        made_posterior(Chinchilla(), Huber(), {k: v[0][0] for k, v in DRAWS.items()}),
        n_params=N,
        n_tokens=D,
    )
    assert summary.draws.shape == (1, 3)
    assert summary.summary()["sd"].tolist() == [0.0, 0.0, 0.0]


def test_one_number_stands_for_every_run(posterior):
    one = bs.forecast(posterior, n_params=N, n_tokens=20e9)
    assert one.inputs["n_tokens"].tolist() == [20e9] * 3


def test_whole_numbers_beyond_64_bits_are_counts_too(posterior):
    assert np.isfinite(bs.forecast(posterior, n_params=10**20, n_tokens=10**22).draws).all()


def test_any_posterior_can_be_asked_for_its_laws_inputs(any_law, any_noise, made_posterior):
    found = bs.forecast(made_posterior(any_law, any_noise), **inputs_of(any_law, [2e9, 4e9]))
    assert found.draws.shape == (6, 2)
    assert found.response == any_law.response
    signed = any_law.response in ("relative_loss", "error", "score")
    assert (np.isfinite(found.draws) & ((found.draws >= 0) | signed)).all()


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({}, "takes n_params, n_tokens; nothing was given"),
        ({"n_params": 1e9}, "takes n_params, n_tokens; n_params was given"),
        (
            {"n_params": 1e9, "n_tokens": 1e9, "flops": 1e20},
            "takes n_params, n_tokens; n_params, n_tokens, flops was given",
        ),
        (
            {"n_params": -1e9, "n_tokens": 1e9},
            r"n_params = -1e\+09 is not a positive number; it is a count, such as 70e9",
        ),
        ({"n_params": 1e9, "n_tokens": [1e9, 0.0]}, "n_tokens = 0 is not a positive number"),
        ({"n_params": np.nan, "n_tokens": 1e9}, "n_params = nan is not a positive number"),
        ({"n_params": 1e9, "n_tokens": np.inf}, "n_tokens = inf is not a positive number"),
        (
            {"n_params": [1e9, 2e9], "n_tokens": [1e9, 2e9, 3e9]},
            "of one length, or of length one; here: n_params 2, n_tokens 3",
        ),
    ],
)
def test_inputs_that_cannot_be_are_refused(posterior, inputs, complaint):
    with pytest.raises(InputError, match=complaint):
        bs.forecast(posterior, **inputs)


def test_a_share_above_one_is_refused(made_posterior):
    posterior = made_posterior(Mixture(domains="web+code"), Normal())
    with pytest.raises(InputError, match="share_web = 40 is no share; give shares of one"):
        bs.forecast(posterior, share_web=40, share_code=0.6)
