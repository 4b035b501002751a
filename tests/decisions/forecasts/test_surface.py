"""Surfaces, against forecasts of the same cells and NumPy on a handful of draws made by hand."""

import jax
import numpy as np
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla
from bayescale.noise import Huber, Normal, StudentT
from tests.inputs import inputs_of

DRAWS = {
    "E": [[1.6, 1.7], [1.8, 1.9]],
    "A": [[400.0, 410.0], [390.0, 420.0]],
    "B": [[410.0, 400.0], [420.0, 390.0]],
    "alpha": [[0.34, 0.33], [0.35, 0.34]],
    "beta": [[0.28, 0.29], [0.28, 0.27]],
}
N, D = np.array([1e9, 7e9, 70e9]), np.array([20e9, 140e9])
STATISTICS = ["mean", "sd", "q05", "q25", "q50", "q75", "q95"]


@pytest.fixture
def posterior(made_posterior):
    return made_posterior(Chinchilla(), Normal(), DRAWS | {"sigma": [[0.01, 0.02], [0.03, 0.04]]})


def forecast_of_every_cell(posterior):
    n_params, n_tokens = np.meshgrid(N, D, indexing="ij")
    return bs.forecast(posterior, n_params=n_params.ravel(), n_tokens=n_tokens.ravel())


