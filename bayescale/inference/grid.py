"""The posterior over a grid of exponents: independent draws that owe nothing to a Markov chain, and
the evidence.

At fixed exponents a sum of powers is linear in its levels, and `bayescale.kernels` marginalises
levels and scale in closed form at all nodes at once; `_linearised` brings noise on log loss and
heavy tails to that form. Draws are then made from the outside in, and weighed against the exact
posterior:

    cell of exponents ~ its mass;  exponents ~ Uniform(cell);  levels ~ t(least squares there);
    scale ~ t(its mode)

Under Normal noise nearly all draws count. Where heavy tails leave the weights uneven, a mixture
fitted to the weighted draws proposes anew.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln, logsumexp

from bayescale.errors import InputError
from bayescale.inference._coordinates import (
    decorrelate_points,
    log_volume,
    recorrelate_points,
    unconstrained,
)
from bayescale.inference._linearised import Plane, Settled, log_masses, nodes_at, settle
from bayescale.inference._mixture import Mixture
from bayescale.inference._weighing import Weighed, complaint, log_posterior, weigh
from bayescale.inference.base import Method, Problem
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint

_FREEDOM = 10.0
_FEWEST_NODES, _SPREAD = 8, 1e-9
_LOST = 1e-3
_POOL, _FEWEST_PROPOSED, _REFINEMENTS, _COMPONENTS = 8, 4000, 3, 4


@dataclass(frozen=True)
class Grid(Method):
    """Independent draws from the posterior of a law that is a constant and one or two powers.

    Parameters
    ----------
    nodes : int
        Exponents along each side of the final grid, which covers the part of the ranges that has
        posterior mass.
    alpha, beta : tuple of float
        Ranges of the first exponent and of the second, where there are two.
    draws : int
    seed : int

    Notes
    -----
    Diagnostics of the result: ``pareto_k``; ``ess_importance``, the effective number of independent
    draws among the proposals; ``log_evidence``, the log marginal likelihood of log loss, comparable
    between laws and noise models of the same runs.
    """

    nodes: int = 512
    alpha: tuple[float, float] = (0.01, 1.5)
    beta: tuple[float, float] = (0.01, 1.5)
    draws: int = 4000
    seed: int = 0

    def run(self, problem: Problem) -> Posterior:
        """Draw from the grid, and correct by importance."""
        self._check()
        problem.require_likelihood(self)
        problem.require_independent(self)
        plane, parametrisation = Plane.of(problem.target), problem.target.parametrisation
        begun = time.perf_counter()
        rng = np.random.default_rng(self.seed)
        ranges = dict(zip(plane.exponents, (self.alpha, self.beta), strict=False))
        pool = max(_POOL * self.draws, _FEWEST_PROPOSED)
        settled = settle(problem, plane, tuple(ranges.values()), self.nodes)
        coordinates, log_proposal, lost = _propose(problem, plane, settled, pool, rng)
        weighed = _weighed(problem, ranges, coordinates, log_proposal)
        for _ in range(_REFINEMENTS):
            if weighed.even:
                break
            decorrelated = np.asarray(decorrelate_points(parametrisation, coordinates.T)).T
            mixture = Mixture.of_draws(decorrelated, weighed.log_weights, _COMPONENTS, rng)
            decorrelated = mixture.draw(pool, rng)
            coordinates = np.asarray(recorrelate_points(parametrisation, decorrelated.T)).T
            weighed = _weighed(problem, ranges, coordinates, mixture.log_density(decorrelated))
        chosen = coordinates[:, weighed.chosen(self.draws, rng)]
        beyond = (
            ()
            if lost < _LOST
            else (
                Complaint(
                    "range",
                    f"{lost:.1%} of the mass lies at the end of the range of exponents; widen it.",
                    {"share_at_the_end": float(lost)},
                ),
            )
        )
        return problem.posterior(
            problem.target.constrain(list(jnp.asarray(chosen)[:, None]), problem.data.sweep),
            self,
            diagnostics=weighed.diagnostics,
            problems=complaint(weighed, "Use NUTS(), which needs no proposal.") + beyond,
            seconds={"fit": time.perf_counter() - begun},
        )

    def _check(self) -> None:
        if self.nodes < _FEWEST_NODES or self.draws < 1:
            raise InputError(
                f"grid: nodes={self.nodes} must be at least {_FEWEST_NODES} and draws={self.draws} "
                f"at least 1."
            )
        for name, (low, high) in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < low < high < float("inf"):
                raise InputError(
                    f"grid: {name}=({low:g}, {high:g}) must be a range of positive numbers, such "
                    f"as (0.01, 1.5)."
                )


def _weighed(
    problem: Problem,
    ranges: Mapping[str, tuple[float, float]],
    coordinates: np.ndarray,
    log_proposal: np.ndarray,
) -> Weighed:
    log_target = np.asarray(
        log_posterior(problem.target, jnp.asarray(coordinates), problem.data, problem.weights)
    )
    # Half of an outermost cell lies beyond the range, and a mixture knows of none.
    params = problem.target.constrain(list(jnp.asarray(coordinates)), problem.data.sweep)
    for name, (low, high) in ranges.items():
        exponent = np.asarray(params[name])
        log_target = np.where((low <= exponent) & (exponent <= high), log_target, -np.inf)
    return weigh(log_target - log_proposal)


def _propose(
    problem: Problem, plane: Plane, settled: Settled, pool: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Propose from the grid.

    Returns
    -------
    array, shape (k, pool)
        Unconstrained coordinates.
    array, shape (pool,)
        Their log density.
    float
        Share of mass at the grid's ends.
    """
    target, grid = problem.target, settled.grid
    log_mass = np.asarray(log_masses(target, plane, grid.pair, settled.working, problem.data))
    log_mass = log_mass - logsumexp(log_mass)
    exponents, log_density = _from_cells(grid.axes, log_mass, pool, rng)
    levels, log_level_density = _levels(problem, plane, settled, exponents, pool, rng)
    scale, log_scale_density = _multivariate_t(
        settled.scale[:, None], settled.scale_covariance[:, :, None], _FREEDOM, pool, rng
    )
    values = dict(zip(plane.levels, levels, strict=True)) | dict(
        zip(plane.exponents, exponents, strict=True)
    )
    log_density = log_density + log_level_density + log_scale_density
    positive = {name: jnp.asarray(np.where(v > 0, v, 1.0)) for name, v in values.items()}
    law_coordinates = unconstrained(target.law.parameters, positive)
    for parameter, coordinate in zip(target.law.parameters, law_coordinates, strict=True):
        volume = log_volume(parameter, coordinate, positive[parameter.name])
        log_density = log_density + np.asarray(volume)
    # Levels below zero are proposed and never accepted: the density of the others needs no
    # correction.
    impossible = np.min([np.min(one, axis=0) for one in (levels, exponents)], axis=0) <= 0
    log_density = np.where(impossible, np.inf, log_density)
    return (
        np.concatenate([np.asarray(law_coordinates), scale]),
        log_density,
        _mass_at_ends(log_mass),
    )


