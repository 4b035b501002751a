"""NUTS on a NumPyro model with named sites, started where the posterior is.

The mode and the inverse Hessian there come first. Chains then walk in coordinates w with v = mode + L w, where v are the
law's straight coordinates and L Lᵀ is the inverse Hessian; this is NUTS with that mass matrix, and warm-up has little left to
learn. Mode, L and data are arguments of the compiled program, so it is compiled once for each law, noise model and number of
runs, and meanwhile the mode is looked for.

Chains go to devices in turn, each device with the same program compiled for it, so that a chain's draws do not depend on how
many devices there are; with several hosts each process runs the chains of its own devices, and gets those of all.

M. D. Hoffman and A. Gelman, "The No-U-Turn Sampler", 2014 (arXiv:1111.4246).
"""

import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import scipy.optimize
from jax import Array
from jax.sharding import SingleDeviceSharding
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo, potential_energy
from numpyro.util import fori_collect
from rich.console import Console
from rich.progress import Progress

from bayescale.errors import InputError
from bayescale.inference.base import Data, Problem, Target
from bayescale.kernels.mesh import devices, stacked
from bayescale.noise.base import is_likelihood
from bayescale.posterior import Posterior, convergence, judge
from bayescale.precision import float64

# With these no seed of six gave a divergence on any of eight data sets; 0.8 gave some on three, and 0.9 on two.
_WARMUP, _TARGET_ACCEPTANCE = 500, 0.95
_PRIOR_DRAWS, _SEARCHES = 400, 10
_SMALLEST_CURVATURE = 1e-3
_HESSIAN_STEP = 1e-4
# What is kept of NumPyro's state after each draw, and ArviZ's names for the sampler's statistics.
_FIELDS = ("z", "diverging", "num_steps", "accept_prob", "energy")
_STATS = {"diverging": "diverging", "num_steps": "n_steps", "accept_prob": "acceptance_rate", "energy": "energy"}


