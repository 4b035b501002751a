"""NUTS on a NumPyro model with named sites, started where the posterior is.

The mode and its inverse Hessian are found first, in a fraction of a second; they are the starting points and the mass matrix,
so that warm-up only has to set the step size and correct the shape. M. D. Hoffman and A. Gelman, "The No-U-Turn Sampler", 2014.
"""

import sys
import time
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from numpyro.infer import MCMC
from numpyro.infer import NUTS as NumPyroNUTS

from bayescale.errors import InputError
from bayescale.inference.base import Data, Problem, Target
from bayescale.inference.multistart import Minimum, MultiStart
from bayescale.noise.base import is_likelihood
from bayescale.posterior import Posterior, convergence, judge

_MODE_STARTS = 500
_WARMUP = 300
_SMALLEST_CURVATURE = 1e-3
# NumPyro's names of sampler statistics, and ArviZ's.
_STATS = {"diverging": "diverging", "num_steps": "n_steps", "accept_prob": "acceptance_rate", "energy": "energy"}


@dataclass(frozen=True)
class NUTS:
    """Draws from the posterior by Hamiltonian Monte Carlo.

    Parameters
    ----------
    chains : int
    warmup : int or None
        Draws thrown away, for each chain; None is 300, enough from the mode.
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
        """Sample all chains side by side."""
        if min(self.chains, self.draws) < 1:
            raise InputError(f"nuts: chains={self.chains} and draws={self.draws} must be at least 1.")
        problem.require_likelihood(self)
        begun = time.perf_counter()
        mode = MultiStart(starts=_MODE_STARTS, seed=self.seed).search(problem)
        found = time.perf_counter()
        draws, stats = self._sample(problem, mode)
        ended = time.perf_counter()
        seconds = {"mode": found - begun, "sample": ended - found, "fit": ended - begun}
        posterior = problem.posterior(draws, self, sample_stats=stats, seconds=seconds)
        diagnostics, problems = judge(convergence(posterior.constants), int(stats["diverging"].sum()))
        return replace(posterior, diagnostics=diagnostics, problems=problems)

    def _sample(self, problem: Problem, mode: Minimum) -> tuple[dict[str, Array], dict[str, np.ndarray]]:
        names = tuple(p.name for p in problem.target.parameters)
        covariance = _inverse(mode.hessian)
        kernel = NumPyroNUTS(
            model,
            dense_mass=[names],
            inverse_mass_matrix={names: jnp.asarray(covariance)},
        )
        mcmc = MCMC(
            kernel,
            num_warmup=_WARMUP if self.warmup is None else self.warmup,
            num_samples=self.draws,
            num_chains=self.chains,
            chain_method="vectorized",
            progress_bar=sys.stderr.isatty(),
        )
        init_key, run_key = jax.random.split(jax.random.key(self.seed))
        spread = jax.random.normal(init_key, (self.chains, len(names))) @ np.linalg.cholesky(covariance).T
        start = jnp.asarray(mode.coordinates) + spread
        mcmc.run(
            run_key,
            problem.target,
            problem.data,
            problem.weights,
            init_params={name: start[:, i] for i, name in enumerate(names)},
            extra_fields=tuple(_STATS),
        )
        fields = mcmc.get_extra_fields(group_by_chain=True)
        stats = {ours: np.asarray(fields[theirs]) for theirs, ours in _STATS.items()}
        return mcmc.get_samples(group_by_chain=True), stats


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
    with numpyro.plate("run", len(data.log_loss), dim=-2), numpyro.handlers.scale(scale=weights):
        assert is_likelihood(target.noise)
        numpyro.sample("log_loss", target.noise.distribution(prediction, constants, data.log_loss_se), obs=data.log_loss)


def _inverse(hessian: np.ndarray) -> np.ndarray:
    # A direction that the data and the prior leave flat would get an endless step: bound it by the prior's order of magnitude.
    values, vectors = np.linalg.eigh(hessian)
    inverse: np.ndarray = (vectors / np.maximum(values, _SMALLEST_CURVATURE)) @ vectors.T
    return inverse