def _from_cells(
    axes: tuple[np.ndarray, ...], log_mass: np.ndarray, pool: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw exponents uniformly within cells drawn by mass, shape (exponents, pool).

    Their log density, shape (pool,), comes with them.
    """
    mass = np.exp(log_mass).reshape(-1)
    steps = (rng.uniform() + np.arange(pool)) / pool
    cells = rng.permutation(
        np.minimum(np.searchsorted(np.cumsum(mass), steps * mass.sum()), mass.size - 1)
    )
    indices = np.unravel_index(cells, log_mass.shape)
    widths = [axis[1] - axis[0] for axis in axes]
    exponents = [
        axis[index] + width * rng.uniform(-0.5, 0.5, size=pool)
        for axis, index, width in zip(axes, indices, widths, strict=False)
    ]
    return np.stack(exponents), log_mass.reshape(-1)[cells] - np.sum(np.log(widths))


def _levels(
    problem: Problem,
    plane: Plane,
    settled: Settled,
    exponents: np.ndarray,
    pool: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw levels about their least squares at each draw's exponents, shape (levels, pool).

    Their log density, shape (pool,), comes with them.
    """
    pair = (
        (exponents[0], exponents[-1])
        if len(exponents) == 2 or plane.common
        else (exponents[0], np.ones(pool))
    )
    nodes = nodes_at(
        problem.target, plane, tuple(map(jnp.asarray, pair)), settled.working, problem.data
    )
    k = len(plane.levels)
    freedom = max(len(problem.runs) - k, 1)
    covariance = np.asarray(nodes.covariance)[:k, :k] * np.asarray(nodes.rss) / freedom
    return _multivariate_t(
        np.asarray(nodes.levels)[:k], covariance, min(float(freedom), _FREEDOM), pool, rng
    )


def _multivariate_t(
    centre: np.ndarray, covariance: np.ndarray, freedom: float, pool: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw from multivariate t distributions, shape (k, pool), with log densities.

    Centres have shape (k, pool or 1), scale matrices (k, k, pool or 1).
    """
    k = len(centre)
    # Levels of nearly parallel columns are apart by less than rounding: a little more spread costs
    # the proposal nothing.
    widened = covariance * (1 + _SPREAD * np.eye(k))[:, :, None]
    root = np.linalg.cholesky(np.moveaxis(widened, -1, 0))
    normal = rng.standard_normal((pool, k, 1))
    stretch = np.sqrt(freedom / rng.chisquare(freedom, size=pool))
    draws = centre + stretch * (root @ normal)[:, :, 0].T
    distance = np.sum(normal[:, :, 0] ** 2, axis=1) * stretch**2
    volume = np.sum(np.log(np.diagonal(root, axis1=1, axis2=2)), axis=1)
    constant = gammaln((freedom + k) / 2) - gammaln(freedom / 2) - k / 2 * np.log(freedom * np.pi)
    return draws, constant - volume - (freedom + k) / 2 * np.log1p(distance / freedom)


def _mass_at_ends(log_mass: np.ndarray) -> float:
    mass = np.exp(log_mass)
    ends = [mass[0].sum() + mass[-1].sum()]
    if mass.shape[1] > 1:
        ends.append(mass[:, 0].sum() + mass[:, -1].sum())
    return float(max(ends))
