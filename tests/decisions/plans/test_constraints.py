"""Constraints, hardware and FLOP models: what they count, and what they refuse."""

import numpy as np
import pytest
from numpyro import distributions as dist

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.plans.constraints import draws_of
from bayescale.errors import InputError


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_params": 0.0}, r"max_params=0.0 must be a positive number"),
        ({"max_days": 30}, r"max_days needs flops_per_second, how fast training goes"),
        ({"max_cost": 1e6}, r"max_cost needs train_price"),
        ({"serve_price": 1e-18}, r"serve_price needs train_price"),
        ({"repeats": bs.Repeats()}, r"repeats needs unique_tokens"),
    ],
)
def test_a_bound_that_cannot_be_counted_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        bs.Constraints(**wrong)


def test_serving_costs_what_training_does_unless_its_price_is_given():
    assert bs.Constraints(train_price=2e-18).prices == (2e-18, 2e-18)
    assert bs.Constraints(train_price=2e-18, serve_price=5e-18).prices == (2e-18, 5e-18)


def test_an_uncertain_count_has_a_draw_for_each_of_the_posterior():
    prior = draws_of("unique_tokens", dist.LogNormal(np.log(300e12), 0.5), 4000, seed=0)
    assert np.log(prior).mean() == pytest.approx(np.log(300e12), abs=0.03)
    assert np.log(prior).std() == pytest.approx(0.5, rel=0.05)
    np.testing.assert_array_equal(
        draws_of("unique_tokens", [1e12, 2e12, 3e12], 3, seed=0), [1e12, 2e12, 3e12]
    )
    assert set(draws_of("unique_tokens", [1e12, 2e12], 100, seed=0)) == {1e12, 2e12}


@pytest.mark.parametrize("given", [0.0, -1e12, np.nan, [1e12, -1.0], dist.Normal(0.0, 1.0)])
def test_a_count_that_is_not_positive_is_refused(given):
    with pytest.raises(
        InputError, match=r"unique_tokens = .* is not a positive number; it is a count"
    ):
        draws_of("unique_tokens", given, 50, seed=0)


def test_the_price_of_a_flop_is_an_hours_over_what_is_done_in_it():
    hardware = bs.Hardware(peak_flops=1e15, utilisation=0.5, devices=100, price_per_hour=1.8)
    assert hardware.price_per_flop == pytest.approx(1.8 / (3600 * 0.5e15))
    assert hardware.flops_per_second == pytest.approx(100 * 0.5e15)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"peak_flops": 0.0, "utilisation": 0.4}, "peak_flops=0"),
        ({"peak_flops": 1e15, "utilisation": 40.0}, "share of the peak"),
        ({"peak_flops": 1e15, "utilisation": 0.4, "price_per_hour": -1.0}, "price_per_hour=-1"),
    ],
)
def test_hardware_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        bs.Hardware(**wrong)


# Hoffmann et al. 2022, table A4: FLOPs of their count over 6·N·D. It leaves out logits, and N has
# positions of l·d² as well.
@pytest.mark.parametrize(
    ("layers", "width", "head_size", "published"),
    [
        (10, 640, 64, 1.03),
        (20, 1024, 64, 1.10),
        (24, 1280, 128, 1.08),
        (26, 1792, 128, 1.04),
        (28, 2048, 128, 1.03),
        (40, 3584, 128, 0.99),
    ],
)
@float64
def test_a_transformers_flops_are_those_of_the_published_count(layers, width, head_size, published):
    shape = bs.TransformerFlops(
        context=2048, vocabulary=0, width_to_depth=width / layers, head_size=head_size
    )
    n_params = 13 * layers * width**2 + 32_000 * width
    assert float(shape.forward(12 * layers * width**2)) / (2 * n_params) == pytest.approx(
        published, abs=0.006
    )


@float64
def test_embeddings_and_logits_count_once_each():
    shape = bs.TransformerFlops(context=0, vocabulary=32_000, width_to_depth=100.0)
    width, layers = 8192, 81.92
    n_params = 12 * layers * width**2 + 32_000 * width
    assert float(shape.forward(n_params)) == pytest.approx(2 * n_params, rel=1e-12)


@pytest.mark.parametrize(
    "shape", [bs.TransformerFlops(), bs.TransformerFlops(context=131_072, vocabulary=256_000)]
)
@float64
def test_flops_grow_steadily_enough_with_size_for_one_optimum(shape):
    # The slope of loss along a budget changes sign once where d log ε/d log N > −(α + βε), with ε
    # the elasticity of FLOPs.
    log_n = np.linspace(np.log(1e6), np.log(1e14), 1000)
    elasticity = np.gradient(np.log(np.asarray(shape.forward(np.exp(log_n)))), log_n)
    assert (elasticity > 0).all()
    assert (np.gradient(np.log(elasticity), log_n) > -0.3).all()
