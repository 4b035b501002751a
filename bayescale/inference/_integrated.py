"""Noise models with processes, the coefficients of their functions integrated out.

Given the parameters, and where runs scatter Normally, log losses are jointly Normal, so
coefficients need no search:

    −log p(y | θ) = Σ w ρ(r) + ½ log |P| − ½ b' P⁻¹ b,     P = I + T Φ' W Φ T,     b = T Φ' W r
    z | θ, y ~ Normal(P⁻¹ b, P⁻¹)

with r the residuals of the law, W = w/σ² their precisions, Φ the functions and T their amplitudes.
A. O'Hagan, "Curve Fitting and Optimal Design for Prediction", 1978; C. E. Rasmussen and C. K. I.
Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale._internal.compiling import Use, jit_for
from bayescale.inference._coordinates import Columns
from bayescale.inference._data import Data
from bayescale.inference.base import Target
from bayescale.kernels.elimination import logdet_and_quadratic
from bayescale.kernels.objective import value
from bayescale.noise.base import Conditions, Noise, is_likelihood


def scatters_normally(noise: Noise) -> bool:
    """Return whether runs scatter Normally about the law and the processes."""
    if not is_likelihood(noise):
        return False
    anything = {parameter.name: 1.0 for parameter in noise.parameters}
    return isinstance(noise.distribution(0.0, anything, Conditions()), dist.Normal)


def integrated(
    target: Target, columns: Columns, data: Data, weights: Annotated[Array, "runs 1"]
) -> Annotated[Array, "batch"]:
    """Return the negative log posterior at unconstrained columns of parameters, (batch,)."""
    conditional = value(target, tuple(columns), data, weights)
    if not target.noise.shared:
        return conditional
    log_determinant, quadratic = logdet_and_quadratic(
        *_normal_equations(target, columns, data, weights)
    )
    return conditional + (log_determinant - quadratic) / 2


def coefficients(
    target: Target,
    decorrelated: Annotated[np.ndarray, "k draws"],
    data: Data,
    weights: Annotated[np.ndarray, "runs 1"],
    rng: np.random.Generator,
) -> Annotated[np.ndarray, "draws functions"]:
    """Draw coefficients given parameters at decorrelated columns, shape (k, draws).

    Returns
    -------
    array, shape (draws, functions)
    """
    matrix, right = jax.device_get(_normal_equations_at(target, decorrelated, data, weights))
    matrix, right = np.moveaxis(matrix, -1, 0), right.T[..., None]
    standard = rng.standard_normal(right.shape)
    # With P = C C', what C' turns into standard draws has covariance P⁻¹.
    scatter = np.linalg.solve(np.swapaxes(np.linalg.cholesky(matrix), -1, -2), standard)
    return np.asarray(np.linalg.solve(matrix, right) + scatter)[..., 0]


@jit_for(Use.OFTEN, "target")
def _normal_equations_at(
    target: Target, decorrelated: Array, data: Data, weights: Array
) -> tuple[Array, Array]:
    return _normal_equations(target, target.recorrelate(list(decorrelated)), data, weights)


def _normal_equations(
    target: Target, columns: Columns, data: Data, weights: Array
) -> tuple[Array, Array]:
    """Return P, shape (functions, functions, batch), and b, shape (functions, batch)."""
    assert is_likelihood(target.noise)
    params, residual = target.constrain(columns), target.residual(columns, data)
    scale = target.noise.distribution(0.0, params, data.conditions).scale
    precisions = jnp.broadcast_to(weights / scale**2, residual.shape)
    amplitudes = jnp.concatenate(
        [
            jnp.broadcast_to(params[process.amplitude.name], (features.shape[1], residual.shape[1]))
            for process, features in zip(target.noise.shared, data.features, strict=True)
        ]
    )
    functions = jnp.concatenate(data.features, axis=1)
    size = functions.shape[1]
    # One matrix product for the whole batch.
    products = (functions[:, :, None] * functions[:, None, :]).reshape(-1, size * size)
    gram = (products.T @ precisions).reshape(size, size, -1)
    right = amplitudes * (functions.T @ (precisions * residual))
    return jnp.eye(size)[:, :, None] + amplitudes[:, None] * gram * amplitudes[None], right