@dataclass(frozen=True)
class NUTS:
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
    Diagnostics of the result: ``rhat_max``, ``ess_bulk_min``, ``ess_tail_min`` over the parameters, and ``divergences``.
    """

    chains: int = 4
    warmup: int | None = None
    draws: int = 1000
    seed: int = 0

    def run(self, problem: Problem) -> Posterior:
        """Sample all chains side by side, each in a thread of its own."""
        if min(self.chains, self.draws, self._warmup) < 1:
            raise InputError(f"nuts: chains={self.chains}, draws={self.draws} and warmup={self._warmup} must be at least 1.")
        problem.require_likelihood(self)
        begun = time.perf_counter()
        owners = [devices()[i % len(devices())] for i in range(self.chains)]
        own = tuple(dict.fromkeys(owner for owner in owners if owner.process_index == jax.process_index()))
        program = _chain_program(problem.target, self._warmup, self.draws, own, *_shapes(problem))
        mode, inverse_hessian = find_mode(problem, self.seed)
        samplers = [program.compiling[owner].result() if owner in own else None for owner in owners]
        ready = time.perf_counter()
        found = self._sample(samplers, mode, np.linalg.cholesky(inverse_hessian), problem)
        fields = stacked(found, owners, program.result)
        ended = time.perf_counter()
        draws = problem.target.constants(problem.target.bend(list(jnp.moveaxis(jnp.asarray(fields["z"]), -1, 0))))
        stats = {ours: np.asarray(fields[theirs]) for theirs, ours in _STATS.items()}
        seconds = {"compile_and_mode": ready - begun, "sample": ended - ready, "fit": ended - begun}
        posterior = problem.posterior(draws, self, sample_stats=stats, seconds=seconds)
        diagnostics, problems = judge(convergence(posterior.constants), int(stats["diverging"].sum()))
        return replace(posterior, diagnostics=diagnostics, problems=problems)

    @property
    def _warmup(self) -> int:
        return _WARMUP if self.warmup is None else self.warmup

    def _sample(self, samplers: list[Any], mode: np.ndarray, root: np.ndarray, problem: Problem) -> dict[int, dict[str, Array]]:
        """The chains that have a sampler here, by number."""
        starts = np.random.default_rng(self.seed).standard_normal((self.chains, len(mode)))
        keys = jax.random.split(jax.random.key(self.seed), self.chains)
        centre = jnp.asarray(mode), jnp.asarray(root)

        def sample(chain_index: int) -> dict[str, Array]:
            value, gradient = _potential_and_gradient(
                problem.target, mode + root @ starts[chain_index], problem.data, problem.weights
            )
            start = ParamInfo(jnp.asarray(starts[chain_index]), value, centre[1].T @ gradient)
            arguments = keys[chain_index], start, *centre, problem.data, problem.weights
            return jax.block_until_ready(samplers[chain_index](*arguments))

        terminal = Console(stderr=True)
        with (
            ThreadPoolExecutor() as pool,
            Progress(console=terminal, transient=True, disable=not sys.stderr.isatty()) as progress,
        ):
            running = {i: pool.submit(float64(sample), i) for i, sampler in enumerate(samplers) if sampler}
            bar = progress.add_task(f"Sampling {len(running)} chains", total=len(running))
            for one in as_completed(running.values()):
                one.result()
                progress.advance(bar)
        return {i: one.result() for i, one in running.items()}


def model(target: Target, data: Data, weights: Array) -> None:
    """The NumPyro model: one site a parameter, in the units of the data, and the site ``log_loss`` observed.

    Parameters
    ----------
    target : Target
    data : Data
    weights : Array, shape (runs, 1)
    """
    constants = {p.name: numpyro.sample(p.name, p.prior) for p in target.parameters}
    prediction = target.law.log_loss(constants, data.log_inputs)
    # NumPyro refuses a scale of zero, the weight of rows that fill up; the least positive number is as good.
    scale = jnp.maximum(weights, jnp.finfo(weights.dtype).tiny)
    with numpyro.plate("run", len(data.log_loss), dim=-2), numpyro.handlers.scale(scale=scale):
        assert is_likelihood(target.noise)
        numpyro.sample("log_loss", target.noise.distribution(prediction, constants, data.log_loss_se), obs=data.log_loss)


def potential(target: Target, coordinates: Array, data: Data, weights: Array) -> Array:
    """The negative log density that is sampled, at straight coordinates of shape (coordinates,); see `Law.straighten`."""
    sites = {p.name: c for p, c in zip(target.parameters, target.bend(list(coordinates)), strict=True)}
    return potential_energy(model, (target, data, weights), {}, sites)


def find_mode(problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mode and inverse Hessian of the potential in straight coordinates, shapes (k,) and (k, k).

    SciPy's BFGS runs from the best of many draws from the prior, and the best end is the mode.
    """
    target, p = problem.target, problem.target.n_predictive
    centre, width = target.reach

    def value_and_gradient(v: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _potential_and_gradient(target, v, problem.data, problem.weights)
        return float(value), np.asarray(gradient)

    draws = centre + width * np.random.default_rng(seed).standard_normal((_PRIOR_DRAWS, len(centre)))
    starts = np.stack([*target.law.straighten(list(draws.T[:p])), *draws.T[p:]], axis=1)
    promising = sorted(starts, key=lambda start: value_and_gradient(start)[0])[:_SEARCHES]
    ends = [scipy.optimize.minimize(value_and_gradient, start, jac=True, method="BFGS") for start in promising]
    mode = min((end for end in ends if np.isfinite(end.fun)), key=lambda end: end.fun).x
    gradients = [
        (value_and_gradient(mode + step)[1] - value_and_gradient(mode - step)[1]) / (2 * _HESSIAN_STEP)
        for step in _HESSIAN_STEP * np.eye(len(mode))
    ]
    values, vectors = np.linalg.eigh((np.array(gradients) + np.array(gradients).T) / 2)
    # A direction that data and prior leave flat would get an endless step: bound it.
    return mode, (vectors / np.maximum(values, _SMALLEST_CURVATURE)) @ vectors.T


@partial(jax.jit, static_argnames="target")
def _potential_and_gradient(target: Target, coordinates: Array, data: Data, weights: Array) -> tuple[Array, Array]:
    return jax.value_and_grad(lambda v: potential(target, v, data, weights))(coordinates)


def _one_chain(
    target: Target,
    warmup: int,
    draws: int,
    key: Array,
    start: ParamInfo,
    mode: Array,
    root: Array,
    data: Data,
    weights: Array,
) -> dict[str, Array]:
    # The potential where the chain starts comes in with `start`, so that the program holds the potential once.
    initialise, advance = hmc(lambda w: potential(target, mode + root @ w, data, weights), algo="NUTS")
    state = initialise(
        start,
        num_warmup=warmup,
        adapt_mass_matrix=True,
        target_accept_prob=_TARGET_ACCEPTANCE,
        dense_mass=True,
        inverse_mass_matrix=jnp.eye(len(mode)),
        rng_key=key,
    )
    kept = fori_collect(
        warmup, warmup + draws, advance, state, transform=lambda s: {f: getattr(s, f) for f in _FIELDS}, progbar=False
    )
    return {**kept, "z": mode + kept["z"] @ root.T}


class _Program(NamedTuple):
    """The sampler of one chain: being compiled for each device, and the shapes and dtypes of what it returns."""

    compiling: dict[jax.Device, Future[Any]]
    result: dict[str, Any]


@lru_cache(maxsize=32)
def _chain_program(target: Target, warmup: int, draws: int, own: tuple[jax.Device, ...], *shapes: Any) -> _Program:
    """Compile in threads, and keep for the next fit of this shape.

    Tracing stays in the caller's thread, since NumPyro's stack of handlers is one for all threads.
    """
    k = len(target.parameters)
    program = jax.jit(partial(_one_chain, target, warmup, draws))
    key = jax.eval_shape(jax.random.key, 0)
    scalar, vector, matrix = (jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((), (k,), (k, k)))
    arguments = key, ParamInfo(vector, scalar, vector), vector, matrix, *jax.tree.unflatten(*shapes)
    background, compiling = ThreadPoolExecutor(), {}
    for device in own:
        on_device = partial(jax.ShapeDtypeStruct.update, sharding=SingleDeviceSharding(device))
        lowered = program.lower(*jax.tree.map(on_device, arguments))
        compiling[device] = background.submit(float64(lowered.compile))
    background.shutdown(wait=False)
    return _Program(compiling, jax.eval_shape(program, *arguments))


def _shapes(problem: Problem) -> tuple[Any, tuple[jax.ShapeDtypeStruct, ...]]:
    leaves, structure = jax.tree.flatten((problem.data, problem.weights))
    return structure, tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
