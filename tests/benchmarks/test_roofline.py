"""Estimates of what an accelerator would do, as far as a machine without one can say."""

import math

import numpy as np
import pytest
import roofline

from bayescale.kernels.sizes import BY_PLATFORM


@pytest.fixture(scope="module")
def precision() -> dict[str, dict[str, float]]:
    return roofline.precision(roofline.QUICK_EXPONENTS)


def test_in_float32_with_all_bits_the_evidence_and_the_exponents_are_right(precision) -> None:
    errors = precision["float32, all bits"]
    assert errors["log_evidence"] < 1e-3
    assert errors["quantile"] < 0.01


@pytest.mark.parametrize("careless", ["TF32, a GPU's default", "bfloat16, a TPU's default"])
def test_with_the_bits_that_a_device_takes_by_default_they_are_not(precision, careless) -> None:
    assert precision[careless]["log_evidence"] > 5e-3


def test_numbers_are_rounded_to_the_nearest_of_some_significant_bits() -> None:
    values = np.array([1.0, 1.0 + 2**-9, 1.0 + 2**-8, -3.1, 0.0])
    assert roofline.shortened(values, 8).tolist() == [1.0, 1.0, 1.0, -3.09375, 0.0]
    np.testing.assert_allclose(roofline.shortened(values, 24), values, rtol=2**-24)


def test_larger_parts_take_fewer_launches() -> None:
    small, large = (BY_PLATFORM[platform]._asdict() for platform in ("cpu", "gpu"))
    for call in roofline.CALLS:
        assert call.launches(large) < call.launches(small) / 5


def test_a_call_takes_at_least_its_memory_and_its_launches() -> None:
    sizes, card = BY_PLATFORM["gpu"]._asdict(), roofline.Card()
    for call in roofline.CALLS:
        found = roofline.expected(call, card, sizes)
        assert found["roofline"] >= found["bytes"] / card.bandwidth
        rest = found["expected"] - found["roofline"]
        assert math.isclose(rest, card.launch * found["launches"])
