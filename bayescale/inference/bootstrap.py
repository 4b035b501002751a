"""Bootstrap: refit resampled runs, every replicate a vector of weights in the same kernel.

B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 8.
Resampling whole groups keeps runs together that share what the law leaves out, such as a compute
budget, an architecture or checkpoints of one run.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from bayescale.errors import InputError
from bayescale.inference.base import Method, Problem
from bayescale.inference.multistart import MultiStart
from bayescale.kernels import levenberg_marquardt, newton
from bayescale.kernels.objective import STEP_LIMIT
from bayescale.kernels.sizes import sizes
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint

# One in 25 replicates needs more than these, and gets it; all together would pay for the slowest.
_REWEIGHTED_STEPS, _NEWTON_STEPS = 12, 3
_MORE_REWEIGHTED_STEPS, _MORE_NEWTON_STEPS = 40, 30
_FEWEST_CLUSTERS = 5
_TOLERATED_FAILURES = 0.01


@dataclass(frozen=True)
class Bootstrap(Method):
    """Draws from the sampling distribution of a point fit.

    Parameters
    ----------
    replicates : int
        Resampled data sets, each refitted from the optimum of all runs.
    cluster : str or None
        Column whose groups are resampled whole; None resamples runs.
    seed : int

    Notes
    -----
    Diagnostics of the result: those of `MultiStart` for the fit to all runs, ``replicates`` and
    ``failed_refits``, a share. Refits that failed are left out of the draws.
    """

    replicates: int = 4000
    cluster: str | None = None
    seed: int = 0

    paper: ClassVar[str] = "Efron and Tibshirani 1993, An Introduction to the Bootstrap"

    def run(self, problem: Problem) -> Posterior:
        """Return the replicates as one chain."""
        if self.replicates < 1:
            raise InputError(f"bootstrap: replicates={self.replicates} must be at least 1.")
        problem.require_independent(self)
        begun = time.perf_counter()
        # First, since it refuses columns that cannot be resampled.
        weights = problem.resampled(self.counts(problem))
        optimum = MultiStart(seed=self.seed).search(problem)
        start = np.broadcast_to(
            optimum.coordinates[:, None], (len(optimum.coordinates), self.replicates)
        )
        coordinates, values = refit(problem, start, weights)
        good = np.isfinite(values) & np.isfinite(coordinates).all(axis=0)
        failed = 1.0 - good.mean()
        if not good.any():
            raise InputError(
                f"Every bootstrap refit of {problem.runs.name} failed; there are too few runs for "
                f"this law."
            )
        problems = (
            (
                Complaint(
                    "failed_refits",
                    f"{failed:.1%} of the refits failed and are left out.",
                    {"failed_refits": float(failed)},
                ),
            )
            if failed > _TOLERATED_FAILURES
            else ()
        )
        return problem.posterior(
            problem.target.constrain(list(coordinates[:, None, good]), problem.data.sweep),
            self,
            diagnostics=optimum.diagnostics
            | {"replicates": float(self.replicates), "failed_refits": float(failed)},
            problems=optimum.problems + problems,
            objective=optimum.value,
            seconds={"fit": time.perf_counter() - begun},
        )

    def counts(self, problem: Problem) -> np.ndarray:
        """Return how often each run was drawn, shape (runs, replicates)."""
        rng = np.random.default_rng(self.seed)
        runs = problem.runs
        if self.cluster is None:
            return rng.multinomial(
                len(runs), np.full(len(runs), 1 / len(runs)), size=self.replicates
            ).T.astype(float)
        if self.cluster not in runs.frame:
            raise InputError(
                f"bootstrap: {runs.name} has no column {self.cluster!r} to cluster by; it has "
                f"{', '.join(runs.frame.columns)}."
            )
        labels, member = np.unique(runs.frame[self.cluster].to_numpy(), return_inverse=True)
        if len(labels) < _FEWEST_CLUSTERS:
            raise InputError(
                f"bootstrap: column {self.cluster!r} has {len(labels)} groups, and resampling "
                f"fewer than {_FEWEST_CLUSTERS} "
                "says nothing. Use cluster=None."
            )
        drawn = rng.multinomial(
            len(labels), np.full(len(labels), 1 / len(labels)), size=self.replicates
        )
        return drawn.T[member].astype(float)


def refit(
    problem: Problem, start: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return minima near the starts, shape (coordinates, replicates), and the objective there.

    Parameters
    ----------
    start : array, shape (coordinates, replicates)
    weights : array, shape (runs, replicates)
    """
    target, data = problem.target, problem.data
    once = jax.device_put(weights)
    near = levenberg_marquardt(target, start, data, once, steps=_REWEIGHTED_STEPS)
    refits, _ = jax.device_get(newton(target, near.coordinates, data, once, steps=_NEWTON_STEPS))
    coordinates, values = refits.coordinates.copy(), refits.value.copy()
    unfinished = np.flatnonzero(refits.status == STEP_LIMIT)
    block = sizes().members
    for first in range(0, len(unfinished), block):
        # Copies fill up the block, so that however many are left the same program serves.
        some = np.resize(unfinished[first : first + block], block)
        near = levenberg_marquardt(
            target,
            refits.coordinates[:, some],
            data,
            weights[:, some],
            steps=_MORE_REWEIGHTED_STEPS,
        )
        better, _ = newton(
            target, near.coordinates, data, weights[:, some], steps=_MORE_NEWTON_STEPS
        )
        coordinates[:, some], values[some] = better.coordinates, better.value
    return coordinates, values
