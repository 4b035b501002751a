"""The coordinate systems of a fit, and the maps between them.

    counts ⇄ data units ⇄ unconstrained ⇄ decorrelated ⇄ whitened

- **Counts**: named parameters as papers print them, in counts and nats per token.
- **Data units**: the same parameters where the geometric mean of each input and of the loss is
  one, over the runs at which the prior is stated; see `bayescale.laws.base`.
- **Unconstrained**: one real number a parameter, the law's and then the noise's: the logarithm
  where the prior's support is positive. The objective is a density of these.
- **Decorrelated**: coordinates of the same volume in which posteriors are nearly Normal, by
  `Law.decorrelate`; those of the noise are left as they are.
- **Whitened**: for noise models with processes; law and coefficients of the processes are nearly
  independent and standard Normal. See `Whitening`.
- **Scored**: unconstrained, but an amplitude with a half-Normal prior is its prior's Normal score:
  standard Normal where the runs say nothing of it, while its logarithm has a long tail towards
  zero. See `scored`.

Every map is written for one point, shape (k,); ``jax.vmap`` outside makes it a map of many. The
maps up to decorrelated coordinates work on each coordinate as a whole, so that kernels, which hold
a batch as one column a coordinate, share them: see `constrained`, `decorrelated`, `recorrelated`
and the adapter, `bayescale.inference.base.Target`. On CPUs a kernel with the batch as last axis is
2.5 times as fast as one that ``vmap`` makes of a point.

The whitening follows M. Gorinova, D. Moore and M. Hoffman, "Automatic Reparameterisation of
Probabilistic Programs", 2020 (arXiv:1906.03028), for the idea, and P. J. Green, "Iteratively
Reweighted Least Squares", 1984, for the precisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, NewType, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import ndtr, ndtri
from numpyro import distributions
from numpyro.distributions.transforms import biject_to
from scipy import special
from scipy.special import digamma, polygamma

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._data import Data
from bayescale.laws.base import Law, Parameter, Values
from bayescale.noise.base import Noise
from bayescale.processes.base import departure
from bayescale.sweep import Sweep

ParamsInCounts = NewType("ParamsInCounts", dict[str, np.ndarray])
"""Named parameters in counts and nats per token."""
ParamsInDataUnits = NewType("ParamsInDataUnits", dict[str, Array])
"""Named parameters in the units of the data."""
Unconstrained = NewType("Unconstrained", Array)
"""Shape (k,): the parameters on the real line."""
Decorrelated = NewType("Decorrelated", Array)
"""Shape (k,): nearly Normal, of the same volume as unconstrained coordinates."""
Whitened = NewType("Whitened", Array)
"""Shape (k + functions,): decorrelated or whitened parameters, then whitened coefficients."""
Columns = Sequence[Array]
"""One array a coordinate, each of shape (batch,): how kernels hold a batch."""

_LEAST_PRECISION = 1e-6
_LEAST_RESIDUAL = 1e-6


def constrained(parameters: Iterable[Parameter], coordinates: Iterable[Array]) -> ParamsInDataUnits:
    """Return named parameters from unconstrained coordinates, in the order of ``parameters``."""
    return ParamsInDataUnits(
        {
            parameter.name: biject_to(parameter.prior.support)(coordinate)
            for parameter, coordinate in zip(parameters, coordinates, strict=True)
        }
    )


def in_data_units(law: Law, coordinates: ParamsInDataUnits, sweep: Sweep) -> ParamsInDataUnits:
    """Return the parameters of a law from the rows that are fitted; those of the noise stay."""
    return ParamsInDataUnits(cast(dict[str, Array], law.from_coordinates(coordinates, sweep)))


def log_prior(parameter: Parameter, coordinate: Array) -> Array:
    """Return the log density of the prior in the unconstrained coordinate."""
    value = biject_to(parameter.prior.support)(coordinate)
    return parameter.prior.log_prob(value) + log_volume(parameter, coordinate, value)


def scored(parameters: Sequence[Parameter], unconstrained: np.ndarray) -> np.ndarray:
    """Return scored coordinates of some parameters from unconstrained ones, shape (…, m).

    The score of an amplitude τ with prior |Normal(0, s)| is u with Φ(−u) = 2 Φ(−τ/s).
    """
    scores = np.array(unconstrained, dtype=np.float64)
    for i, parameter in enumerate(parameters):
        if isinstance(parameter.prior, distributions.HalfNormal):
            with np.errstate(over="ignore"):
                standard = np.exp(scores[..., i]) / float(parameter.prior.scale)
            tail = 2 * special.ndtr(-standard)
            scores[..., i] = -special.ndtri(np.clip(tail, np.finfo(float).tiny, 1 - 1e-16))
    return scores


def unscored(parameters: Sequence[Parameter], columns: Columns) -> tuple[list[Array], Array]:
    """Return unconstrained columns from scored ones, and the log volume of the map, (batch,)."""
    unconstrained_columns, volume = [], jnp.zeros(columns[0].shape if columns else ())
    for parameter, column in zip(parameters, columns, strict=True):
        if isinstance(parameter.prior, distributions.HalfNormal):
            standard = -ndtri(ndtr(-column) / 2)
            coordinate = jnp.log(parameter.prior.scale * standard)
            # A density is the prior's times a volume, and the score's is standard Normal.
            normal = -(column**2) / 2 - np.log(2 * np.pi) / 2
            volume = volume + normal - log_prior(parameter, coordinate)
            unconstrained_columns.append(coordinate)
        else:
            unconstrained_columns.append(column)
    return unconstrained_columns, volume


def log_volume(parameter: Parameter, coordinate: Array, value: Array) -> Array:
    """Return log |d value / d coordinate| of one parameter."""
    return biject_to(parameter.prior.support).log_abs_det_jacobian(coordinate, value)


def decorrelated(law: Law, columns: Columns) -> list[Array]:
    """Return decorrelated columns from unconstrained ones; those of the noise stay."""
    k = len(law.coordinates)
    return [*law.decorrelate(columns[:k]), *columns[k:]]


def recorrelated(law: Law, columns: Columns) -> list[Array]:
    """Return unconstrained columns from decorrelated ones; the inverse of `decorrelated`."""
    k = len(law.coordinates)
    return [*law.recorrelate(columns[:k]), *columns[k:]]


@dataclass(frozen=True)
class Parametrisation:
    """The maps between the coordinate systems of a law and a noise model, for one point.

    Equal parametrisations share compiled programs.
    """

    law: Law
    noise: Noise

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The rows that are fitted, the law's coordinates first."""
        return (*self.law.coordinates, *self.noise.parameters)

    @property
    def prior_location_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the prior in unconstrained coordinates, each (k,).

        Starting points are drawn from there.
        """
        moments = [unconstrained_moments(parameter.prior) for parameter in self.parameters]
        means, deviations = zip(*moments, strict=True)
        return np.array(means), np.array(deviations)

    def constrain(self, point: Unconstrained, sweep: Sweep) -> ParamsInDataUnits:
        """Map unconstrained coordinates to parameters in data units."""
        return in_data_units(self.law, constrained(self.parameters, tuple(point)), sweep)

    def decorrelate(self, point: Unconstrained) -> Decorrelated:
        """Map unconstrained coordinates to decorrelated ones."""
        return Decorrelated(jnp.stack(decorrelated(self.law, tuple(point))))

    def recorrelate(self, point: Decorrelated) -> Unconstrained:
        """Map decorrelated coordinates to unconstrained ones; the inverse of `decorrelate`."""
        return Unconstrained(jnp.stack(recorrelated(self.law, tuple(point))))

    def residual(self, point: Unconstrained, data: Data) -> Annotated[Array, "runs 1"]:
        """Return the response on the scale of the fit less its prediction, shape (runs, 1)."""
        params = self.constrain(point, data.sweep)
        return data.observed - self.law.predict(params, data.log_inputs)

    def in_counts(
        self, params: Mapping[str, np.ndarray | Array], units: Mapping[str, float]
    ) -> ParamsInCounts:
        """Map parameters in data units, arrays of any one shape, to counts and nats."""
        parameters = (*self.law.parameters, *self.noise.parameters)
        in_data_units = _within_support(parameters, params)
        # An exponent of forty, as of a replicate that shows a step, makes scales that no number
        # holds.
        with np.errstate(over="ignore"):
            rescaled = self.law.rescale(in_data_units, units)
        return ParamsInCounts(_within_support(parameters, rescaled))


def unconstrained(parameters: Iterable[Parameter], params: Mapping[str, Array]) -> list[Array]:
    """Return the unconstrained coordinates of some parameters, each of the shape of its values.

    The order is that of ``parameters``.
    """
    return [biject_to(p.prior.support).inv(params[p.name]) for p in parameters]


@jit_for(Use.BRIEF, "parametrisation")
def decorrelate_points(
    parametrisation: Parametrisation, points: Annotated[Array, "points k"]
) -> Annotated[Array, "points k"]:
    """Map unconstrained coordinates of many points, shape (points, k), to decorrelated ones."""
    return jax.vmap(lambda point: parametrisation.decorrelate(Unconstrained(point)))(points)


@jit_for(Use.BRIEF, "parametrisation")
def recorrelate_points(
    parametrisation: Parametrisation, points: Annotated[Array, "points k"]
) -> Annotated[Array, "points k"]:
    """Map decorrelated coordinates of many points, shape (points, k), to unconstrained ones."""
    return jax.vmap(lambda point: parametrisation.recorrelate(Decorrelated(point)))(points)


class Unwhitened(NamedTuple):
    """One point without its whitening.

    Attributes
    ----------
    unconstrained : Array, shape (k,)
        Coordinates of the parameters.
    coefficients : Array, shape (functions,)
        Coefficients of the processes.
    log_volume : Array, shape ()
        Log determinant of the map from whitened to decorrelated coordinates and coefficients.
    """

    unconstrained: Unconstrained
    coefficients: Array
    log_volume: Array | float


class Whitening(NamedTuple):
    """The map from whitened coordinates (η, ξ) to the law's and the coefficients, fixed at a mode.

    How well the law is known depends on the amplitudes T of the processes, and the coefficients z
    of their functions Φ depend on the law. Given amplitudes, and were the noise Normal with
    precisions W and the law straight near a mode, law and coefficients would be Normal, one after
    the other:

        θ = S⁻¹ b + R⁻ᵀ η,              S = J' V⁻¹ J + prior = R R',   V = W⁻¹ + Φ T² Φ'
        z = P⁻¹ T Φ' W r(θ) + C⁻ᵀ ξ,    P = I + T Φ' W Φ T = C C'

    with J the slopes of the law in its decorrelated coordinates θ, and r(θ) its residuals. A
    sampler that walks in η and ξ meets no funnel at small amplitudes and no ridge at large ones.
    Precisions and slopes are those of a mode, the precisions robustly, ρ'(r)/r; the density is that
    of the true law and noise, so they decide about speed alone.

    Attributes
    ----------
    centre : Array, shape (p,)
        The law's decorrelated coordinates.
    precisions : Array, shape (runs, 1)
        W.
    gram : Array, shape (functions, functions)
        Φ' W Φ.
    cross : Array, shape (functions, 1 + p)
        Φ' W [r, J].
    law : Array, shape (p, 1 + p)
        J' W [r, J], with the prior's pull and precision added.
    """

    centre: Array
    precisions: Array
    gram: Array
    cross: Array
    law: Array

    @classmethod
    def identity(cls, law: Law, runs: int, functions: int) -> "Whitening":
        """Return the whitening that leaves coordinates and coefficients unchanged."""
        p = len(law.coordinates)
        arrays = (
            np.zeros(p),
            np.zeros((runs, 1)),
            np.zeros((functions, functions)),
            np.zeros((functions, 1 + p)),
            np.eye(p, 1 + p, 1),
        )
        return cls(*map(jax.device_put, arrays))

    @classmethod
    def at(
        cls,
        parametrisation: Parametrisation,
        point: Unconstrained,
        coefficients: Annotated[Array, "functions"],
        data: Data,
        weights: Annotated[Array, "runs 1"],
        prior_location_scale: tuple[Array, Array],
    ) -> "Whitening":
        """Return the whitening at one point, shape (k,), and coefficients, shape (functions,)."""
        law, noise = parametrisation.law, parametrisation.noise
        p = len(law.coordinates)
        theta = jnp.stack(law.decorrelate(tuple(point[:p])))

        def law_coordinates(v: Array) -> Array:
            return jnp.stack(law.recorrelate(tuple(v)))

        def residual(v: Array) -> Array:
            moved = jnp.concatenate([law_coordinates(v), point[p:]])
            return parametrisation.residual(Unconstrained(moved), data)[:, 0]

        params = parametrisation.constrain(point, data.sweep)
        shift = departure(noise.shared, params, coefficients, data.features)
        r, slopes = residual(theta), -jax.jacfwd(residual)(theta)
        unexplained = (r - shift)[:, None]
        score = jax.grad(lambda u: jnp.sum(noise.rho(u, params, data.conditions)))(unexplained)
        divisor = jnp.where(jnp.abs(unexplained) > _LEAST_RESIDUAL, unexplained, _LEAST_RESIDUAL)
        precisions = weights * jnp.maximum(score / divisor, _LEAST_PRECISION)
        mean, deviation = (values[:p] for values in prior_location_scale)
        prior_slopes = jax.jacfwd(law_coordinates)(theta) / deviation[:, None]
        prior_residual = (mean - point[:p]) / deviation
        features = _all_features(data)
        moving = jnp.concatenate([r[:, None], slopes], axis=1)
        prior_moving = jnp.concatenate([prior_residual[:, None], prior_slopes], axis=1)
        return cls(
            theta,
            precisions,
            features.T @ (precisions * features),
            features.T @ (precisions * moving),
            slopes.T @ (precisions * moving) + prior_slopes.T @ prior_moving,
        )

    def unwhiten(self, parametrisation: Parametrisation, point: Whitened, data: Data) -> Unwhitened:
        """Map one whitened point, shape (k + functions,), to parameters and coefficients."""
        p, k = len(parametrisation.law.coordinates), len(parametrisation.parameters)
        amplitudes = _amplitudes(parametrisation.noise, point[p:k], data)
        p_matrix = jnp.eye(len(amplitudes)) + amplitudes[:, None] * self.gram * amplitudes
        root = jnp.linalg.cholesky(p_matrix)
        half = solve_triangular(root, amplitudes[:, None] * self.cross, lower=True)
        law = self.law - half[:, 1:].T @ half
        law_root = jnp.linalg.cholesky(law[:, 1:])
        step = solve_triangular(law_root, law[:, 0], lower=True) + point[:p]
        theta = self.centre + solve_triangular(law_root.T, step, lower=False)
        decorrelated_point = Decorrelated(jnp.concatenate([theta, point[p:k]]))
        unconstrained_point = parametrisation.recorrelate(decorrelated_point)
        residual = parametrisation.residual(unconstrained_point, data)
        projection = _all_features(data).T @ (self.precisions * residual)[:, 0]
        step = solve_triangular(root, amplitudes * projection, lower=True) + point[k:]
        coefficients = solve_triangular(root.T, step, lower=False)
        volume = jnp.sum(jnp.log(jnp.diag(root))) + jnp.sum(jnp.log(jnp.diag(law_root)))
        return Unwhitened(unconstrained_point, coefficients, -volume)


def unwhiten(
    parametrisation: Parametrisation, point: Whitened, whitening: Whitening, data: Data
) -> Unwhitened:
    """Map what is sampled to parameters and coefficients.

    A noise model without processes has nothing to whiten: its points are decorrelated ones.
    """
    if parametrisation.noise.shared:
        return whitening.unwhiten(parametrisation, point, data)
    return Unwhitened(parametrisation.recorrelate(Decorrelated(point)), point[:0], 0.0)


def unconstrained_moments(prior: distributions.Distribution) -> tuple[float, float]:
    """Return mean and standard deviation of a prior in its unconstrained coordinate."""
    # By SciPy: NumPyro's moments are JAX operations, and compiling each on its own costs more than
    # the whole search.
    if isinstance(prior, distributions.LogNormal | distributions.Normal):
        return float(prior.loc), float(prior.scale)
    if isinstance(prior, distributions.Gamma):
        shape, rate = float(prior.concentration), float(prior.rate)
        return float(digamma(shape) - np.log(rate)), float(np.sqrt(polygamma(1, shape)))
    if isinstance(prior, distributions.HalfNormal):
        mean = float(np.log(prior.scale) - (np.euler_gamma + np.log(2)) / 2)
        return mean, float(np.pi / np.sqrt(8))
    mean, variance = float(prior.mean), float(prior.variance)
    if prior.support is distributions.constraints.positive:
        log_variance = np.log1p(variance / mean**2)
        return float(np.log(mean) - log_variance / 2), float(np.sqrt(log_variance))
    return mean, float(np.sqrt(variance))


def _within_support(parameters: Iterable[Parameter], params: Values) -> dict[str, np.ndarray]:
    # Where data want none of a parameter a fit without priors runs until its exponential is zero or
    # endless to rounding.
    within = {p.name: np.asarray(params[p.name]) for p in parameters}
    for parameter in parameters:
        if parameter.prior.support is distributions.constraints.positive:
            numbers = np.finfo(within[parameter.name].dtype)
            clipped = np.clip(within[parameter.name], numbers.tiny, numbers.max)
            within[parameter.name] = clipped
    return within


def _all_features(data: Data) -> Array:
    return jnp.concatenate(data.features, axis=1)


def _amplitudes(noise: Noise, coordinates: Array, data: Data) -> Array:
    """Return the amplitude of the process of each basis function, shape (functions,)."""
    params = constrained(noise.parameters, tuple(coordinates))
    amplitudes = [
        jnp.full(functions.shape[1], params[process.amplitude.name])
        for process, functions in zip(noise.shared, data.features, strict=True)
    ]
    return jnp.concatenate(amplitudes)
