"""Departures from the law along all plans: what is drawn once on a lattice of compute and tokens
per parameter, and a spline between.

The runs say where the law is wrong as much as where it is right, so the best plan is the best by
both. Each draw has one surface, the same for every plan and search, with what the runs leave open
drawn jointly over the whole lattice. Effects of which group or which model size a run is of are no
part of it: nobody knows them of a model that has not been trained, and none is larger for them.

The lattice ends some way beyond the runs, where the surface stays as at its border. So no plan is
best because a departure was extrapolated to shapes that nobody has trained: there the law alone
decides. Plans themselves have no such end. On three to five runs at random, a tenth to a fifth of
the draws have their best size beyond 0.75 decades of the ratios D/N that were tried; a search that
stopped there would heap them up at a place that says nothing but what was tried.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from threadpoolctl import threadpool_limits

from bayescale.posterior.posterior import Posterior

# Along compute and along D/N. The best size hangs on slopes along D/N, which a spline across the
# rough path of a process along compute would disturb; on axes of their own they are exact to a
# hundredth of a decade where knots lie some 0.4 decades apart.
KNOTS = (32, 18)
# Decades of compute below the cheapest and above the dearest run, and of D/N on either side.
_BELOW, _ABOVE, _ASIDE = 2.0, 7.0, 1.5


def _interpolation(knots: int) -> np.ndarray:
    """Return the matrix from values at the knots to coefficients of cubic B-splines through them,
    mirrored at both ends; shape (knots, knots).
    """
    values = (4 * np.eye(knots) + np.eye(knots, k=1) + np.eye(knots, k=-1)) / 6
    values[0, 1] *= 2
    values[-1, -2] *= 2
    return np.linalg.inv(values)


_BY_COMPUTE, _BY_RATIO = map(_interpolation, KNOTS)


class Departures(NamedTuple):
    """A bicubic spline for each draw; beyond its lattice it stays as at the border.

    Attributes
    ----------
    coefficients : array, shape (draws, coefficients)
        Of B-splines, those of compute first; along each axis two more than there are knots.
    least : array, shape (2, 1, 1)
        log N·D and log D/N of the first knot.
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
        """Draw the departures; None where the noise model has none that depend on the plan.

        Parameters
        ----------
        posterior : Posterior
        n_draws : int
            Those of the posterior, or any number where that has one.
        log_unique : array
            Unique tokens, of which the median enters where the law counts them.
        seed : int
        """
        if all(process.of_identity for process in posterior.noise.shared):
            return None
        values = _drawn(posterior, float(np.median(log_unique)), seed)
        shape = n_draws, *KNOTS
        return cls.through(np.broadcast_to(values, shape), lattice_ends(posterior))

    @classmethod
    def through(cls, values: np.ndarray, ends: np.ndarray) -> "Departures":
        """Return the splines through values at the knots.

        Parameters
        ----------
        values : array, shape (draws, knots of compute, knots of D/N)
        ends : array, shape (2, 2)
            As `lattice_ends` gives them.
        """
        filtered = _BY_COMPUTE @ values @ _BY_RATIO.T
        coefficients = np.pad(filtered, ((0, 0), (1, 1), (1, 1)), mode="reflect")
        step = (ends[:, 1] - ends[:, 0]) / (np.array(KNOTS) - 1)
        return cls(coefficients.reshape(len(values), -1), ends[:, :1, None], step[:, None, None])

    @property
    def ends(self) -> tuple[Array, Array]:
        """log N and log D of the least and of the most compute, in the middle of D/N; each of
        shape (2,).
        """
        least, step = jnp.asarray(self.least)[:, 0, 0], jnp.asarray(self.step)[:, 0, 0]
        log_nd = least[0] + step[0] * jnp.array([0.0, KNOTS[0] - 1])
        log_ratio = least[1] + step[1] * (KNOTS[1] - 1) / 2
        return (log_nd - log_ratio) / 2, (log_nd + log_ratio) / 2

    def at(self, log_n: Array, log_d: Array) -> Array:
        """Evaluate the departures of plans, in log loss; shape (draws, points)."""
        draws = self.coefficients.shape[0]
        log_n, log_d, _ = jnp.broadcast_arrays(log_n, log_d, jnp.zeros((draws, 1)))
        both = jnp.stack([log_n + log_d, log_d - log_n])
        last = jnp.array(KNOTS)[:, None, None] - 1
        indices = jnp.clip((both - self.least) / self.step, 0.0, last)
        knot = jnp.clip(jnp.floor(indices).astype(int), 0, last - 1)
        shape = draws, KNOTS[0] + 2, KNOTS[1] + 2
        tables = jnp.reshape(jnp.asarray(self.coefficients), shape)
        # Four by four coefficients at a time: one by one they take twice as long to find.
        around = jax.vmap(jax.vmap(_patch, (None, 0, 0)))(tables, *knot)
        rows, columns = _b_splines(indices - knot)
        return jnp.einsum("idp,jdp,dpij->dp", rows, columns, around)


# Several decisions about one posterior ask for the same surface one after the other.
@lru_cache(maxsize=2)
def _drawn(posterior: Posterior, log_unique: float, seed: int) -> np.ndarray:
    """Return departures at the knots, shape (draws, knots of compute, knots of D/N)."""
    at = at_knots(lattice_ends(posterior))
    at["unique_tokens"] = np.full(at["n_params"].size, np.exp(log_unique))
    known = {name: at[name] for name in posterior.law.inputs}
    processes = [process for process in posterior.noise.shared if not process.of_identity]
    # Where other programs run too, threads that share an eigenvalue problem of this size wait
    # for each other many times as long as they compute.
    with threadpool_limits(1, "blas"):
        surface = posterior.log_departure(known, seed, processes=processes)
    return surface.reshape(-1, *KNOTS)


def lattice_ends(posterior: Posterior) -> np.ndarray:
    """Return log N·D of the first knot and of the last, then log D/N; shape (2, 2)."""
    log_n = np.log(posterior.runs.column("n_params"))
    log_d = np.log(posterior.runs.column("n_tokens"))
    log_nd, log_ratio = log_n + log_d, log_d - log_n
    decade = np.log(10)
    along = log_nd.min() - _BELOW * decade, log_nd.max() + _ABOVE * decade
    across = log_ratio.min() - _ASIDE * decade, log_ratio.max() + _ASIDE * decade
    return np.array([along, across])


def at_knots(ends: np.ndarray) -> dict[str, np.ndarray]:
    """Return the counts N and D at all knots, each of shape (knots,), those of D/N adjacent."""
    along = np.linspace(ends[0, 0], ends[0, 1], KNOTS[0])
    across = np.linspace(ends[1, 0], ends[1, 1], KNOTS[1])
    log_nd, log_ratio = np.stack(np.meshgrid(along, across, indexing="ij")).reshape(2, -1)
    return {
        "n_params": np.exp((log_nd - log_ratio) / 2),
        "n_tokens": np.exp((log_nd + log_ratio) / 2),
    }


def _patch(table: Array, row: Array, column: Array) -> Array:
    return jax.lax.dynamic_slice(table, (row, column), (4, 4))


def _b_splines(t: Array) -> Array:
    """Return the four cubic B-splines that are not zero a share t of the way between knots, shape
    (2, 4, draws, points).
    """
    s = 1 - t
    return jnp.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], axis=1) / 6
