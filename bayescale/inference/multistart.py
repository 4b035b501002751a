"""Point fits from thousands of starts at once: the global minimum, and evidence that it is global.

Starts are drawn from the prior; reweighted Levenberg–Marquardt takes all of them down together, and
Newton's method finishes the best.
"""

import time
from dataclasses import dataclass

import jax
import numpy as np

from bayescale.errors import InputError
from bayescale.inference.base import Method, Problem
from bayescale.kernels import Search, levenberg_marquardt, newton
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint

_FINISHED = 32
_SAME_BASIN = 1e-3
_FAR_FROM_PRIOR = 6.0
_FLAT = 1e-6


@dataclass(frozen=True)
class MultiStart(Method):
    """The best of many local fits.

    Parameters
    ----------
    starts : int
        Points drawn from the prior; 4,500 is the size of the grid that Hoffmann et al. 2022 started
        from.
    steps : int
        Levenberg–Marquardt steps from each at most.
    seed : int

    Notes
    -----
    Diagnostics of the result: ``starts_in_best_basin``; ``second_basin_gap``, by what share the
    next basin's objective is higher (NaN where there is none); ``gradient_norm``, relative to the
    objective; ``failed_starts``, those never finite.
    """

    starts: int = 4500
    steps: int = 30
    seed: int = 0

    def run(self, problem: Problem) -> Posterior:
        """Return the minimum as a posterior of one draw."""
        if min(self.starts, self.steps) < 1:
            raise InputError(
                f"multistart: starts={self.starts} and steps={self.steps} must be at least 1."
            )
        problem.require_independent(self)
        begun = time.perf_counter()
        best = self.search(problem)
        return problem.posterior(
            problem.target.constrain(list(best.coordinates[:, None, None]), problem.data.sweep),
            self,
            diagnostics=best.diagnostics,
            problems=best.problems,
            objective=best.value,
            seconds={"fit": time.perf_counter() - begun},
        )

    def search(self, problem: Problem) -> "Minimum":
        """Return the minimum, for methods that begin there; must run in double precision."""
        centre, width = problem.target.prior_location_scale
        draws = np.random.default_rng(self.seed).standard_normal((self.starts, len(centre)))
        target, data, weights = problem.target, problem.data, problem.weights
        start = (centre + width * draws).T
        ends = jax.device_get(levenberg_marquardt(target, start, data, weights, steps=self.steps))
        order = np.argsort(ends.value, kind="stable")[:_FINISHED]
        finished, hessian = jax.device_get(
            newton(target, ends.coordinates[:, order], data, weights)
        )
        best = int(np.nanargmin(finished.value))
        value = float(finished.value[best])
        return Minimum(
            finished.coordinates[:, best],
            value,
            _basins(ends.value, value) | {"gradient_norm": float(finished.gradient_norm[best])},
            _complaints(problem, start[:, order[best]], finished, hessian[:, :, best], best),
        )


@dataclass(frozen=True, eq=False)
class Minimum:
    """The end of a search: coordinates, shape (k,), the objective there, and its diagnostics."""

    coordinates: np.ndarray
    value: float
    diagnostics: dict[str, float]
    problems: tuple[Complaint, ...]


def _basins(values: np.ndarray, best: float) -> dict[str, float]:
    excess = (values - best) / abs(best)
    others = excess[np.isfinite(excess) & (excess > _SAME_BASIN)]
    return {
        "starts": float(len(values)),
        "starts_in_best_basin": float(np.sum(excess <= _SAME_BASIN)),
        "second_basin_gap": float(others.min()) if len(others) else float("nan"),
        "failed_starts": float(np.sum(~np.isfinite(values))),
    }


def _complaints(
    problem: Problem, start: np.ndarray, finished: Search, hessian: np.ndarray, best: int
) -> tuple[Complaint, ...]:
    found = []
    centre, width = problem.target.prior_location_scale
    for i, parameter in enumerate(problem.target.parameters):
        coordinate = finished.coordinates[i, best]
        moved, curvature = abs(coordinate - start[i]), abs(hessian[i, i])
        from_prior = abs(coordinate - centre[i]) / width[i]
        if moved < _FLAT and curvature < _FLAT * abs(finished.value[best]):
            message = (
                f"{parameter.name} never left its start: these runs say nothing about it. Choose a "
                f"law without it."
            )
            found.append(Complaint("flat", message))
        elif from_prior > _FAR_FROM_PRIOR:
            message = (
                f"{parameter.name} ran to the end of its range: the data want none of it. Choose a "
                f"law without it, or a posterior method, where its prior keeps it in bounds."
            )
            found.append(Complaint("end_of_range", message, {"prior_sds": float(from_prior)}))
    return tuple(found)
