"""Double precision by context: JAX's own setting is the caller's."""

import jax
import jax.numpy as jnp
import pytest

from bayescale._internal.precision import float64


@pytest.fixture(params=[False, True], ids=["float32 outside", "float64 outside"])
def setting(request):
    with jax.enable_x64(request.param):
        yield request.param


def test_inside_it_numbers_are_doubles(setting):
    assert float64(lambda: jnp.ones(1).dtype)() == jnp.float64


def test_it_leaves_the_setting_as_it_was(setting):
    float64(lambda: None)()
    assert jax.config.jax_enable_x64 == setting


def test_it_leaves_the_setting_as_it_was_when_the_function_fails(setting):
    def fail():
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        float64(fail)()
    assert jax.config.jax_enable_x64 == setting


def test_one_inside_another_is_double_to_the_end(setting):
    def outer():
        float64(lambda: None)()
        return jnp.ones(1).dtype

    assert float64(outer)() == jnp.float64


def test_arguments_result_and_name_pass_through():
    @float64
    def add(a, b=2):
        """Sum."""
        return a + b

    assert add(1, b=5) == 6
    assert (add.__name__, add.__doc__) == ("add", "Sum.")
