"""Shared parts of the benchmarks: today's practice in public libraries, and timing.

The alternatives are written as in a typical notebook of the field: one fit at a time, SciPy's
defaults, NumPyro's defaults.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table
    from scipy.optimize import OptimizeResult

    import bayescale as bs

DELTA = 1e-3

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class HuberFit:
    """The Huber objective of the Chinchilla law, and its minimisation by SciPy.

    Its argument is v = (log A, log B, log E, alpha, beta).

    Attributes
    ----------
    frame : DataFrame with ``n_params``, ``n_tokens`` and ``loss``
    """

    frame: "pd.DataFrame"

    @cached_property
    def logs(self) -> list[np.ndarray]:
        """Logarithms of N, D and loss, each of shape (runs,)."""
        return [np.log(self.frame[c].to_numpy()) for c in ("n_params", "n_tokens", "loss")]

    def objective(self, v: np.ndarray, weights: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return Σ w ρ(log loss − log prediction); ``xp`` is NumPy or autograd's."""
        log_n, log_d, log_loss = self.logs
        a, b, e, alpha, beta = v
        terms = xp.stack([a - alpha * log_n, b - beta * log_d, e + 0 * log_n])
        largest = xp.max(terms, axis=0)
        log_prediction = largest + xp.log(xp.sum(xp.exp(terms - largest), axis=0))
        size = xp.abs(log_loss - log_prediction)
        rho = xp.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA))
        return xp.sum(weights * rho)

    def from_starts(self, starts: np.ndarray) -> tuple[float, "OptimizeResult"]:
        """Minimise from each start by L-BFGS-B with a numeric gradient.

        Parameters
        ----------
        starts : array, shape (starts, 5)

        Returns
        -------
        seconds : float
            Mean time for one start.
        best : OptimizeResult
        """
        from scipy.optimize import minimize

        ones = np.ones(len(self.frame))
        begun = time.perf_counter()
        arguments = (ones,)
        fits = [minimize(self.objective, start, arguments, "L-BFGS-B") for start in starts]
        seconds = (time.perf_counter() - begun) / len(starts)
        return seconds, min(fits, key=lambda fit: fit.fun)

    def refit(self, start: np.ndarray, weights: np.ndarray) -> "OptimizeResult":
        """Fit weighted runs by BFGS with gradients by autograd."""
        from scipy.optimize import minimize

        return minimize(self.objective, start, args=(weights,), jac=self._gradient, method="BFGS")

    def refits(self, start: np.ndarray, draws: np.ndarray) -> tuple[float, np.ndarray]:
        """Refit draws of runs, shape (refits, runs); return seconds per refit, and objectives."""
        begun = time.perf_counter()
        objectives = [self.refit(start, weights).fun for weights in draws]
        return (time.perf_counter() - begun) / len(draws), np.array(objectives)

    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """Return the objective at every cell of axes of E, A, B, alpha and beta, by broadcasting.

        Runs are an axis until the sum.
        """
        log_n, log_d, log_loss = [values.reshape(-1, 1, 1, 1, 1, 1) for values in self.logs]
        e, a, b, alpha, beta = np.ix_(*axes)
        prediction = e + a * np.exp(-alpha * log_n) + b * np.exp(-beta * log_d)
        size = np.abs(log_loss - np.log(prediction))
        return np.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)).sum(axis=0)

    @cached_property
    def _gradient(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        import autograd.numpy as anp
        from autograd import grad

        gradient: Callable[[np.ndarray, np.ndarray], np.ndarray] = grad(
            lambda v, weights: self.objective(v, weights, anp)
        )
        return gradient


def least_squares(
    log_n: np.ndarray, log_d: np.ndarray, loss: np.ndarray, exponents: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Solve for the levels (E, A, B) at fixed exponents, shape (nodes, 2), one `lstsq` a node.

    Returns
    -------
    seconds : float
        Mean time for a node.
    rss : array, shape (nodes,)
    levels : array, shape (nodes, 3)
    """
    begun = time.perf_counter()
    rss = []
    levels = []
    for alpha, beta in exponents:
        columns = [np.ones_like(loss), np.exp(-alpha * log_n), np.exp(-beta * log_d)]
        solution, residual, *_ = np.linalg.lstsq(np.stack(columns, axis=1), loss)
        rss.append(residual.item())
        levels.append(solution)
    seconds = (time.perf_counter() - begun) / len(exponents)
    return seconds, np.array(rss), np.array(levels)


def hoffmanns_starts() -> np.ndarray:
    """Return the grid of 4,500 starts of Hoffmann et al. 2022, appendix D, in a random order.

    Its shape is (4500, 5).
    """
    axes = (
        np.arange(0, 30, 5),
        np.arange(0, 30, 5),
        np.arange(-1, 1.5, 0.5),
        np.arange(0, 2.5, 0.5),
        np.arange(0, 2.5, 0.5),
    )
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 5)
    return np.random.default_rng(0).permutation(grid)


def posterior_stock(runs: "bs.Runs", draws: int = 1000) -> dict[str, float]:
    """Return seconds and least effective sample sizes of NumPyro's NUTS on bayescale's model.

    Settings are the defaults, with four parallel chains. JAX must not have started in this process.

    Parameters
    ----------
    runs : bayescale.Runs
    draws : int
        Number of draws of each chain, after the same number of warm-up draws.
    """
    import numpyro

    numpyro.set_host_device_count(4)
    import jax
    from numpyro.infer import MCMC, NUTS

    import bayescale as bs
    from bayescale.inference._mode import model
    from bayescale.inference.base import Problem
    from bayescale.posterior.diagnostics import convergence

    with jax.enable_x64(True):
        begun = time.perf_counter()
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.StudentT())
        mcmc = MCMC(
            NUTS(model), num_warmup=draws, num_samples=draws, num_chains=4, progress_bar=False
        )
        mcmc.run(jax.random.key(0), problem.target, problem.data, problem.weights)
        samples = mcmc.get_samples(group_by_chain=True)
        table = convergence({name: np.asarray(values) for name, values in samples.items()})
        seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "ess": float(table["ess_bulk"].min()),
        "ess_tail": float(table["ess_tail"].min()),
    }


def in_fresh_process(script: str, *arguments: str) -> Any:
    """Run a script in a new process, without compilation cache; return its last line's JSON.

    A quick run keeps the cache, if there is one: it asks whether everything runs.
    """
    environment = dict(os.environ)
    if "--quick" not in arguments:
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, script, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def seconds_of(work: Callable[[], R], repeats: int) -> tuple[list[float], R]:
    """Return the seconds of each of several calls, and the result of the last."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return seconds, result


def show(table: "Table") -> None:
    """Print a table that is wide enough for its columns."""
    from rich.console import Console

    Console(width=150).print(table)
