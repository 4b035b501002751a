"""Every kernel, law, noise model and method is lowered for a GPU and a TPU, without a device.

What is lowered is text, in which three things can be seen that go wrong on an accelerator alone:
calls of a library that is not there, or of the host; float32 products of fewer bits; and numbers of
another precision than was asked for.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayescale as bs
from bayescale import defaults, kernels
from bayescale._internal.precision import float64
from bayescale.inference import nuts
from bayescale.inference._chains import Schedule
from bayescale.inference._conditional import Linearisation
from bayescale.inference._conditional_modes import TILE, Expand, Independent, Tile
from bayescale.inference._linearised import Plane, Working, log_masses
from bayescale.inference.base import Problem
from bayescale.kernels.objective import reweighted_curvature
from bayescale.kernels.objective_grid import Axes, Sweep
from tests.conftest import law_and_noise_pairs, with_every_column
from tests.devices.work import Slope, squared

PLATFORMS = ("cuda", "tpu")
RUNS, MEMBERS = 8, 6
# Factorisations of NumPyro's mass matrix and of whitening, and the equations of an expansion. These
# programs stay on the host's CPU unless they are pinned to another device.
OF_SAMPLERS = {"cusolver_potrf_ffi"}
OF_SOLVERS = {"LuDecomposition", "cu_lu_pivots_to_permutation", "cusolver_getrf_ffi"}


class Lowered(NamedTuple):
    """A program, and the arrays that it takes."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    @property
    def text(self) -> str:
        """StableHLO for both platforms."""
        leaves, structure = jax.tree.flatten(self.arguments)
        shapes = [jax.ShapeDtypeStruct(np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]

        def of_leaves(*leaves: Any) -> tuple[Any, ...]:
            return tuple(jax.tree.leaves(self.function(*jax.tree.unflatten(structure, leaves))))

        exported = jax.export.export(jax.jit(of_leaves), platforms=PLATFORMS)(*shapes)
        assert exported.platforms == PLATFORMS
        return str(exported.mlir_module())


def array(*shape: int) -> jax.Array:
    return jnp.zeros(shape)


def columns() -> tuple[Any, Any]:
    of = kernels.centre_response(array(RUNS), array(RUNS))
    return kernels.power_columns(array(MEMBERS), array(RUNS), array(MEMBERS), of), of


def of_grid(kernel: Callable[..., Any]) -> Lowered:
    table, of = columns()
    return Lowered(kernel, (table, table, of))


def of_cells(kernel: Callable[..., Any]) -> Lowered:
    axes, runs = Axes(*[array(3)] * 5), Sweep(*[array(RUNS)] * 4)
    return Lowered(lambda axes, runs: kernel(squared, axes, runs, ()), (axes, runs))


def of_search(kernel: Callable[..., Any]) -> Lowered:
    data = {"x": array(RUNS, 1), "y": array(RUNS, 1)}
    return Lowered(partial(kernel, Slope()), (array(2, MEMBERS), data, array(RUNS, MEMBERS)))


def of_surface() -> Lowered:
    summarise = partial(kernels.predictive_surface, Slope(), quantiles=(0.1, 0.5))
    params = {name: array(RUNS) for name in ("a", "b")}
    return Lowered(summarise, (params, {"x": array(MEMBERS)}, array(2, RUNS)))


KERNELS: dict[str, Callable[[], Lowered]] = {
    "centre_response": lambda: Lowered(kernels.centre_response, (array(RUNS), array(RUNS))),
    "power_columns": lambda: Lowered(
        kernels.power_columns, (array(MEMBERS), array(RUNS), array(MEMBERS), columns()[1])
    ),
    "evaluate_grid": lambda: of_grid(kernels.evaluate_grid),
    "evaluate_pairs": lambda: of_grid(kernels.evaluate_pairs),
    "grid_evidence": lambda: of_grid(kernels.grid_evidence),
    "objective_grid": lambda: of_cells(kernels.objective_grid),
    "best_cell": lambda: of_cells(kernels.best_cell),
    "levenberg_marquardt": lambda: of_search(kernels.levenberg_marquardt),
    "newton": lambda: of_search(kernels.newton),
    "predictive_surface": of_surface,
}


def called(text: str) -> set[str]:
    """Return the libraries' functions that a program calls."""
    return set(re.findall(r"custom_call @([\w.$]+)", text))


def test_every_kernel_is_asked() -> None:
    functions = {name for name in kernels.__all__ if name.islower()}
    assert functions == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_calls_no_library_and_no_host_in_either_precision(name: str) -> None:
    for wide in (True, False):
        with jax.enable_x64(wide):
            assert called(KERNELS[name]().text) == set()


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_in_float32_multiplies_with_all_bits_and_has_no_double(name: str) -> None:
    with jax.enable_x64(False):
        text = KERNELS[name]().text
    products = re.findall(r"stablehlo.dot_general .*", text)
    assert all("precision = [HIGHEST, HIGHEST]" in product for product in products)
    assert "f64" not in text


def test_the_evidence_is_made_of_products() -> None:
    # Otherwise the test above would hold of nothing.
    assert "stablehlo.dot_general" in KERNELS["grid_evidence"]().text


def target_and_data(law: Any, noise: Any) -> Problem:
    """Return a few runs with every column that the law and the noise model need."""
    runs = with_every_column(bs.datasets.simulate(seed=0, sizes_per_budget=4))
    return Problem.build(runs, law, noise)


@pytest.mark.parametrize(("law", "noise"), law_and_noise_pairs(), ids=repr)
@float64
def test_an_objective_and_its_derivatives_call_no_library_and_no_host(law: Any, noise: Any) -> None:
    problem = target_and_data(law, noise)
    evaluate = partial(reweighted_curvature, problem.target)
    point = tuple(array(MEMBERS) for _ in problem.target.parameters)
    assert called(Lowered(evaluate, (point, problem.data, problem.weights)).text) == set()


def default_problem() -> Problem:
    law = defaults.law()
    return Problem.build(bs.datasets.simulate(seed=0), law, defaults.noise(law))


def weighed(problem: Problem) -> dict[str, Lowered]:
    """Return the programs of `Importance`."""
    target, functions, k = problem.target, problem.n_functions, len(problem.target.parameters)
    about = (problem.data, problem.weights)
    expand = Lowered(Expand(target), (array(k), array(functions), *about))
    shapes = jax.eval_shape(expand.function, *expand.arguments)
    expansion = Linearisation(**{name: array(*leaf.shape) for name, leaf in shapes.items()})
    points = (array(k, TILE), array(functions, TILE))
    return {
        "expand": expand,
        "tile": Lowered(Tile(target), (*points, *about, expansion)),
        "prior": Lowered(Independent(target), (array(k, TILE), *about)),
    }


def drawn(problem: Problem) -> Lowered:
    """Return a chain of `NUTS`."""
    chain = nuts.PosteriorChain(problem.target, Schedule(3, 2))
    shapes = tuple(nuts._argument_shapes(problem))[1:]
    arguments = jax.tree.map(lambda leaf: array(*leaf.shape), shapes)

    def of_seed(seed: Any, *rest: Any) -> Any:
        return chain(jax.random.key(seed), *rest)

    return Lowered(of_seed, (0, *arguments))


@float64
def test_the_programs_of_importance_sampling_call_no_library_and_no_host() -> None:
    texts = {name: program.text for name, program in weighed(default_problem()).items()}
    assert {name: called(text) for name, text in texts.items()} == {
        "expand": OF_SOLVERS,
        "tile": set(),
        "prior": set(),
    }


@float64
def test_a_chain_of_nuts_calls_nothing_but_factorisations() -> None:
    assert called(drawn(default_problem()).text) <= OF_SAMPLERS


@float64
def test_the_grid_of_exponents_calls_no_library_and_no_host() -> None:
    problem = target_and_data(bs.laws.Chinchilla(), bs.noise.StudentT())
    plane = Plane.of(problem.target)
    evaluate = partial(log_masses, problem.target, plane)
    runs = problem.padded_size
    working = Working(array(runs), array(runs))
    axes = (array(MEMBERS), array(MEMBERS))
    assert called(Lowered(evaluate, (axes, working, problem.data)).text) == set()
