"""Programs of small operations: options that this JAX knows, results that do not depend on them."""

import jax
import numpy as np
import pytest

from bayescale._internal import compiling
from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.precision import float64


def factor(x, times):
    return times * jax.numpy.linalg.cholesky(x @ x.T + jax.numpy.eye(3))


@pytest.mark.parametrize("use", Use)
def test_a_program_gives_what_it_gives_by_default_options(use):
    x = np.random.default_rng(0).standard_normal((3, 3))
    quick = float64(jit_for(use, "times")(factor))(x, times=2)
    np.testing.assert_allclose(
        quick, float64(jax.jit(factor, static_argnames="times"))(x, times=2), rtol=1e-12
    )


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the options are of compilers for CPUs")
def test_jax_knows_of_options_and_optimises_a_brief_program_less():
    often, brief = Use.OFTEN.options, Use.BRIEF.options
    level = "xla_backend_optimization_level"
    assert often.keys() == brief.keys()
    assert brief[level] < often[level]


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the options are of compilers for CPUs")
def test_an_option_that_jax_does_not_know_is_left_out_and_others_stay(monkeypatch):
    known = dict(Use.OFTEN.options)
    monkeypatch.setattr(compiling, "_SMALL", {"xla_of_another_year": True} | compiling._SMALL)
    assert Use.OFTEN.options == known
    assert "xla_of_another_year" not in Use.BRIEF.options


def test_a_program_in_float64_and_one_in_float32_are_two():
    doubled = jit_for(Use.BRIEF)(lambda x: 2 * x)
    assert doubled(1.5).dtype == np.float32
    assert float64(doubled)(1.5).dtype == np.float64


def test_a_program_within_another_is_part_of_it():
    doubled = jit_for(Use.BRIEF)(lambda x: 2 * x)
    assert jax.jit(lambda x: doubled(x) + 1)(3.0) == 7.0
    assert jax.grad(doubled)(3.0) == 2.0
    assert jax.vmap(doubled)(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]


def test_a_program_pinned_to_a_cpu_has_its_options_whatever_the_default_back_end(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert Use.OFTEN.options == {}
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        assert Use.OFTEN.options == Use.OFTEN.options_on("cpu") != {}


def test_a_program_is_compiled_by_the_options_of_the_device_that_each_call_runs_on(monkeypatch):
    asked = []
    monkeypatch.setattr(Use, "options_on", lambda use, platform: asked.append(platform) or {})
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    doubled = jit_for(Use.BRIEF)(lambda x: 2 * x)
    assert doubled(3.0) == 6.0
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        assert doubled(3.0) == 6.0
    assert asked == ["gpu", "cpu"]
