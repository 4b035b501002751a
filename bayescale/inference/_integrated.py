"""Noise models with processes, the coefficients of their functions integrated out.

Given the parameters, and where runs scatter Normally, log losses are jointly Normal, so coefficients need no search:

    −log p(y | θ) = Σ w ρ(r) + ½ log |P| − ½ b' P⁻¹ b,     P = I + T Φ' W Φ T,     b = T Φ' W r
    z | θ, y ~ Normal(P⁻¹ b, P⁻¹)

with r the residuals of the law, W = w/σ² their precisions, Φ the functions and T their amplitudes. A. O'Hagan, "Curve Fitting
and Optimal Design for Prediction", 1978; C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning",
2006, section 2.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.inference.base import Data, Target
from bayescale.kernels.elimination import eliminated
from bayescale.noise.base import Conditions, Noise, is_likelihood


class Integrand(NamedTuple):
    """Data and weights of runs, as one argument of an objective."""

    data: Data
    weights: Array


@dataclass(frozen=True)
class Integrated:
    """The objective of a target without its coefficients, in straight coordinates, as `bayescale.kernels` takes it.

    Members of the sum over runs carry an equal share of what belongs to all runs, since an objective is a sum.
    """

    target: Target

    @property
    def n_predictive(self) -> int:
        """How many coordinates move the prediction."""
        return self.target.n_predictive

    def residual(self, straight: Sequence[Array], runs: Integrand) -> Array:
        """Of the law, shape (runs, batch)."""
        return self.target.residual(self.target.bend(straight), runs.data)

    def rho(self, residual: Array, straight: Sequence[Array], runs: Integrand) -> Array:
        """What each run adds to F, shape (runs, batch)."""
        own = self.target.bend(straight)
        given = runs.weights * self.target.rho(residual, own, runs.data)
        log_determinant, quadratic = eliminated(*_normal(self.target, own, residual, runs))
        common = sum(self.target.penalty(own)) + (log_determinant - quadratic) / 2
        return given + common / len(residual)

    def penalty(self, straight: Sequence[Array]) -> list[Array]:
        """Zeros: priors are functions of bent coordinates."""
        return [jnp.zeros_like(c) for c in straight]


def scatters_normally(noise: Noise) -> bool:
    """Whether runs scatter Normally about the law and the processes."""
    if not is_likelihood(noise):
        return False
    anything = {parameter.name: 1.0 for parameter in noise.parameters}
    return isinstance(noise.distribution(0.0, anything, Conditions()), dist.Normal)


def coefficients(target: Target, straight: np.ndarray, runs: Integrand, rng: np.random.Generator) -> np.ndarray:
    """Drawn given parameters at straight coordinates of shape (k, draws); shape (draws, functions)."""
    matrix, right = map(np.asarray, _matrix_and_right(target, straight, runs))
    matrix, right = np.moveaxis(matrix, -1, 0), right.T[..., None]
    standard = rng.standard_normal(right.shape)
    # With P = C C', the second solution has covariance P⁻¹.
    scatter = np.linalg.solve(np.swapaxes(np.linalg.cholesky(matrix), -1, -2), standard)
    return np.asarray(np.linalg.solve(matrix, right) + scatter)[..., 0]


@partial(jax.jit, static_argnames="target")
def _matrix_and_right(target: Target, straight: Array, runs: Integrand) -> tuple[Array, Array]:
    own = target.bend(list(straight))
    return _normal(target, own, target.residual(own, runs.data), runs)


def _normal(target: Target, own: Sequence[Array], residual: Array, runs: Integrand) -> tuple[Array, Array]:
    """P, shape (functions, functions, batch), and b, shape (functions, batch)."""
    constants = target.constants(own)
    assert is_likelihood(target.noise)
    scale = target.noise.distribution(0.0, constants, runs.data.conditions).scale
    precisions = jnp.broadcast_to(runs.weights / scale**2, residual.shape)
    functions = jnp.concatenate(runs.data.features, axis=1)
    size = functions.shape[1]
    amplitudes = jnp.concatenate(
        [
            jnp.broadcast_to(constants[process.amplitude.name], (features.shape[1], residual.shape[1]))
            for process, features in zip(target.noise.shared, runs.data.features, strict=True)
        ]
    )
    # One matrix product for the whole batch.
    products = (functions[:, :, None] * functions[:, None, :]).reshape(-1, size * size)
    gram = (products.T @ precisions).reshape(size, size, -1)
    right = amplitudes * (functions.T @ (precisions * residual))
    return jnp.eye(size)[:, :, None] + amplitudes[:, None] * gram * amplitudes[None], right
