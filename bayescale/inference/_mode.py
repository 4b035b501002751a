"""The NumPyro model, its density in straight coordinates, and its mode."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import scipy.optimize
from jax import Array
from numpyro import distributions as dist
from numpyro.infer.util import potential_energy

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._coordinates import (
    Unwhitened,
    Whitened,
    Whitening,
    decorrelate_points,
    unwhiten,
)
from bayescale.inference._data import Data
from bayescale.inference.base import Problem, Target
from bayescale.noise.base import is_likelihood
from bayescale.processes.base import departure

_PRIOR_DRAWS, _SEARCHES = 400, 10
_REWEIGHTED = 2
_SMALLEST_CURVATURE = 1e-3
_HESSIAN_STEP = 1e-4
# Of a mode whose slope leaves less than this much to gain, in nats.
_LEVEL = 1e-2
_COARSE_STEP, _LEAST_CHANGE, _ROUNDS = 1e-2, 1e-2, 8
# Of the potential at the end of a step of a standard deviation, in nats: far more than half a nat
# is a step too long.
_HIGHEST_RISE = 8.0


class Setting(NamedTuple):
    """Data, weights and whitening: the arguments of a compiled density besides its coordinates."""

    data: Data
    weights: Array
    whitening: Whitening


class Mode(NamedTuple):
    """The mode of the parameters' density, shape (k,), the inverse Hessian there, (k, k), and the
    setting.

    The coefficients of processes are zero there, their mean; what is largest in parameters and
    coefficients together may be a sharp spike at which functions pass through every run.
    """

    coordinates: np.ndarray
    inverse_hessian: np.ndarray
    setting: Setting


def model(target: Target, data: Data, weights: Array) -> None:
    """Declare the NumPyro model: one site a parameter in the units of the data, and ``observed``.

    Processes, if any, add the site ``coefficients``.

    Parameters
    ----------
    target : Target
    data : Data
    weights : Array, shape (runs, 1)
    """
    coordinates = {p.name: numpyro.sample(p.name, p.prior) for p in target.parameters}
    params = target.law.from_coordinates(coordinates, data.sweep)
    prediction = target.law.predict(params, data.log_inputs)
    if target.noise.shared:
        standard = dist.Normal(0, 1).expand(
            [sum(functions.shape[1] for functions in data.features)]
        )
        coefficients = numpyro.sample("coefficients", standard.to_event(1))
        prediction = (
            prediction
            + departure(target.noise.shared, params, coefficients, data.features)[:, None]
        )
    # NumPyro refuses a scale of zero, the weight of rows that fill up; the least positive number is
    # as good.
    scale = jnp.maximum(weights, jnp.finfo(weights.dtype).tiny)
    with numpyro.plate("run", len(data.observed), dim=-2), numpyro.handlers.scale(scale=scale):
        assert is_likelihood(target.noise)
        numpyro.sample(
            "observed",
            target.noise.distribution(prediction, params, data.conditions),
            obs=data.observed,
        )


def unwhitened(target: Target, point: Array, setting: Setting) -> Unwhitened:
    """Return parameters, coefficients and log volume of what is sampled, shape (k + functions,)."""
    return unwhiten(target.parametrisation, Whitened(point), setting.whitening, setting.data)


def potential(target: Target, point: Array, setting: Setting) -> Array:
    """Return the negative log density that is sampled, at shape (k + functions,).

    See `_coordinates` for the coordinates.
    """
    unconstrained, coefficients, log_volume = unwhitened(target, point, setting)
    names = [parameter.name for parameter in target.parameters]
    sites = dict(zip(names, tuple(unconstrained), strict=True))
    if target.noise.shared:
        sites["coefficients"] = coefficients
    return potential_energy(model, (target, setting.data, setting.weights), {}, sites) - log_volume


@jit_for(Use.BRIEF, "target")
def potential_and_gradient(target: Target, point: Array, setting: Setting) -> tuple[Array, Array]:
    """Return the potential and its gradient, shapes () and (k + functions,)."""
    return jax.value_and_grad(lambda v: potential(target, v, setting))(point)


@jit_for(Use.BRIEF, "target")
def _whitened_at(
    target: Target,
    point: Array,
    setting: Setting,
    data: Data,
    prior_location_scale: tuple[Array, Array],
) -> Setting:
    """Return the setting for ``data`` whose coordinates are nearly independent about a point."""
    unconstrained, coefficients, _ = unwhitened(target, point, setting)
    whitening = Whitening.at(
        target.parametrisation,
        unconstrained,
        coefficients,
        data,
        setting.weights,
        prior_location_scale,
    )
    return Setting(data, setting.weights, whitening)


def find_mode(problem: Problem, seed: int) -> Mode:
    """Find the mode of a problem.

    SciPy's BFGS runs from the best of many draws from the prior, and the best end is the mode;
    processes join afterwards.
    """
    target, p = problem.target, problem.target.n_predictive
    centre, width = target.prior_location_scale
    draws = centre + width * np.random.default_rng(seed).standard_normal(
        (_PRIOR_DRAWS, len(centre))
    )
    starts = np.asarray(decorrelate_points(target.parametrisation, draws))
    setting = without_processes(problem)
    by_potential = sorted(starts, key=lambda start: value_and_gradient(target, start, setting)[0])
    ends = [_descended(target, start, setting) for start in by_potential[:_SEARCHES]]
    mode, _ = min(ends, key=lambda end: end[1])
    for _ in range(_REWEIGHTED if target.noise.shared else 0):
        setting = _whitened_at(
            target, _whole(mode, setting), setting, problem.data, target.prior_location_scale
        )
        mode, _ = _descended(target, np.concatenate([np.zeros(p), mode[p:]]), setting)
    return Mode(mode, _inverse_hessian(target, mode, setting), setting)


def value_and_gradient(
    target: Target, parameters: np.ndarray, setting: Setting
) -> tuple[float, np.ndarray]:
    """Return the potential at coefficients of zero and its gradient in the parameters, (k,)."""
    value, gradient = potential_and_gradient(target, _whole(parameters, setting), setting)
    return float(value), np.asarray(gradient)[: len(parameters)]


def without_processes(problem: Problem) -> Setting:
    """Return the setting with all process features zero; shapes stay, so programs are reused."""
    data = problem.data._replace(
        features=tuple(jax.device_put(np.zeros(f.shape)) for f in problem.data.features)
    )
    return Setting(
        data,
        problem.weights,
        Whitening.identity(problem.target.law, problem.padded_size, problem.n_functions),
    )


def _whole(parameters: np.ndarray, setting: Setting) -> np.ndarray:
    return np.pad(parameters, (0, len(setting.whitening.gram)))


def _descended(target: Target, start: np.ndarray, setting: Setting) -> tuple[np.ndarray, float]:
    # A step may end where the density is zero and has no slope; the line search comes back from
    # there.
    with np.errstate(over="ignore", invalid="ignore"):
        end = scipy.optimize.minimize(
            lambda v: value_and_gradient(target, v, setting), start, jac=True, method="BFGS"
        )
    return end.x, float(end.fun) if np.isfinite(end.fun) else np.inf


def _inverse_hessian(target: Target, mode: np.ndarray, setting: Setting) -> np.ndarray:
    # A direction that data and prior leave flat would get an endless step: bound it.
    inverse = _inverse(
        target,
        mode,
        setting,
        _HESSIAN_STEP * np.eye(len(mode)),
        _SMALLEST_CURVATURE * _HESSIAN_STEP**2,
    )
    least, slope = value_and_gradient(target, mode, setting)
    if slope @ inverse @ slope < _LEVEL:
        return inverse
    # Slopes that jump where a residual is zero, as under Laplace noise, have no limit there: what
    # counts is how they change over a standard deviation, and each round halves what is amiss in
    # its logarithm.
    inverse = _COARSE_STEP**2 * np.eye(len(mode))
    for _ in range(_ROUNDS):
        steps = [
            _shortened(target, mode, setting, step, least + _HIGHEST_RISE)
            for step in np.linalg.cholesky(inverse).T
        ]
        inverse = _inverse(target, mode, setting, np.stack(steps, axis=1), _LEAST_CHANGE)
    return inverse


def _shortened(
    target: Target, mode: np.ndarray, setting: Setting, step: np.ndarray, most: float
) -> np.ndarray:
    """Halve a step until the potential at both of its ends is a number less than ``most``."""
    while not all(
        value_and_gradient(target, mode + sign * step, setting)[0] < most for sign in (1, -1)
    ):
        step = step / 2
    return step


def _inverse(
    target: Target, mode: np.ndarray, setting: Setting, root: np.ndarray, least: float
) -> np.ndarray:
    """Return the inverse Hessian from differences of slopes between the ends of each column of
    ``root`` about the mode.

    In coordinates of the columns curvatures are no less than ``least``.
    """
    differences = []
    for step in root.T:
        _, above = value_and_gradient(target, mode + step, setting)
        _, below = value_and_gradient(target, mode - step, setting)
        differences.append(above - below)
    curvature = np.array(differences) @ root / 2
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    axes = root @ vectors
    return np.asarray((axes / np.maximum(values, least)) @ axes.T)
