"""Fixtures that several folders of tests share: compiled programs, every law and noise model there
is, and posteriors made by hand.

A test that takes ``any_law``, ``any_noise`` or ``any_likelihood`` runs once for each that discovery
finds, with every option that is a switch on and off, so that a new file is tested without
registering it.
"""

import dataclasses
import gc
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
from jaxtyping import install_import_hook

# Modules whose functions are held to the shapes that they say: see shapes.py. Before any of them is
# imported, which conftests of folders do; this imports no JAX.
SHAPED = (
    "bayescale.inference._coordinates",
    "bayescale.inference._conditional",
    "bayescale.inference._mixture",
    "bayescale.inference._pool",
    "bayescale.kernels.additive_grid",
    "bayescale.kernels.blocks",
    "bayescale.kernels.elimination",
    "bayescale.kernels.levenberg_marquardt",
    "bayescale.kernels.newton",
)


def _check_shapes() -> None:
    # Under a name of its own, since pytest's import mode leaves packages of tests incomplete.
    spec = importlib.util.spec_from_file_location(
        "checked_shapes", Path(__file__).parent / "shapes.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    install_import_hook(SHAPED, f"{spec.name}.checked")


_check_shapes()

# JAX compiles on the first example of a shape, so the time of one example says nothing.
hypothesis.settings.register_profile("bayescale", deadline=None, max_examples=30)
hypothesis.settings.load_profile("bayescale")

# A program holds some 25 maps and 5 MB: these are 600 programs in 3 GB, and one module more stays
# far from what Linux allows.
_MANY_MAPS = 15_000

# Options that discovery cannot guess, since their values are names.
_MORE = {
    "power_law": ("input=n_params", "input=n_tokens,floor=false"),
    "broken_power_law": ("input=n_tokens,breaks=2",),
    "compute_scale": ("base=laplace",),
    "frontier_scale": ("base=normal,slope=0.5",),
    "discrepancy": ("base=compute_scale,processes=matern:length=1.2",),
    "group_effects": ("base=normal",),
}


# Tests spend most of their time compiling, much of it on optimising what then runs but shortly.
_FLAGS = ("--xla_backend_optimization_level=1", "--xla_llvm_disable_expensive_passes=true")
# What `bayescale._internal.compiling` gives the programs of fits, for kernels too, and one piece of
# machine code a program. XLA ends the process at a flag that it does not know, so these are for the
# releases of which it is known.
_FLAGS_OF_0_10 = (
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_scheduler_type=CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    "--xla_cpu_parallel_codegen_split_count=1",
)


def _compiler_flags() -> tuple[str, ...]:
    known = importlib.metadata.version("jaxlib").startswith("0.10.")
    return _FLAGS + _FLAGS_OF_0_10 if known else _FLAGS


def _set_up_compiler() -> tempfile.TemporaryDirectory[str] | None:
    """Set the compiler's options and the folder of compiled programs, unless they are given; return
    the folder that was made.

    By environment, so that workers and the processes which tests start find the programs too.
    """
    os.environ.setdefault("XLA_FLAGS", " ".join(_compiler_flags()))
    # Where in the source each operation stands is found while tracing, and asked for by no test.
    os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    folder = tempfile.TemporaryDirectory(prefix="bayescale-xla-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return folder


# While this file is imported, since the conftests of folders load JAX, which reads these then.
_FOLDER = _set_up_compiler()


def pytest_configure(config: pytest.Config) -> None:
    if _FOLDER is not None:
        config.add_cleanup(_FOLDER.cleanup)
    # What collection makes stays, so that there is no garbage to look for.
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what is loaded by now, which stays to the end, out of every later collection of
    garbage.

    Tracing makes many objects, and Python looks through all that live each time.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def _memory_maps() -> int:
    """Return how many memory maps this process holds, 0 where the system does not count them."""
    try:
        with Path("/proc/self/maps").open("rb") as maps:
            return sum(1 for _ in maps)
    except OSError:
        return 0


@pytest.fixture(scope="session")
def forget_programs() -> Callable[[], None]:
    """Have compiled programs leave memory once they are many; those that are needed again are read
    from the folder.

    Each holds some memory maps, of which Linux allows a process 65530, and at the last one XLA's
    compiler dies. Until they are many they stay, since to trace a program again takes a quarter of
    the time of compiling it.
    """

    def forget() -> None:
        if _memory_maps() < _MANY_MAPS:
            return
        import jax

        from bayescale.inference import _programs

        _programs.forget_programs()
        jax.clear_caches()

    return forget


@pytest.fixture(autouse=True, scope="module")
def programs_of_a_module(forget_programs: Callable[[], None]) -> Iterator[None]:
    yield
    forget_programs()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"any_law", "any_noise"} <= set(metafunc.fixturenames):
        _parametrize_pairs(metafunc)
        return
    if "any_law" in metafunc.fixturenames:
        _parametrize(metafunc, "any_law", _instances("bayescale.laws"))
    if "any_noise" in metafunc.fixturenames:
        _parametrize(metafunc, "any_noise", _instances("bayescale.noise"))
    if "any_likelihood" in metafunc.fixturenames:
        from bayescale.noise.base import is_likelihood

        # Of log losses: counts have probabilities, and tests of their own.
        densities = (
            n
            for n in _instances("bayescale.noise")
            if is_likelihood(n) and "n_correct" not in n.columns
        )
        _parametrize(metafunc, "any_likelihood", densities)


def _parametrize(metafunc: pytest.Metafunc, name: str, instances: Iterator[Any]) -> None:
    from bayescale._internal.discovery import describe

    metafunc.parametrize(name, [pytest.param(one, id=describe(one)) for one in instances])


def _parametrize_pairs(metafunc: pytest.Metafunc) -> None:
    from bayescale._internal.discovery import describe

    pairs = law_and_noise_pairs()
    ids = [f"{describe(law)}-{describe(noise)}" for law, noise in pairs]
    metafunc.parametrize(("any_law", "any_noise"), pairs, ids=ids)


def law_and_noise_pairs() -> list[tuple[Any, Any]]:
    """Pair every law with a noise model, so that every noise model is met too.

    Laws of loss in parameters and tokens alone take the noise models in turn; the others have
    Student-t errors, and a law of counted answers a Binomial scatter.
    """
    from bayescale.laws.accuracy_in_tokens import AccuracyInTokens
    from bayescale.laws.chinchilla import Chinchilla
    from bayescale.noise.binomial import Binomial
    from bayescale.noise.student_t import StudentT

    laws = list(_instances("bayescale.laws"))
    waiting = [n for n in _instances("bayescale.noise") if n not in (StudentT(), Binomial())]
    pairs: list[tuple[Any, Any]] = [(AccuracyInTokens(), Binomial())]
    for law in laws:
        of_loss = law.response == "loss" and set(law.inputs) == {"n_params", "n_tokens"}
        noise = waiting.pop(0) if waiting and of_loss else StudentT()
        pairs.append((law, noise))
    # More noise models than such laws: the textbook's law takes the rest.
    pairs += [(Chinchilla(), noise) for noise in waiting]
    return pairs


def _instances(package: str) -> Iterator[Any]:
    from bayescale._internal.discovery import entry, names, parse

    for name in names(package):
        cls = entry(package, name)
        yield cls()
        switches = [f for f in dataclasses.fields(cls) if isinstance(f.default, bool)]
        for options in ({f.name: not f.default} for f in switches):
            yield cls(**options)
        for options in _MORE.get(name, ()):
            yield parse(package, f"{name}:{options}")


def with_every_column(runs: Any) -> Any:
    """Runs of parameters and tokens with every column that any law or noise model may need."""
    from bayescale.runs import Runs

    loss, params, tokens = (runs.frame[name] for name in ("loss", "n_params", "n_tokens"))
    rank = tokens.rank(method="first")
    more = {
        "loss_se": 0.01 * loss,
        "unique_tokens": np.minimum(tokens, tokens.median()),
        "n_examples": tokens,
    }
    inputs = {
        "non_vocab_params": params,
        "vocab_params": np.sqrt(params) * 1e4,
        "thinking_tokens": tokens,
    }
    counted = {
        "n_experts": rank,
        "n_attempts": rank,
        "n_votes": rank,
        "n_streams": rank,
        "n_samples": np.full(len(rank), max(30.0, len(rank))),
        "n_correct": (rank / 2).round(),
    }
    responses = {
        "relative_loss": loss - 6.0,
        "learning_rate": 1 / loss,
        "batch_tokens": tokens**0.5,
        "error": loss / 5,
    }
    shares = {"score": 1 - loss / 5, "failure_rate": loss / 5}
    web, code = (rank % 7) / 10, (rank % 3) / 8
    mixture = {"share_web": web, "share_code": code, "share_books": 1 - web - code}
    formats = {"share_int8": (rank % 3 == 0) * 1.0, "share_int4": (rank % 3 == 1) * 1.0}
    columns = {**more, **inputs, **counted, **responses, **shares, **mixture, **formats}
    return Runs.from_frame(runs.frame.assign(**columns))


def with_a_size_of_two_runs(posterior: Any) -> Any:
    """Return a posterior made by hand whose first two runs share a model size, with coefficients
    for what such a size does.
    """
    from bayescale.processes.base import bases, locate, padded_functions

    sizes = posterior.runs.frame["n_params"].to_numpy(copy=True)
    sizes[1] = sizes[0]
    frame = posterior.runs.frame.assign(n_params=sizes)
    runs = dataclasses.replace(posterior.runs, frame=frame)
    held = bases(posterior.noise.shared, locate(runs, posterior.law.inputs))
    functions = sum(padded_functions(basis.process, basis.size) for basis in held)
    shape = (*posterior.coefficients.shape[:2], functions)
    coefficients = np.random.default_rng(3).standard_normal(shape)
    return dataclasses.replace(posterior, runs=runs, coefficients=coefficients)


@pytest.fixture(scope="session")
def made_posterior() -> Callable[..., Any]:
    """Make a Posterior without fitting: constants near the priors' means, or those given, each of
    shape (chain, draw).

    The runs have the columns that the noise model needs, and its processes some coefficients.
    """
    return _made_posterior


def _made_posterior(
    law: Any, noise: Any, params: dict[str, Any] | None = None, **results: Any
) -> Any:
    from bayescale.inference.nuts import NUTS
    from bayescale.posterior.posterior import Posterior
    from bayescale.processes.base import bases, locate, padded_functions
    from bayescale.runs import Runs
    from tests.inputs import inputs_of

    rng = np.random.default_rng(3)
    in_order = inputs_of(law, np.geomspace(1e8, 1e10, 6))
    table = {name: values[rng.permutation(6)] for name, values in in_order.items()}
    if "flops" in table:
        table["flops"] = 1e10 * table["flops"]
    table["loss"] = np.linspace(3.5, 2.5, 6)
    table |= {} if law.response == "loss" else {law.response: np.linspace(0.8, 0.3, 6)}
    needed = {
        "loss_se": np.full(6, 0.02),
        "group": list("aabbcc"),
        "n_correct": np.arange(6.0),
        "n_samples": np.full(6, 20.0),
    }
    table |= {name: values for name, values in needed.items() if name in noise.columns}
    runs = Runs.from_frame(
        pd.DataFrame(table),
        required=(*law.inputs, "loss"),
        name="six runs",
        source="made by hand",
        notes=("N counts all.",),
    )
    if params is None:
        parameters = (*law.parameters, *noise.parameters)
        # The median of a logarithm would do as well: all that matters is that every prior's support
        # holds it.
        params = {
            p.name: float(p.prior.mean) * rng.uniform(0.9, 1.1, size=(2, 3)) for p in parameters
        }
        law_names = {p.name for p in law.parameters}
        in_units = dict.fromkeys(law.inputs, 1000000000.0) | {law.response: 1.0}
        counts = law.rescale(
            {name: values for name, values in params.items() if name in law_names}, in_units
        )
        params |= {name: np.asarray(values) for name, values in counts.items()}
    arrays = {
        name: np.atleast_2d(np.asarray(values, dtype=np.float64)) for name, values in params.items()
    }
    held = bases(noise.shared, locate(runs, law.inputs))
    functions = sum(padded_functions(basis.process, basis.size) for basis in held)
    coefficients = rng.standard_normal((*next(iter(arrays.values())).shape, functions))
    return Posterior(
        law, noise, results.pop("method", NUTS(seed=5)), runs, arrays, coefficients, **results
    )
