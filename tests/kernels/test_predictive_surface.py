"""Summaries of predictions cell by cell, against NumPy on all draws and cells at once."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayescale.kernels import predictive_surface

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DRAWS = 40


@dataclass(frozen=True)
class Falling:
    """L = a + b exp(−x); ``steps`` of it are one kernel."""

    steps: int = 1

    def predict(self, params, log_inputs):
        return jnp.log(params["a"] + params["b"] * jnp.exp(-self.steps * log_inputs["x"]))


def drawn(draws=DRAWS, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "a": 1.7 + 0.02 * rng.standard_normal(draws),
        "b": 0.5 + 0.05 * rng.standard_normal(draws),
    }


def scattered(draws=DRAWS, seed=1):
    return np.stack([np.zeros(draws), 0.01 * np.random.default_rng(seed).standard_normal(draws)])


def cells(count):
    return {"x": np.linspace(-1.0, 2.0, count)}


def summarised(params, log_inputs, scatter, dtype=np.float64, **options):
    arguments = jax.tree.map(
        lambda values: jnp.asarray(values, dtype), (params, log_inputs, scatter)
    )
    return predictive_surface(Falling(), *arguments, **{"quantiles": QUANTILES} | options)


def twin(params, log_inputs, scatter, quantiles=QUANTILES):
    """Mean, sd and quantiles in NumPy, with kinds first."""
    law = np.log(params["a"][:, None] + params["b"][:, None] * np.exp(-log_inputs["x"]))
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.exp(law + scatter[:, :, None])
        return (
            loss.mean(axis=1),
            loss.std(axis=1, ddof=1),
            np.quantile(loss, quantiles, axis=1).transpose(1, 0, 2),
        )


def assert_alike(found, expected, rtol):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_cells_in_blocks_of_any_fill_have_numpys_mean_sd_and_quantiles(count):
    arguments = drawn(), cells(count), scattered()
    assert_alike(summarised(*arguments, block_values=4 * DRAWS), twin(*arguments), rtol=1e-12)


def test_every_quantile_between_the_least_and_the_greatest_draw_is_numpys():
    quantiles = (0.0, 0.013, 1 / 3, 0.5, 0.987, 1.0)
    arguments = drawn(), cells(4), scattered()
    assert_alike(
        summarised(*arguments, quantiles=quantiles), twin(*arguments, quantiles), rtol=1e-12
    )


def test_float32_stays_float32_and_is_right_to_one_in_a_million():
    arguments = jax.tree.map(np.float32, (drawn(4000), cells(4), scattered(4000)))
    with jax.enable_x64(False):
        found = summarised(*arguments, dtype=np.float32)
    assert {array.dtype for array in found} == {jnp.dtype("float32")}
    assert_alike(found, twin(*jax.tree.map(np.float64, arguments)), rtol=1e-6)


def test_draws_that_are_nearly_the_same_keep_their_spread():
    params = {"a": 1.7 + 1e-9 * np.arange(DRAWS), "b": np.zeros(DRAWS)}
    found = summarised(params, cells(1), np.zeros((1, DRAWS)))
    assert float(found.sd[0, 0]) == pytest.approx(1e-9 * np.std(np.arange(DRAWS), ddof=1), rel=1e-5)


def test_draws_that_repeat_count_as_often_as_they_stand():
    indices = np.random.default_rng(2).integers(0, 5, DRAWS)
    arguments = (
        {name: values[indices] for name, values in drawn().items()},
        cells(3),
        scattered()[:, indices],
    )
    assert_alike(summarised(*arguments), twin(*arguments), rtol=1e-12)


def test_one_draw_has_no_spread():
    found = summarised(drawn(1), cells(3), np.zeros((1, 1)))
    np.testing.assert_array_equal(found.sd, np.zeros((1, 3)))
    np.testing.assert_allclose(found.quantiles[0], np.tile(found.mean, (5, 1)), rtol=1e-14)


def test_draws_that_overflow_leave_the_quantiles_that_they_do_not_reach_right():
    scatter = np.zeros((1, DRAWS))
    scatter[0, :4] = 1e6
    arguments = drawn(), cells(3), scatter
    found = summarised(*arguments)
    assert not np.isfinite(found.mean).any() and not np.isfinite(found.sd).any()
    np.testing.assert_allclose(found.quantiles[0, :4], twin(*arguments)[2][0, :4], rtol=1e-12)
    assert np.isposinf(found.quantiles[0, 4]).all()


def test_draws_that_scatter_alike_in_every_cell_predict_each_cell_as_draws_that_do_not():
    many = 20_000
    rng = np.random.default_rng(3)
    params, log_inputs = drawn(many), cells(6)
    found = summarised(params, log_inputs, scattered(many))
    law = params["a"][:, None] + params["b"][:, None] * np.exp(-log_inputs["x"])
    apart = law * np.exp(0.01 * rng.standard_normal(law.shape))
    # Of the 5 % quantile Monte Carlo knows a share √(0.05·0.95/n)/0.1 ≈ 0.015 of an sd; six such
    # errors of each sample.
    for one, other in zip(found.quantiles[1], np.quantile(apart, QUANTILES, axis=0), strict=True):
        np.testing.assert_allclose((one - other) / found.sd[1], 0.0, atol=0.13)


def test_a_curve_never_meets_more_than_a_block():
    seen = []

    class Watched(Falling):
        def predict(self, params, log_inputs):
            log_loss = super().predict(params, log_inputs)
            seen.append(log_loss.shape)
            return log_loss

    arguments = jax.tree.map(jnp.asarray, (drawn(), cells(100), scattered()))
    predictive_surface(Watched(), *arguments, quantiles=QUANTILES, block_values=7 * DRAWS)
    assert set(seen) == {(7, DRAWS)}


def test_equal_curves_and_shapes_are_compiled_once(compiled):
    summarised(drawn(), cells(6), scattered())
    compiled()
    summarised(drawn(seed=5), {"x": cells(6)["x"] + 1.0}, scattered(seed=6))
    assert compiled() == []