def test_the_law_in_every_cell_is_a_forecasts(posterior):
    found = bs.surface(posterior, n_params=N, n_tokens=D).data
    expected = forecast_of_every_cell(posterior)
    for name in ("q05", "q25", "q50", "q75", "q95"):
        np.testing.assert_allclose(
            found[f"law_{name}"].to_numpy().ravel(), expected.frame[f"law_{name}"], rtol=1e-12
        )
    np.testing.assert_allclose(
        found["law_mean"].to_numpy().ravel(), expected.law_draws.mean(axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(
        found["law_sd"].to_numpy().ravel(), expected.law_draws.std(axis=0, ddof=1), rtol=1e-10
    )


@pytest.mark.parametrize("noise", [Normal(), StudentT()], ids=["normal", "student_t"])
def test_a_new_run_in_any_cell_has_the_distribution_that_a_forecast_gives_it(made_posterior, noise):
    rng = np.random.default_rng(1)
    params = {
        name: values[0][0] * np.exp(0.003 * rng.standard_normal((4, 5000)))
        for name, values in DRAWS.items()
    }
    params |= {"sigma": np.full((4, 5000), 0.02)} | (
        {"nu": np.full((4, 5000), 6.0)} if noise == StudentT() else {}
    )
    posterior = made_posterior(Chinchilla(), noise, params)
    found = bs.surface(posterior, n_params=N, n_tokens=D, seed=2).summary()
    expected = forecast_of_every_cell(posterior).summary()
    # Six Monte Carlo errors of each: an outer quantile of 20,000 draws is known to some 0.015 sd.
    for name in ("q05", "q25", "q50", "q75", "q95"):
        np.testing.assert_allclose((found[name] - expected[name]) / expected["sd"], 0.0, atol=0.13)


def test_scatter_is_drawn_once_a_draw_for_all_cells(posterior):
    data = bs.surface(posterior, n_params=N, n_tokens=D, seed=3).data
    single = bs.surface(posterior, n_params=N[1], n_tokens=D[0], seed=3).data
    for name in data:
        assert data[name].to_numpy()[1, 0] == pytest.approx(
            single[name].to_numpy()[0, 0], rel=1e-12
        )


def test_another_seed_scatters_otherwise_and_leaves_the_law(posterior):
    one, same, other = (
        bs.surface(posterior, n_params=N, n_tokens=D, seed=seed).data for seed in (1, 1, 2)
    )
    assert one.identical(same)
    assert (one["loss_q50"] != other["loss_q50"]).all()
    assert (one["law_q50"] == other["law_q50"]).all()


def test_the_data_has_the_laws_inputs_as_dimensions_and_a_map_of_each_statistic(posterior):
    data = bs.surface(posterior, n_tokens=D, n_params=N).data
    assert list(data.data_vars) == [
        f"{kind}_{name}" for kind in ("loss", "law") for name in STATISTICS
    ]
    assert {data[name].dims for name in data} == {("n_params", "n_tokens")}
    np.testing.assert_array_equal(data["n_params"], N)
    np.testing.assert_array_equal(data["n_tokens"], D)


def test_the_frame_has_one_row_a_cell_with_the_inputs_first(posterior):
    frame = bs.surface(posterior, n_params=N, n_tokens=D).frame
    assert list(frame.columns[:3]) == ["n_params", "n_tokens", "loss_mean"]
    assert frame["n_params"].tolist() == np.repeat(N, 2).tolist()
    assert frame["n_tokens"].tolist() == np.tile(D, 3).tolist()


def test_the_summary_is_that_of_a_new_run_under_a_forecasts_names(posterior):
    found = bs.surface(posterior, n_params=N, n_tokens=D)
    summary = found.summary()
    assert list(summary.columns) == ["n_params", "n_tokens", *STATISTICS]
    np.testing.assert_array_equal(summary["q95"], found.frame["loss_q95"])


def test_without_a_likelihood_a_new_run_is_the_laws(made_posterior):
    data = bs.surface(made_posterior(Chinchilla(), Huber(), DRAWS), n_params=N, n_tokens=D).data
    for name in STATISTICS:
        np.testing.assert_array_equal(data[f"loss_{name}"], data[f"law_{name}"])


def test_a_point_fit_has_no_spread(made_posterior):
    point = made_posterior(
        Chinchilla(), Huber(), {name: values[0][0] for name, values in DRAWS.items()}
    )
    data = bs.surface(point, n_params=N, n_tokens=D).data
    assert (data["loss_sd"] == 0).all()
    np.testing.assert_allclose(data["loss_q95"], data["loss_mean"], rtol=1e-14)


def test_tails_too_heavy_for_a_mean_leave_the_quantiles(made_posterior):
    params = {name: np.full((1, 400), values[0][0]) for name, values in DRAWS.items()}
    params |= {"sigma": np.full((1, 400), 0.1), "nu": np.full((1, 400), 0.2)}
    cell = (
        bs.surface(made_posterior(Chinchilla(), StudentT(), params), n_params=1e9, n_tokens=20e9)
        .summary()
        .iloc[0]
    )
    assert cell["mean"] == np.inf
    assert cell["q25"] < cell["q50"] < cell["q75"] < np.inf


def test_any_posterior_has_a_surface_over_its_laws_inputs(any_law, any_noise, made_posterior):
    posterior = made_posterior(any_law, any_noise)
    axes = inputs_of(any_law, [2e9, 4e9, 8e9])
    if any_law.response != "loss":
        with pytest.raises(
            bs.InputError, match=f"surface is of losses, and .* predicts {any_law.response}"
        ):
            bs.surface(posterior, **axes)
        return
    # The question is of values: operation by operation, laws share the small programs of each.
    with jax.disable_jit():
        data = bs.surface(posterior, **axes).data
    assert data["loss_q50"].shape == (3,) * len(any_law.inputs)
    assert (np.isfinite(data["loss_q50"]) & (data["loss_q50"] > 0)).all()


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
        (
            {"n_params": [[1e9]], "n_tokens": 1e9},
            r"n_params has the shape \(1, 1\); an axis is one number or a sequence",
        ),
        ({"n_params": [], "n_tokens": 1e9}, r"n_params has the shape \(0,\); an axis is"),
    ],
)
def test_inputs_that_cannot_be_are_refused(posterior, inputs, complaint):
    with pytest.raises(InputError, match=complaint):
        bs.surface(posterior, **inputs)
