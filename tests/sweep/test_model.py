"""Sizes and FLOPs are counted exactly, and no byte is predicted from itself or from a later one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params
from model import CONTEXT, Shape, initialise, losses

compiled = jax.jit(losses, static_argnames="shape")
SHAPES = [Shape(8, depth=1), Shape(24), Shape(64, depth=2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_parameters_are_counted_as_they_are(shape):
    leaves = jax.eval_shape(lambda key: initialise(shape, key), jax.random.key(0))
    assert shape.n_params == sum(leaf.size for leaf in leaves.values())
    embeddings = leaves["embedding"].size + leaves["output"].size
    assert shape.n_params_non_embedding == shape.n_params - embeddings


@pytest.mark.parametrize("shape", SHAPES)
def test_flops_are_those_of_every_matrix_product_of_a_gradient(shape):
    params = jax.eval_shape(lambda key: initialise(shape, key), jax.random.key(0))
    windows = jax.ShapeDtypeStruct((2, CONTEXT), jnp.uint8)
    program = jax.make_jaxpr(jax.grad(lambda p, w: losses(p, w, shape).mean()))(params, windows)
    assert products(program.jaxpr) == shape.flops_per_byte * 2 * CONTEXT


def products(program):
    """2·m·n·k of each product, those of inner programs included."""
    total = 0
    for step in program.eqns:
        if step.primitive.name == "dot_general":
            (summed, _), _ = step.params["dimension_numbers"]
            total += (
                2
                * step.outvars[0].aval.size
                * np.prod([step.invars[0].aval.shape[axis] for axis in summed], dtype=int)
            )
        total += sum(
            products(getattr(inner, "jaxpr", inner)) for inner in jaxprs_in_params(step.params)
        )
    return total


def test_a_loss_depends_on_no_later_byte_and_on_each_earlier_one():
    shape = Shape(8, depth=1)
    rng = np.random.default_rng(0)
    params = {
        name: rng.normal(size=leaf.shape)
        for name, leaf in initialise(shape, jax.random.key(0)).items()
    }
    windows = rng.integers(1, 256, (1, CONTEXT), dtype=np.uint8)
    place = 40
    changed = windows.copy()
    changed[0, place] ^= 1
    before, after = (np.asarray(compiled(params, w, shape))[0] for w in (windows, changed))
    np.testing.assert_array_equal(before[:place], after[:place])
    assert (before[place:] != after[place:]).mean() > 0.9


def test_an_untrained_model_finds_all_bytes_equally_likely():
    shape = Shape(8, depth=1)
    windows = np.ones((1, CONTEXT), np.uint8)
    np.testing.assert_allclose(
        compiled(initialise(shape, jax.random.key(0)), windows, shape), np.log(256), rtol=1e-5
    )
