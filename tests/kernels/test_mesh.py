"""One device changes nothing. What several do is in ``tests/devices``."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayescale.kernels.mesh import described, devices, over_devices, padded_count, stacked


@pytest.fixture
def pinned():
    """All work on the first device, however many there are."""
    with jax.default_device(jax.devices()[0]):
        yield


def test_there_are_the_devices_that_jax_sees():
    assert devices() == jax.devices()


def test_work_may_be_pinned_to_one_device_or_one_platform():
    (first, *_) = jax.devices("cpu")
    for where in (first, "cpu"):
        with jax.default_device(where):
            assert devices() == [first]
            assert padded_count(7) == 7


def test_with_one_device_the_work_is_called_as_it_is(pinned):
    parts = object(), object()
    assert over_devices(lambda *given: given, *parts) == parts


def test_each_device_is_described():
    rows = described()
    assert [row["id"] for row in rows] == [device.id for device in jax.devices()]
    for row in rows:
        assert set(row) == {"id", "kind", "platform", "process", "memory"}
        assert row["process"] == 0
        assert row["memory"] is None or row["memory"] > 2**20


def test_results_by_number_are_stacked_in_order(pinned):
    own = {1: {"x": jnp.ones(2)}, 0: {"x": jnp.zeros(2)}}
    like = {"x": jax.ShapeDtypeStruct((2,), np.float64)}
    np.testing.assert_array_equal(
        stacked(own, [devices()[0]] * 2, like)["x"], [[0.0, 0.0], [1.0, 1.0]]
    )
