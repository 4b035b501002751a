"""Law and coefficients given the noise's parameters: nearly Normal, so they are proposed from that
Normal, and weighed against the exact density.

Let φ be the scored coordinates of the noise and its amplitudes, θ the law's decorrelated
coordinates, z the coefficients of the functions Φ, T(φ) their amplitudes, and e = r(θ) − Φ T z what
law and processes leave of each run. About a point (θ₀, e₀), and with slopes J = −∂r/∂θ,

    Σ w ρ(e) ≈ const + Σ g (e − e₀) + ½ h (e − e₀)²,        g = w E ρ'(e),  h = w E ρ''(e)

where the means are over what is known of e: Normal about e₀, of the variance that the expansion
itself gives. Under a scatter with tails, curvature falls away from e₀, so that ρ''(e₀) alone is too
narrow a proposal where few runs say what a coefficient is: on six public sweeps 10 to 20 % of
proposals were effective with it, and 25 to 40 % with the means.

Then (z, θ) given φ are jointly Normal. Its precision is factorised once, z before θ. Then

    θ = θ̂(φ) + R⁻ᵀ η,                                   η whitened, nearly Normal(0, 1)
    z = P⁻¹ T Φ'(g + h (r(θ) − e₀)) ± C⁻ᵀ ξ,              ξ drawn from Normal(0, 1)
    P = I + T Φ' h Φ T = C C',     R R' = precision of θ with z integrated out

A sampler in (η, φ) meets no funnel at small amplitudes and no ridge at large ones. The density of
(η, φ) is estimated from the two z of a ±ξ: without bias, and exactly where runs scatter Normally,
since the Normal is then the conditional itself. Where scatter has tails it is a variational Normal,
corrected: odd terms cancel in a pair.

L. Tierney and J. B. Kadane, "Accurate Approximations for Posterior Moments and Marginal Densities",
1986; M. Opper and C. Archambeau, "The Variational Gaussian Approximation Revisited", 2009; H. Rue,
S. Martino and N. Chopin, "Approximate Bayesian Inference for Latent Gaussian Models", 2009, for
nested Laplace; C. Andrieu and G. O. Roberts, "The Pseudo-Marginal Approach for Efficient Monte
Carlo Computations", 2009, for why an estimate without bias gives exact weights.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._coordinates import Columns, Unconstrained, unscored
from bayescale.inference._data import Data
from bayescale.inference.base import Target
from bayescale.kernels.elimination import Factor, factorise, solve_lower, solve_upper

S = TypeVar("S")

# Curvature of a run that lies far out is negative under heavy tails; this share of its secant
# keeps the conditional proper.
_LEAST_SHARE = 0.3
_LEAST_RESIDUAL, _LEAST_LEVERAGE, _LEAST_CURVATURE = 1e-6, 1e-6, 1e-6
# Rows whose products of columns stay in cache; every size above it that `padded_size` returns is a
# multiple.
_BLOCK = 256


class Linearisation(NamedTuple):
    """The point of an expansion, the slopes there, and how well each run's e is known.

    Attributes
    ----------
    law : Array, shape (p,)
        θ₀, decorrelated coordinates of the law.
    unexplained : Array, shape (runs, 1)
        e₀.
    residual : Array, shape (runs, 1)
        r(θ₀).
    slopes : Array, shape (runs, p)
        J.
    prior_slopes : Array, shape (p, p)
        Derivatives of the law's unconstrained coordinates in prior standard deviations.
    prior_residual : Array, shape (p,)
        Prior mean less θ₀, in prior standard deviations.
    leverage : Array, shape (runs, 1)
        Share of each run's own information in what is known of its e: variance of e times h.
    """

    law: Array
    unexplained: Array
    residual: Array
    slopes: Array
    prior_slopes: Array
    prior_residual: Array
    leverage: Array

    def damped(self, damping: float) -> "Linearisation":
        """Return an expansion whose law keeps nearer to θ₀: its prior, as a proposal takes it, is
        1 + ``damping`` times as precise and pulls as it did.
        """
        stretch = (1 + damping) ** 0.5
        return self._replace(
            prior_slopes=self.prior_slopes * stretch, prior_residual=self.prior_residual / stretch
        )


class Weighable(NamedTuple):
    """Points and their densities, for a batch of (η, φ, ξ).

    Attributes
    ----------
    unconstrained : Array, shape (k, batch)
        Parameters of law and noise.
    coefficients : Array, shape (2, functions, batch)
        z for +ξ and for −ξ.
    log_density : Array, shape (2, batch)
        Log posterior density of (η, φ), as either z estimates it; minus infinity where it is not a
        number.
    """

    unconstrained: Array
    coefficients: Array
    log_density: Array

    @property
    def log_estimate(self) -> np.ndarray:
        """The log density of (η, φ) as both z together estimate it, shape (batch,)."""
        plus, minus = self.log_density
        return np.asarray(np.logaddexp(plus, minus) - np.log(2))


def joined(parts: Sequence[S]) -> S:
    """Return named arrays of several batches as those of one, the batch last."""
    whole: S = jax.tree.map(lambda *arrays: np.concatenate(arrays, axis=-1), *parts)
    return whole


@jit_for(Use.BRIEF, "target")
def linearise(
    target: Target,
    unconstrained: Annotated[Array, "k"],
    coefficients: Annotated[Array, "functions"],
    data: Data,
    weights: Annotated[Array, "runs 1"],
) -> Linearisation:
    """Return the expansion at parameters and coefficients."""
    law, p = target.law, target.n_predictive
    noise_coordinates = unconstrained[p:]
    theta = jnp.stack(law.decorrelate(tuple(unconstrained[:p])))

    def law_coordinates(v: Array) -> Array:
        return jnp.stack(law.recorrelate(tuple(v)))

    def residual(v: Array) -> Array:
        point = jnp.concatenate([law_coordinates(v), noise_coordinates])
        return target.parametrisation.residual(Unconstrained(point), data)

    r, columns = residual(theta), list(unconstrained[:, None])
    functions, amplitudes = _features(data), _amplitudes(target, columns, data)
    departure = functions @ (amplitudes * coefficients[:, None])
    mean, deviation = (jnp.asarray(values[:p]) for values in target.prior_location_scale)
    expansion = Linearisation(
        law=theta,
        unexplained=r - departure,
        residual=r,
        slopes=-jax.jacfwd(residual)(theta)[:, 0],
        prior_slopes=jax.jacfwd(law_coordinates)(theta) / deviation[:, None],
        prior_residual=(mean - unconstrained[:p]) / deviation,
        leverage=jnp.zeros_like(r),
    )
    _, curvature = _expansion(target, columns, data, weights, expansion)
    table = jnp.concatenate([functions * amplitudes[:, 0], expansion.slopes], axis=1)
    prior_precision, _ = _prior(expansion, functions.shape[1])
    precision = table.T @ (curvature * table) + prior_precision
    known = jnp.linalg.solve(precision, table.T).T
    variance = jnp.sum(table * known, axis=1, keepdims=True)
    return expansion._replace(leverage=curvature * variance)


def weighable(
    target: Target,
    points: Annotated[Array, "k batch"],
    standard: Annotated[Array, "functions batch"],
    data: Data,
    weights: Annotated[Array, "runs 1"],
    linearisation: Linearisation,
) -> Weighable:
    """Map points (η, φ), and draws ξ, to parameters, coefficients and densities.

    Parameters
    ----------
    target : Target
    points : Array, shape (k, batch)
        η of the law's coordinates, then φ, scored coordinates of the noise.
    standard : Array, shape (functions, batch)
        ξ.
    data : Data
    weights : Array, shape (runs, 1)
    linearisation : Linearisation
    """
    p, batch = target.n_predictive, points.shape[1]
    order, groups = _order(target, data)
    functions = _features(data)[:, order]
    size = functions.shape[1]
    whitened = points[:p]
    noise_columns, score_volume = unscored(target.noise.parameters, list(points[p:]))
    at_mode = target.law.recorrelate(list(linearisation.law[:, None]))
    columns = [jnp.broadcast_to(column, (batch,)) for column in at_mode] + noise_columns
    amplitudes = _amplitudes(target, columns, data)[order]
    slope, curvature = _expansion(target, columns, data, weights, linearisation)

    table = jnp.concatenate([functions, linearisation.slopes], axis=1)
    departure = linearisation.residual - linearisation.unexplained
    right = table.T @ (slope + curvature * departure)
    scale = jnp.concatenate([amplitudes, jnp.ones((p, batch))])
    prior_precision, prior_pull = _prior(linearisation, size)
    own, shared = scale[:groups], scale[groups:]
    precision = shared[:, None] * _gram(table[:, groups:], curvature) * shared[None]
    factor = factorise(
        1 + own**2 * ((table[:, :groups] ** 2).T @ curvature),
        shared[:, None] * _border(table[:, groups:], table[:, :groups], curvature) * own[None],
        prior_precision[groups:, groups:, None] + precision,
        scale * right + prior_pull[:, None],
    )

    step = solve_upper(_of_law(factor, p), (factor.solved[size:] + whitened)[None])[0]
    law_columns = list(linearisation.law[:, None] + step)
    columns = [*target.law.recorrelate(law_columns), *noise_columns]
    residual = target.residual(columns, data)
    pull = slope + curvature * (residual - linearisation.unexplained)
    root = factor.leading(size - groups)
    solved = solve_lower(root, amplitudes * (functions.T @ pull))
    both = jnp.stack([solved + standard, solved - standard])
    coefficients = solve_upper(root, both)

    def potential(z: Array) -> Array:
        unexplained = residual - functions @ (amplitudes * z)
        likelihood = jnp.sum(weights * target.rho(unexplained, columns, data), axis=0)
        return likelihood + jnp.sum(z**2, axis=0) / 2

    potentials = jnp.stack([potential(z) for z in coefficients]) + sum(target.penalty(columns))
    # The proposal of z, whose density is divided out, the maps from η to θ and from scores.
    volume = jnp.sum(standard**2, axis=0) / 2 - jnp.sum(factor.log_diagonal, axis=0) + score_volume
    log_density = volume - potentials
    return Weighable(
        jnp.stack(columns),
        coefficients[:, np.argsort(order)],
        jnp.where(jnp.isnan(log_density), -jnp.inf, log_density),
    )


def _features(data: Data) -> Array:
    none = jnp.zeros((len(data.observed), 0))
    return jnp.concatenate([none, *data.features], axis=1)


def _amplitudes(target: Target, columns: Columns, data: Data) -> Array:
    """Return the amplitude of the process of each function, shape (functions, batch)."""
    params, batch = target.constrain(columns, data.sweep), len(columns[0])
    by_process = [jnp.zeros((0, batch))]
    for process, features in zip(target.noise.shared, data.features, strict=True):
        amplitude = params[process.amplitude.name]
        by_process.append(jnp.broadcast_to(amplitude, (features.shape[1], batch)))
    return jnp.concatenate(by_process)


def _expansion(
    target: Target, columns: Columns, data: Data, weights: Array, linearisation: Linearisation
) -> tuple[Array, Array]:
    """Return g and h, means of w ρ' and w ρ'' over what is known of e, each of shape (runs, batch).

    The variance of e is its leverage over its curvature at e₀. Means are by the three nodes of
    Gauss and Hermite, the second as E ρ'' = E ρ' (e − e₀) / variance (Stein).
    """
    shape = (len(linearisation.unexplained), len(columns[0]))
    unexplained = jnp.broadcast_to(linearisation.unexplained, shape)

    def slope_at(e: Array) -> Array:
        return jax.grad(lambda u: jnp.sum(target.rho(u, columns, data)))(e)

    slope, curvature = jax.jvp(slope_at, (unexplained,), (jnp.ones(shape),))
    small = jnp.abs(unexplained) < _LEAST_RESIDUAL
    least = _LEAST_SHARE * slope / jnp.where(small, _LEAST_RESIDUAL, unexplained)
    local = jnp.maximum(jnp.maximum(curvature, least), _LEAST_CURVATURE)
    leverage = jnp.maximum(linearisation.leverage, _LEAST_LEVERAGE)
    away = jnp.sqrt(3 * leverage / local)
    above, below = slope_at(unexplained + away), slope_at(unexplained - away)
    mean_slope = (above + 4 * slope + below) / 6
    mean_curvature = jnp.maximum((above - below) / (2 * away), least)
    return weights * mean_slope, weights * mean_curvature


def _of_law(factor: Factor, count: int) -> Factor:
    """Return the factor of the law's precision with coefficients integrated out."""
    columns, batch = factor.columns[-count:, -count:], factor.columns.shape[-1]
    none = jnp.zeros((count, 0, batch))
    return Factor(none[0], none, columns, factor.solved[-count:])


