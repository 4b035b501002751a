"""Where programs run, by which options of compilers, and that results do not depend on them."""

import jax
import numpy as np
import pytest

from bayescale._internal import compiling, devices
from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.devices import pinned_to, target_platform
from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.kernels.sizes import sizes


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
    assert Use.SEARCH.options == often
    assert Use.WIDE.options == {}
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
    doubled = jit_for(Use.SEARCH)(lambda x: 2 * x)
    assert doubled(3.0) == 6.0
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        assert doubled(3.0) == 6.0
    assert asked == ["gpu", "cpu"]


@pytest.mark.parametrize("use", [Use.OFTEN, Use.BRIEF])
def test_a_program_of_small_operations_runs_on_the_host_of_an_accelerator(use, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    seen = []
    jit_for(use)(lambda x: seen.append(target_platform()) or x)(1.0)
    assert seen == ["cpu"]


@pytest.mark.parametrize("use", [Use.SEARCH, Use.WIDE])
def test_a_program_on_many_numbers_at_once_runs_on_the_accelerator(use, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    seen = []
    jit_for(use)(lambda x: seen.append((target_platform(), sizes().members)) or x)(1.0)
    assert seen == [("gpu", 4096)]


def test_sizes_are_those_of_the_device_of_each_call(monkeypatch):
    seen = []
    counted = jit_for(Use.WIDE)(lambda x: seen.append(sizes().members) or x)
    counted(1.0)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    counted(1.0)
    assert seen == [500, 4096]


def test_doubles_stay_off_a_tpu_and_floats_go_there(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    seen = []
    seeing = jit_for(Use.WIDE)(lambda x: seen.append(target_platform()) or x)
    float64(seeing)(1.0)
    seeing(np.float32(1.0))
    assert seen == ["cpu", "tpu"]


def test_doubles_that_are_pinned_to_a_tpu_are_refused(monkeypatch):
    monkeypatch.setattr(devices, "target_platform", lambda: "tpu")
    cpu = jax.local_devices(backend="cpu")[0]
    with jax.default_device(cpu), pytest.raises(InputError, match="no double precision"):
        float64(jit_for(Use.WIDE)(lambda x: x))(1.0)


def test_a_device_that_is_not_there_is_refused_by_those_that_are():
    with pytest.raises(InputError, match=r"no device gpu:3; it sees cpu:0"):
        pinned_to("gpu:3")


def test_a_device_by_name_pins_work():
    with pinned_to("cpu"):
        assert devices.pinned_device() == jax.local_devices(backend="cpu")[0]
    with pinned_to(None):
        assert devices.pinned_device() is None
