"""NUTS on a NumPyro model with named sites, started where the posterior is.

The mode and the inverse Hessian there come first. Chains then walk in coordinates w with v = mode +
L w, where v are the law's straight coordinates and L Lᵀ is the inverse Hessian; this is NUTS with
that mass matrix, and warm-up has little left to learn. Mode, L and data are arguments of the
compiled program, so it is compiled once for each law, noise model and number of runs, and meanwhile
the mode is looked for.

Chains go to devices in turn, each device with the same program compiled for it, so that a chain's
draws do not depend on how many devices there are; with several hosts each process runs the chains
of its own devices, and gets those of all.

M. D. Hoffman and A. Gelman, "The No-U-Turn Sampler", 2014 (arXiv:1111.4246).
"""

import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import SingleDeviceSharding
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo
from numpyro.util import fori_collect
from rich.console import Console
from rich.progress import Progress
from threadpoolctl import threadpool_limits

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.inference._mode import (
    Mode,
    Setting,
    find_mode,
    potential,
    potential_and_gradient,
    recorrelated,
    without_processes,
)
from bayescale.inference.base import Method, Problem, Target
from bayescale.kernels.mesh import devices, stacked
from bayescale.posterior.posterior import Posterior

_WARMUP = 500
# Acceptance to aim at, pass after pass, until diagnostics are good. At 0.8 transitions diverged on
# three of eight data sets, at 0.9 on two; at 0.99 steps are half as long as at 0.95.
_PASSES = (0.95, 0.99, 0.99)
# Who asks for fewer draws does not mean to trust them.
_ENOUGH_DRAWS = 2000
# What is kept of NumPyro's state after each draw, and ArviZ's names for the sampler's statistics.
_FIELDS = ("z", "diverging", "num_steps", "accept_prob", "energy")
_STATS = {
    "diverging": "diverging",
    "num_steps": "n_steps",
    "accept_prob": "acceptance_rate",
    "energy": "energy",
}


@dataclass(frozen=True)
class NUTS(Method):
    """Draws from the posterior by Hamiltonian Monte Carlo.

    Parameters
    ----------
    chains : int
    warmup : int or None
        Draws thrown away, for each chain; None is 500, enough from the mode.
    draws : int
        Draws kept, for each chain.
    seed : int

    Notes
    -----
    Diagnostics of the result: ``rhat_max``, ``ess_bulk_min``, ``ess_tail_min`` over the parameters,
    and ``divergences``. Where these are not good, all chains are drawn again with shorter steps, up
    to twice. Passes without a divergence are joined and thinned to ``draws``.
    """

    chains: int = 4
    warmup: int | None = None
    draws: int = 1000
    seed: int = 0

    paper: ClassVar[str] = "Hoffman and Gelman 2014, The No-U-Turn Sampler, arXiv:1111.4246"

    def run(self, problem: Problem) -> Posterior:
        """Sample all chains side by side, each in a thread of its own."""
        if min(self.chains, self.draws, self._warmup) < 1:
            raise InputError(
                f"nuts: chains={self.chains}, draws={self.draws} and warmup={self._warmup} must be "
                f"at least 1."
            )
        problem.require_likelihood(self)
        begun = time.perf_counter()
        owners = [devices()[i % len(devices())] for i in range(self.chains)]
        own = tuple(
            dict.fromkeys(owner for owner in owners if owner.process_index == jax.process_index())
        )
        program = _chain_program(problem.target, self._warmup, self.draws, own, *_shapes(problem))
        # Small factorisations in several BLAS threads spend a hundred times as long waiting for
        # each other.
        with threadpool_limits(1, "blas"):
            mode = find_mode(problem, self.seed)
            # ArviZ takes a second to import, while the sampler is still being compiled.
            from bayescale.posterior.diagnostics import convergence, judge

            samplers = [
                program.compiling[owner].result() if owner in own else None for owner in owners
            ]
            ready = time.perf_counter()
            passes: list[dict[str, np.ndarray]] = []
            for number in range(len(_PASSES) if self.chains * self.draws >= _ENOUGH_DRAWS else 1):
                found = self._sample(samplers, mode, problem.target, number)
                passes.append(
                    {
                        name: np.asarray(values)
                        for name, values in stacked(found, owners, program.result).items()
                    }
                )
                posterior = self._posterior(problem, mode, _merged(passes))
                divergences = int(posterior.sample_stats["diverging"].sum())
                diagnostics, problems = judge(convergence(posterior.params), divergences)
                if not problems:
                    break
        ended = time.perf_counter()
        seconds = {"compile_and_mode": ready - begun, "sample": ended - ready, "fit": ended - begun}
        return replace(posterior, diagnostics=diagnostics, problems=problems, seconds=seconds)

    def _posterior(self, problem: Problem, mode: Mode, fields: dict[str, np.ndarray]) -> Posterior:
        draws, coefficients = _in_units(problem.target, fields["z"], mode.setting)
        stats = {ours: fields[theirs] for theirs, ours in _STATS.items()}
        return problem.posterior(
            draws, self, coefficients=np.asarray(coefficients), sample_stats=stats
        )

    @property
    def _warmup(self) -> int:
        return _WARMUP if self.warmup is None else self.warmup

    def _sample(
        self, samplers: list[Any], mode: Mode, target: Target, number: int
    ) -> dict[int, dict[str, Array]]:
        """The chains of a pass that have a sampler here, by their number."""
        k, functions = len(mode.coordinates), len(mode.setting.whitening.gram)
        root = np.linalg.cholesky(mode.inverse_hessian)
        starts = np.random.default_rng(self.seed).standard_normal((self.chains, k + functions))
        keys = _keys(self.seed, number, self.chains)

        def sample(chain_index: int) -> dict[str, Array]:
            whitened = starts[chain_index]
            place = np.concatenate([mode.coordinates + root @ whitened[:k], whitened[k:]])
            value, gradient = jax.device_get(potential_and_gradient(target, place, mode.setting))
            start = ParamInfo(
                whitened, value, np.concatenate([root.T @ gradient[:k], gradient[k:]])
            )
            arguments = (
                keys[chain_index],
                np.asarray(_PASSES[number]),
                start,
                mode.coordinates,
                root,
                mode.setting,
            )
            return jax.block_until_ready(samplers[chain_index](*arguments))

        terminal = Console(stderr=True)
        with (
            ThreadPoolExecutor() as pool,
            Progress(console=terminal, transient=True, disable=not sys.stderr.isatty()) as progress,
        ):
            running = {
                i: pool.submit(float64(sample), i) for i, sampler in enumerate(samplers) if sampler
            }
            bar = progress.add_task(f"Sampling {len(running)} chains", total=len(running))
            for one in as_completed(running.values()):
                one.result()
                progress.advance(bar)
        return {i: one.result() for i, one in running.items()}


