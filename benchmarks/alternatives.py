"""What the benchmarks share: today's practice in public libraries, and how a measurement is taken
and labelled.

The alternatives are written for the purpose as a notebook of the field would have them: one fit at
a time, SciPy's defaults, NumPyro's defaults.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DELTA = 1e-3


@dataclass(frozen=True, eq=False)
class HuberFit:
    """The Huber objective of the Chinchilla law in v = (log A, log B, log E, alpha, beta), and
    SciPy's way to its minimum.

    Attributes
    ----------
    frame : DataFrame with ``n_params``, ``n_tokens`` and ``loss``
    """

    frame: pd.DataFrame

    @cached_property
    def logs(self) -> list[np.ndarray]:
        """Of N, D and loss, each of shape (runs,)."""
        return [np.log(self.frame[c].to_numpy()) for c in ("n_params", "n_tokens", "loss")]

    def objective(self, v: Any, weights: Any, xp: Any = np) -> Any:
        """Σ w ρ(log loss − log prediction); ``xp`` is NumPy or autograd's."""
        log_n, log_d, log_loss = self.logs
        a, b, e, alpha, beta = v
        terms = xp.stack([a - alpha * log_n, b - beta * log_d, e + 0 * log_n])
        largest = xp.max(terms, axis=0)
        size = xp.abs(log_loss - largest - xp.log(xp.sum(xp.exp(terms - largest), axis=0)))
        return xp.sum(
            weights * xp.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA))
        )

    def from_starts(self, starts: np.ndarray) -> tuple[float, Any]:
        """Seconds for each of the starts, shape (starts, 5), by L-BFGS-B with a numeric gradient;
        and the best end.
        """
        from scipy.optimize import minimize

        ones = np.ones(len(self.frame))
        begun = time.perf_counter()
        found = [
            minimize(self.objective, start, args=(ones,), method="L-BFGS-B") for start in starts
        ]
        return (time.perf_counter() - begun) / len(starts), min(found, key=lambda fit: fit.fun)

    def refit(self, start: np.ndarray, weights: np.ndarray) -> Any:
        """One fit to weighted runs by BFGS with gradients by autograd."""
        from scipy.optimize import minimize

        return minimize(self.objective, start, args=(weights,), jac=self._gradient, method="BFGS")

    def refits(self, start: np.ndarray, draws: np.ndarray) -> tuple[float, np.ndarray]:
        """Seconds for each refit of the draws of runs, shape (refits, runs), and the objectives
        reached.
        """
        begun = time.perf_counter()
        reached = [self.refit(start, weights).fun for weights in draws]
        return (time.perf_counter() - begun) / len(draws), np.array(reached)

    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """The objective at every cell of axes of E, A, B, alpha and beta, by broadcasting; runs are
        an axis until the sum.
        """
        log_n, log_d, log_loss = (values.reshape(-1, 1, 1, 1, 1, 1) for values in self.logs)
        e, a, b, alpha, beta = np.ix_(*axes)
        size = np.abs(log_loss - np.log(e + a * np.exp(-alpha * log_n) + b * np.exp(-beta * log_d)))
        return np.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)).sum(axis=0)

    @cached_property
    def _gradient(self) -> Callable[..., Any]:
        import autograd.numpy as anp
        from autograd import grad

        gradient: Callable[..., Any] = grad(lambda v, weights: self.objective(v, weights, anp))
        return gradient


def least_squares(
    log_n: np.ndarray, log_d: np.ndarray, loss: np.ndarray, exponents: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Seconds a node, RSS and levels (E, A, B) where exponents, shape (nodes, 2), are held: one
    `lstsq` a node.
    """
    begun = time.perf_counter()
    found = [
        np.linalg.lstsq(
            np.stack([np.ones_like(loss), np.exp(-alpha * log_n), np.exp(-beta * log_d)], axis=1),
            loss,
        )
        for alpha, beta in exponents
    ]
    seconds = (time.perf_counter() - begun) / len(exponents)
    return (
        seconds,
        np.array([rss.item() for _, rss, *_ in found]),
        np.array([levels for levels, *_ in found]),
    )


def hoffmanns_starts() -> np.ndarray:
    """The grid of 4,500 starts of Hoffmann et al. 2022, appendix D, in a random order; shape (4500,
    5).
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


def posterior_stock(runs: Any, draws: int = 1000) -> dict[str, float]:
    """Seconds and least effective sample sizes of NumPyro's NUTS, default settings, four parallel
    chains, on bayescale's model.

    Needs a process in which JAX has not started.

    Parameters
    ----------
    runs : bayescale.Runs
    draws : int
        Kept in each chain, after as many of warm-up.
    """
    import numpyro

    numpyro.set_host_device_count(4)
    import jax
    from numpyro.infer import MCMC, NUTS

    import bayescale as bs
    from bayescale.inference.base import Problem
    from bayescale.inference.nuts import model
    from bayescale.posterior.diagnostics import convergence

    with jax.enable_x64(True):
        begun = time.perf_counter()
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.StudentT())
        mcmc = MCMC(
            NUTS(model), num_warmup=draws, num_samples=draws, num_chains=4, progress_bar=False
        )
        mcmc.run(jax.random.key(0), problem.target, problem.data, problem.weights)
        found = {
            name: np.asarray(values)
            for name, values in mcmc.get_samples(group_by_chain=True).items()
        }
        table = convergence(found)
        seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "ess": float(table["ess_bulk"].min()),
        "ess_tail": float(table["ess_tail"].min()),
    }


def in_fresh_process(script: str, *arguments: str) -> Any:
    """Run a script in a process of its own, without a compilation cache, and read the JSON of its
    last line.
    """
    environment = {
        name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"
    }
    done = subprocess.run(
        [sys.executable, script, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def about() -> dict[str, Any]:
    """Where and with what a result was measured."""
    return {
        "device": device(),
        "cpus": os.cpu_count(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {p: version(p) for p in ("bayescale", "jax", "numpyro", "numpy", "scipy")}
        | {"python": platform.python_version()},
    }


def device() -> str:
    """The name of the accelerator that JAX uses, or the model of the CPU."""
    import jax

    kind: str = jax.devices()[0].device_kind
    if kind != "cpu":
        return kind
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def seconds_of(work: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """How long each of several calls took, and what the last returned."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return seconds, result


def write(path: Path, result: dict[str, Any]) -> None:
    """Write a result as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def show(table: Any) -> None:
    """Print a table, wide enough for its columns."""
    from rich.console import Console

    Console(width=150).print(table)
