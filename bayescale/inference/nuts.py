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

import time
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.util import ParamInfo
from threadpoolctl import threadpool_limits

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.devices import hosted
from bayescale.errors import InputError
from bayescale.inference import _chains
from bayescale.inference._chains import Redraw, Schedule, walk
from bayescale.inference._coordinates import ParamsInDataUnits
from bayescale.inference._mode import (
    Mode,
    Setting,
    find_mode,
    potential,
    potential_and_gradient,
    unwhitened,
    without_processes,
)
from bayescale.inference._programs import Fields, Program, compile_ahead
from bayescale.inference.base import Method, Problem, Target
from bayescale.kernels.mesh import devices, stacked
from bayescale.posterior.posterior import Posterior

# At 0.8 transitions diverged on three of eight data sets, at 0.9 on two; at 0.99 steps are half as
# long as at 0.95.
REDRAW = Redraw(acceptances=(0.95, 0.99, 0.99), fewest_draws=2000)
# ArviZ's names for the sampler's statistics.
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
    takes_departures: ClassVar[bool] = True

    @hosted
    def run(self, problem: Problem) -> Posterior:
        """Sample all chains side by side, each in a thread of its own."""
        self._check(problem)
        begun = time.perf_counter()
        chain = PosteriorChain(problem.target, Schedule(self._warmup, self.draws))
        owners = _owners(self.chains)
        program = compile_ahead(chain, _devices_here(owners), _argument_shapes(problem))
        # Small factorisations in several BLAS threads spend a hundred times as long waiting for
        # each other.
        with threadpool_limits(1, "blas"):
            mode = find_mode(problem, self.seed)
            # ArviZ takes a second to import, while the sampler is still being compiled.
            import_module("bayescale.posterior.diagnostics")
            program.wait()
            ready = time.perf_counter()
            posterior = self._sampled(problem, mode, program, owners)
        ended = time.perf_counter()
        seconds = {"compile_and_mode": ready - begun, "sample": ended - ready, "fit": ended - begun}
        return replace(posterior, seconds=seconds)

    def _check(self, problem: Problem) -> None:
        if min(self.chains, self.draws, self._warmup) < 1:
            raise InputError(
                f"nuts: chains={self.chains}, draws={self.draws} and warmup={self._warmup} must be "
                f"at least 1."
            )
        problem.require_likelihood(self)

    @property
    def _warmup(self) -> int:
        return _chains.DEFAULT_WARMUP if self.warmup is None else self.warmup

    def _sampled(
        self, problem: Problem, mode: Mode, program: Program, owners: list[jax.Device]
    ) -> Posterior:
        """Draw the chains, and again as `REDRAW` says until their diagnostics are good."""
        from bayescale.posterior.diagnostics import convergence, judge

        passes: list[dict[str, np.ndarray]] = []
        for number, acceptance in enumerate(REDRAW.attempts(self.chains * self.draws)):
            fields = self._one_pass(problem.target, mode, program, owners, number, acceptance)
            passes.append(fields)
            posterior = self._posterior(problem, mode, _merged(passes))
            divergences = int(posterior.sample_stats["diverging"].sum())
            diagnostics, problems = judge(convergence(posterior.params), divergences)
            if not problems:
                break
        return replace(posterior, diagnostics=diagnostics, problems=problems)

    def _one_pass(
        self,
        target: Target,
        mode: Mode,
        program: Program,
        owners: list[jax.Device],
        number: int,
        acceptance: float,
    ) -> dict[str, np.ndarray]:
        """Draw each chain once; what processes draw apart, every process gets."""
        k, functions = len(mode.coordinates), len(mode.setting.whitening.gram)
        root = np.linalg.cholesky(mode.inverse_hessian)
        starts = np.random.default_rng(self.seed).standard_normal((self.chains, k + functions))
        keys = _keys(self.seed, number, self.chains)

        def arguments(chain: int) -> ChainArguments:
            start = _start(target, mode, root, starts[chain])
            return ChainArguments(
                keys[chain], np.asarray(acceptance), start, mode.coordinates, root, mode.setting
            )

        chains = {i: program.on(owner) for i, owner in enumerate(owners) if _is_here(owner)}
        drawn = _chains.sample(chains, arguments)
        fields: dict[str, Any] = stacked(drawn, owners, program.result)
        return {name: np.asarray(values) for name, values in fields.items()}

    def _posterior(self, problem: Problem, mode: Mode, fields: dict[str, np.ndarray]) -> Posterior:
        params, coefficients = _in_data_units(problem.target, fields["z"], mode.setting)
        stats = {ours: fields[theirs] for theirs, ours in _STATS.items()}
        return problem.posterior(
            params, self, coefficients=np.asarray(coefficients), sample_stats=stats
        )


