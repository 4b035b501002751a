"""Departures from the law along all plans: what is drawn once on a lattice of log N and log D, and
a spline between.

The runs say where the law is wrong as much as where it is right, so the best plan is the best by
both. Each draw has one surface, the same for every plan and search, with what the runs leave open
drawn jointly over the whole lattice. Runs of a budget share an effect of their own under some noise
models; all plans share one here, so that none is better by it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from threadpoolctl import threadpool_limits

from bayescale.posterior.posterior import Posterior

# Knots along each of log N and log D, and decades beyond the smallest and the largest run. Some 0.4
# decades lie between knots, a sixth of the length over which departures stay alike by default.
KNOTS = 24
_BELOW, _ABOVE = 1.5, 5.0
_ALIKE = "\0plans"


def _interpolation() -> np.ndarray:
    """Return the matrix from values at the knots to coefficients of cubic B-splines through them,
    mirrored at both ends; shape (knots, knots).
    """
    values = (4 * np.eye(KNOTS) + np.eye(KNOTS, k=1) + np.eye(KNOTS, k=-1)) / 6
    values[0, 1] *= 2
    values[-1, -2] *= 2
    return np.linalg.inv(values)


_INTERPOLATION = _interpolation()


class Departures(NamedTuple):
    """A bicubic spline for each draw; beyond its lattice it stays as at the border.

    Attributes
    ----------
    coefficients : array, shape (draws, (knots + 2)²)
        Of B-splines, log N first, one more on each side than there are knots.
    least : array, shape (2, 1, 1)
        log N and log D of the first knot.
    step : array, shape (2, 1, 1)
        Between knots.
    """

    coefficients: Array | np.ndarray
    least: Array | np.ndarray
    step: Array | np.ndarray

    @classmethod
    def of(
        cls, posterior: Posterior, n_draws: int, log_unique: np.ndarray, seed: int
    ) -> "Departures | None":
        """Draw the departures; None where the noise model has none.

        Parameters
        ----------
        posterior : Posterior
        n_draws : int
            Those of the posterior, or any number where that has one.
        log_unique : array
            Unique tokens, of which the median enters where the law counts them.
        seed : int
        """
        if not posterior.noise.shared:
            return None
        runs = [np.log(posterior.runs.column(name)) for name in ("n_params", "n_tokens")]
        decade = np.log(10)
        ends = [(values.min() - _BELOW * decade, values.max() + _ABOVE * decade) for values in runs]
        log_n, log_d = np.meshgrid(*(np.linspace(*pair, KNOTS) for pair in ends), indexing="ij")
        at = {"n_params": np.exp(log_n).ravel(), "n_tokens": np.exp(log_d).ravel()}
        at["unique_tokens"] = np.full(log_n.size, np.exp(np.median(log_unique)))
        known = {name: at[name] for name in posterior.law.inputs} | {
            "group": np.full(log_n.size, _ALIKE, dtype=object)
        }
        # Where other programs run too, threads that share an eigenvalue problem of this size wait
        # for each other many times as long as they compute.
        with threadpool_limits(1, "blas"):
            surface = posterior.log_departure(known, seed).reshape(-1, KNOTS, KNOTS)
        filtered = _INTERPOLATION @ surface @ _INTERPOLATION.T
        coefficients = np.pad(filtered, ((0, 0), (1, 1), (1, 1)), mode="reflect").reshape(
            len(surface), -1
        )
        least = np.array([low for low, _ in ends])
        step = np.array([(high - low) / (KNOTS - 1) for low, high in ends])
        return cls(
            np.broadcast_to(coefficients, (n_draws, coefficients.shape[1])),
            least[:, None, None],
            step[:, None, None],
        )

    @property
    def ends(self) -> Array:
        """log N and log D of the first and of the last knot, shape (2, 2)."""
        return jnp.stack([self.least, self.least + (KNOTS - 1) * self.step])[:, :, 0, 0]

    def at(self, log_n: Array, log_d: Array) -> Array:
        """Evaluate the departures of plans, in log loss; shape (draws, points)."""
        draws = self.coefficients.shape[0]
        both = jnp.stack(jnp.broadcast_arrays(log_n, log_d, jnp.zeros((draws, 1)))[:2])
        indices = jnp.clip((both - self.least) / self.step, 0.0, KNOTS - 1.0)
        knot = jnp.clip(jnp.floor(indices).astype(int), 0, KNOTS - 2)
        tables = jnp.reshape(jnp.asarray(self.coefficients), (draws, KNOTS + 2, KNOTS + 2))
        # Four by four coefficients at a time: one by one they take twice as long to find.
        around = jax.vmap(jax.vmap(_patch, (None, 0, 0)))(tables, *knot)
        rows, columns = _b_splines(indices - knot)
        return jnp.einsum("idp,jdp,dpij->dp", rows, columns, around)


def _patch(table: Array, row: Array, column: Array) -> Array:
    return jax.lax.dynamic_slice(table, (row, column), (4, 4))


def _b_splines(t: Array) -> Array:
    """Return the four cubic B-splines that are not zero a share t of the way between knots, shape
    (2, 4, draws, points).
    """
    s = 1 - t
    return jnp.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], axis=1) / 6