def _order(target: Target, data: Data) -> tuple[np.ndarray, int]:
    """Return the order in which coefficients are eliminated, and how many of the first know nothing
    of each other: those of the first process of which a run has one function at most.
    """
    sizes = [features.shape[1] for features in data.features]
    ends = np.cumsum([0, *sizes])
    places = np.arange(ends[-1])
    for process, begin, end in zip(target.noise.shared, ends[:-1], ends[1:], strict=True):
        if process.of_identity:
            first = places[begin:end]
            return np.concatenate([first, np.delete(places, first)]), len(first)
    return places, 0


def _border(table: Array, groups: Array, curvature: Array) -> Array:
    """Return X' h G for columns X and functions G of which a run has one at most, shape (columns,
    groups, batch).
    """
    count = groups.shape[1]
    if not count:
        return jnp.zeros((table.shape[1], 0, curvature.shape[1]))
    weighed = groups.sum(axis=1, keepdims=True) * curvature
    products = table[:, :, None] * weighed[:, None, :]
    place = jnp.argmax(jnp.abs(groups), axis=1)
    summed = jax.ops.segment_sum(products, place, num_segments=count)
    return jnp.swapaxes(summed, 0, 1)


def _gram(table: Array, curvature: Array) -> Array:
    """Return X' h X for columns X, shape (columns, columns, batch)."""
    size = table.shape[1]
    rows, columns = np.tril_indices(size)
    block = min(len(table), _BLOCK)

    def with_block(total: Array, begin: Array) -> tuple[Array, None]:
        """Add one matrix product for the whole batch, of the lower triangle."""
        here = jax.lax.dynamic_slice_in_dim(table, begin, block)
        curved = jax.lax.dynamic_slice_in_dim(curvature, begin, block)
        products = here[:, rows] * here[:, columns]
        return total + products.T @ curved, None

    none = jnp.zeros((len(rows), curvature.shape[1]))
    lower, _ = jax.lax.scan(with_block, none, jnp.arange(0, len(table), block))
    place = np.zeros((size, size), dtype=int)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return lower[place]


def _prior(linearisation: Linearisation, size: int) -> tuple[Array, Array]:
    """Return the precision of the prior of (z, θ) and its pull, shapes (s, s) and (s,)."""
    slopes = linearisation.prior_slopes
    precision = jax.scipy.linalg.block_diag(jnp.eye(size), slopes.T @ slopes)
    pull = slopes.T @ linearisation.prior_residual
    return precision, jnp.concatenate([jnp.zeros(size), pull])