def _merged(passes: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """As many draws of each chain as of one pass, from those passes in which none diverged, or from
    the last.
    """
    sound = [one for one in passes if not one["diverging"].any()] or passes[-1:]
    return {
        name: np.concatenate([one[name] for one in sound], axis=1)[:, :: len(sound)]
        for name in sound[0]
    }


@jit_for(Use.BRIEF, "number", "chains")
def _keys(seed: int, number: int, chains: int) -> tuple[Array, ...]:
    """Of the chains of a pass."""
    key = jax.random.key(seed)
    return tuple(jax.random.split(jax.random.fold_in(key, number) if number else key, chains))


def _one_chain(
    target: Target,
    warmup: int,
    draws: int,
    key: Array,
    acceptance: Array,
    start: ParamInfo,
    mode: Array,
    root: Array,
    setting: Setting,
) -> dict[str, Array]:
    k = len(target.parameters)

    def decorrelated(w: dict[str, Array]) -> Array:
        return jnp.concatenate(
            [mode + w["parameters"] @ root.T, *(w[name] for name in w if name != "parameters")],
            axis=-1,
        )

    # The potential where the chain starts comes in with `start`, so that the program holds the
    # potential once.
    initialise, advance = hmc(lambda w: potential(target, decorrelated(w), setting), algo="NUTS")
    state = initialise(
        ParamInfo(_parted(start.z, k), start.potential_energy, _parted(start.z_grad, k)),
        num_warmup=warmup,
        adapt_mass_matrix=True,
        target_accept_prob=acceptance,
        # Coefficients are independent already; a dense matrix of so many would be learnt from too
        # few draws.
        dense_mass=[("parameters",)],
        inverse_mass_matrix={("parameters",): jnp.eye(k)},
        rng_key=key,
    )
    kept = fori_collect(
        warmup,
        warmup + draws,
        advance,
        state,
        transform=lambda s: {f: getattr(s, f) for f in _FIELDS},
        progbar=False,
    )
    return {**kept, "z": decorrelated(kept["z"])}


def _parted(coordinates: Array, k: int) -> dict[str, Array]:
    parts = {"parameters": coordinates[:k], "coefficients": coordinates[k:]}
    return {name: part for name, part in parts.items() if part.size}


class _Program(NamedTuple):
    """The sampler of one chain: being compiled for each device, and the shapes and dtypes of what
    it returns.
    """

    compiling: dict[jax.Device, Future[Any]]
    result: dict[str, Any]


@lru_cache(maxsize=32)
def _chain_program(
    target: Target, warmup: int, draws: int, own: tuple[jax.Device, ...], *shapes: Any
) -> _Program:
    """Compile in threads, and keep for the next fit of this shape.

    Tracing stays in the caller's thread, since NumPyro's stack of handlers is one for all threads.
    """
    (setting,) = jax.tree.unflatten(*shapes)
    k = len(target.parameters)
    program = jax.jit(partial(_one_chain, target, warmup, draws))
    key = jax.eval_shape(jax.random.key, 0)
    whole = k + len(setting.whitening.gram)
    scalar, vector, matrix, place = (
        jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((), (k,), (k, k), (whole,))
    )
    arguments = key, scalar, ParamInfo(place, scalar, place), vector, matrix, setting
    background, compiling = ThreadPoolExecutor(), {}
    for device in own:
        on_device = partial(jax.ShapeDtypeStruct.update, sharding=SingleDeviceSharding(device))
        lowered = program.lower(*jax.tree.map(on_device, arguments))
        compiling[device] = background.submit(float64(lowered.compile), Use.OFTEN.options)
    background.shutdown(wait=False)
    return _Program(compiling, jax.eval_shape(program, *arguments))


@jit_for(Use.BRIEF, "target")
def _in_units(
    target: Target, decorrelated: Array, setting: Setting
) -> tuple[dict[str, Array], Array]:
    """Parameters and coefficients of draws of shape (chain, draw, k)."""

    def one(v: Array) -> tuple[list[Array], Array]:
        own, coefficients, _ = recorrelated(target, v, setting)
        return own, coefficients

    own, coefficients = jax.vmap(jax.vmap(one))(decorrelated)
    return target.constrain(own), coefficients


def _shapes(problem: Problem) -> tuple[Any, tuple[jax.ShapeDtypeStruct, ...]]:
    leaves, structure = jax.tree.flatten((without_processes(problem),))
    return structure, tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
