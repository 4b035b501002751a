"""Laws with processes in coordinates that are nearly independent and standard Normal.

How well the law is known depends on the amplitudes T of the processes, and what the coefficients z
of their functions Φ are depends on the law. Given amplitudes, and were the noise Normal with
precisions W and the law straight near a mode, law and coefficients would be Normal, one after the
other:

    θ = S⁻¹ b + R⁻ᵀ η,              S = J' V⁻¹ J + prior = R R',   V = W⁻¹ + Φ T² Φ'
    z = P⁻¹ T Φ' W r(θ) + C⁻ᵀ ξ,    P = I + T Φ' W Φ T = C C'

with J the slopes of the law in its straight coordinates θ, and r(θ) its residuals. A sampler that
walks in η and ξ meets no funnel at small amplitudes and no ridge at large ones. Precisions and
slopes are those of a mode, the precisions robustly, ρ'(r)/r; the density is that of the true law
and noise, so they decide about speed alone.

M. Gorinova, D. Moore and M. Hoffman, "Automatic Reparameterisation of Probabilistic Programs", 2020
(arXiv:1906.03028), for the idea; P. J. Green, "Iteratively Reweighted Least Squares", 1984, for the
precisions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular

from bayescale.inference.base import Data, Target
from bayescale.processes.base import departure

_LEAST_PRECISION = 1e-6
_TINY = 1e-6


class Whitening(NamedTuple):
    """What is fixed at a mode.

    Attributes
    ----------
    centre : Array, shape (p,)
        The law's straight coordinates.
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
    def none(cls, target: Target, runs: int, functions: int) -> "Whitening":
        """Under which coordinates are straight coordinates and coefficients themselves."""
        p = target.n_predictive
        zeros = map(np.zeros, ((p,), (runs, 1), (functions, functions), (functions, 1 + p)))
        return cls(*map(jax.device_put, (*zeros, np.eye(p, 1 + p, 1))))

    @classmethod
    def at(
        cls,
        target: Target,
        own: Sequence[Array],
        coefficients: Array,
        data: Data,
        weights: Array,
        prior_location_scale: tuple[Array, Array],
    ) -> "Whitening":
        """At coordinates of the parameters, of shape () each, and coefficients, shape (functions,)."""
        p = target.n_predictive
        decorrelated = jnp.stack(target.law.decorrelate(own[:p]))

        def residual(v: Array) -> Array:
            return target.residual([*target.law.recorrelate(list(v)), *own[p:]], data)[:, 0]

        shift = departure(target.noise.shared, target.constrain(own), coefficients, data.features)
        r, slopes = residual(decorrelated), -jax.jacfwd(residual)(decorrelated)
        left = (r - shift)[:, None]
        pushes = jax.grad(lambda u: jnp.sum(target.rho(u, own, data)))(left)
        precisions = weights * jnp.maximum(
            pushes / jnp.where(jnp.abs(left) > _TINY, left, _TINY), _LEAST_PRECISION
        )
        centre, width = (values[:p] for values in prior_location_scale)
        prior_slopes = (
            jnp.stack(
                jax.jacfwd(lambda v: jnp.stack(target.law.recorrelate(list(v))))(decorrelated)
            )
            / width[:, None]
        )
        prior_pull = (centre - jnp.stack(own[:p])) / width
        moving = jnp.concatenate([r[:, None], slopes], axis=1)
        return cls(
            decorrelated,
            precisions,
            _features(data).T @ (precisions * _features(data)),
            _features(data).T @ (precisions * moving),
            slopes.T @ (precisions * moving)
            + prior_slopes.T @ jnp.concatenate([prior_pull[:, None], prior_slopes], axis=1),
        )

    def undone(
        self, target: Target, coordinates: Array, data: Data
    ) -> tuple[list[Array], Array, Array]:
        """From what is sampled, shape (k,): coordinates of the parameters, coefficients, and the
        log volume.
        """
        p, k = target.n_predictive, len(target.parameters)
        noise = list(coordinates[p:k])
        amplitudes = _amplitudes(target, noise, data)
        root = jnp.linalg.cholesky(
            jnp.eye(len(amplitudes)) + amplitudes[:, None] * self.gram * amplitudes
        )
        half = solve_triangular(root, amplitudes[:, None] * self.cross, lower=True)
        law = self.law - half[:, 1:].T @ half
        law_root = jnp.linalg.cholesky(law[:, 1:])
        step = solve_triangular(law_root, law[:, 0], lower=True) + coordinates[:p]
        decorrelated = self.centre + solve_triangular(law_root.T, step, lower=False)
        own = [*target.law.recorrelate(list(decorrelated)), *noise]
        pull = _features(data).T @ (self.precisions * target.residual(own, data))[:, 0]
        step = solve_triangular(root, amplitudes * pull, lower=True) + coordinates[k:]
        coefficients = solve_triangular(root.T, step, lower=False)
        volume = jnp.sum(jnp.log(jnp.diag(root))) + jnp.sum(jnp.log(jnp.diag(law_root)))
        return own, coefficients, -volume


def _features(data: Data) -> Array:
    return jnp.concatenate(data.features, axis=1)


def _amplitudes(target: Target, noise: Sequence[Array], data: Data) -> Array:
    params = target.constrain_some(target.noise.parameters, noise)
    each = zip(target.noise.shared, data.features, strict=True)
    return jnp.concatenate(
        [jnp.full(functions.shape[1], params[p.amplitude.name]) for p, functions in each]
    )