class ChainArguments(NamedTuple):
    """Arguments of a compiled chain.

    Attributes
    ----------
    key : Array
    acceptance : Array, shape ()
    start : ParamInfo
        In coordinates about the mode.
    mode : Array, shape (k,)
    root : Array, shape (k, k)
        Lower Cholesky factor of the inverse Hessian at the mode.
    setting : Setting
    """

    key: Array
    acceptance: Array | np.ndarray
    start: ParamInfo
    mode: Array | np.ndarray
    root: Array | np.ndarray
    setting: Setting


@dataclass(frozen=True)
class PosteriorChain:
    """One chain over the posterior of a target; equal ones share compiled programs.

    It walks in w with v = mode + L w for the k coordinates of the parameters; whitened coefficients
    stay as they are.
    """

    target: Target
    schedule: Schedule

    def __call__(self, *arguments: Any) -> Fields:
        """Trace the chain for `ChainArguments`; ``z`` are coordinates that `unwhitened` takes."""
        key, acceptance, start, mode, root, setting = ChainArguments(*arguments)
        k = len(self.target.parameters)

        def sampled_point(w: dict[str, Array]) -> Array:
            parameters = mode + w["parameters"] @ root.T
            rest = [w[name] for name in w if name != "parameters"]
            return jnp.concatenate([parameters, *rest], axis=-1)

        def potential_about_mode(w: dict[str, Array]) -> Array:
            return potential(self.target, sampled_point(w), setting)

        # The potential where the chain starts comes in with `start`, so that the program holds the
        # potential once. Coefficients are independent already; a dense matrix of so many would be
        # learnt from too few draws.
        kept = walk(
            potential_about_mode,
            ParamInfo(_in_blocks(start.z, k), start.potential_energy, _in_blocks(start.z_grad, k)),
            self.schedule,
            key,
            acceptance,
            dense_mass=[("parameters",)],
            inverse_mass_matrix={("parameters",): jnp.eye(k)},
        )
        return {**kept, "z": sampled_point(kept["z"])}


def _in_blocks(coordinates: Array, k: int) -> dict[str, Array]:
    blocks = {"parameters": coordinates[:k], "coefficients": coordinates[k:]}
    return {name: block for name, block in blocks.items() if block.size}


def _start(target: Target, mode: Mode, root: np.ndarray, start: np.ndarray) -> ParamInfo:
    """Return a start about the mode with its potential and gradient."""
    k = len(mode.coordinates)
    point = np.concatenate([mode.coordinates + root @ start[:k], start[k:]])
    value, gradient = jax.device_get(potential_and_gradient(target, point, mode.setting))
    return ParamInfo(start, value, np.concatenate([root.T @ gradient[:k], gradient[k:]]))


def _owners(chains: int) -> list[jax.Device]:
    """Return the device of each chain: devices take turns."""
    available = devices()
    return [available[i % len(available)] for i in range(chains)]


def _is_here(device: jax.Device) -> bool:
    return device.process_index == jax.process_index()


def _devices_here(owners: list[jax.Device]) -> tuple[jax.Device, ...]:
    return tuple(dict.fromkeys(filter(_is_here, owners)))


def _argument_shapes(problem: Problem) -> ChainArguments:
    """Return shapes and dtypes of a chain's arguments for a problem."""
    k, size = len(problem.target.parameters), len(problem.target.parameters) + problem.n_functions

    def arguments() -> ChainArguments:
        start = ParamInfo(jnp.zeros(size), jnp.zeros(()), jnp.zeros(size))
        return ChainArguments(
            jax.random.key(0),
            jnp.zeros(()),
            start,
            jnp.zeros(k),
            jnp.zeros((k, k)),
            without_processes(problem),
        )

    return jax.eval_shape(arguments)


def _merged(passes: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the passes in which nothing diverged, or take the last; thin to the draws of one."""
    sound = [fields for fields in passes if not fields["diverging"].any()] or passes[-1:]
    return {
        name: np.concatenate([fields[name] for fields in sound], axis=1)[:, :: len(sound)]
        for name in sound[0]
    }


@jit_for(Use.BRIEF, "number", "chains")
def _keys(seed: int, number: int, chains: int) -> tuple[Array, ...]:
    """Return one PRNG key a chain for sampling attempt ``number``."""
    key = jax.random.key(seed)
    attempt = jax.random.fold_in(key, number) if number else key
    return tuple(jax.random.split(attempt, chains))


@jit_for(Use.BRIEF, "target")
def _in_data_units(
    target: Target, points: Array, setting: Setting
) -> tuple[ParamsInDataUnits, Array]:
    """Return parameters and coefficients of draws of shape (chain, draw, k + functions)."""

    def one_draw(point: Array) -> tuple[ParamsInDataUnits, Array]:
        unconstrained, coefficients, _ = unwhitened(target, point, setting)
        params = target.parametrisation.constrain(unconstrained, setting.data.sweep)
        return params, coefficients

    return jax.vmap(jax.vmap(one_draw))(points)
