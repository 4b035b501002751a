"""Counts of right answers: each of n answers of a run is right with the probability that the law
gives.

    k_i ~ Binomial(n_i, 1/(1 + exp(−log odds(x_i))))

The count is seen as its empirical log odds, log (k + ½)/(n − k + ½), so that what else knows the
scale of the fit alone works for counts too; log densities are those of the count. A share of few
problems, averaged over repeated attempts, need not be a whole number of them: its likelihood is
then the same formula, between the whole numbers.

J. B. S. Haldane, "The estimation and significance of the logarithm of a ratio of frequencies",
1956, for the log odds.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jax import Array
from jax.scipy.special import gammaln
from numpyro import distributions as dist
from numpyro.distributions import constraints

from bayescale.laws.base import FloatOrArray, Values
from bayescale.noise.base import Conditions, Likelihood


@dataclass(frozen=True)
class Binomial(Likelihood):
    """Binomial likelihood of ``n_correct`` right answers of ``n_samples``, for a law of
    ``accuracy``.

    Examples
    --------
    >>> from bayescale.noise import Binomial
    >>> from bayescale.noise.base import Conditions
    >>> coin_twice = Binomial().distribution(0.0, {}, Conditions(n_samples=2.0))
    >>> round(float(jnp.exp(coin_twice.log_prob(jnp.log(2.5 / 0.5)))), 3)
    0.25
    """

    title: ClassVar[str] = "Binomial likelihood of counts of right answers"
    paper: ClassVar[str] = (
        "Haldane 1956, The estimation and significance of the logarithm of a ratio of "
        "frequencies, for empirical log odds"
    )
    formula: ClassVar[str] = "k_i ~ Binomial(n_i, 1/(1 + exp(−log odds(x_i))))"
    columns: ClassVar[tuple[str, ...]] = ("n_correct", "n_samples")

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of the empirical log odds, given the law's log odds."""
        return CountedLogOdds(log_prediction, conditions.n_samples)

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log probability of each count, at log odds that are ``residual``
        below the empirical ones.
        """
        k, n = conditions.n_correct, conditions.n_samples
        return -_log_probability(k, n, _log_odds(k, n) - residual)


class CountedLogOdds(dist.Distribution):  # type: ignore[misc]
    """The empirical log odds of a binomial count.

    Parameters
    ----------
    log_odds : array
        Of a right answer.
    n_samples : array
    """

    arg_constraints: ClassVar[dict[str, object]] = {
        "log_odds": constraints.real,
        "n_samples": constraints.nonnegative,
    }
    support = constraints.real

    def __init__(
        self, log_odds: FloatOrArray, n_samples: FloatOrArray, *, validate_args: bool | None = None
    ) -> None:
        self.log_odds, self.n_samples = jnp.broadcast_arrays(
            jnp.asarray(log_odds), jnp.asarray(n_samples)
        )
        super().__init__(batch_shape=jnp.shape(self.log_odds), validate_args=validate_args)

    def log_prob(self, value: FloatOrArray) -> Array:
        """Log probability of the count whose empirical log odds ``value`` is."""
        count = (self.n_samples + 1) * jax.nn.sigmoid(value) - 0.5
        return _log_probability(count, self.n_samples, self.log_odds)

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """Draw one value of each element with NumPy, of the batch's shape."""
        n_samples = np.round(np.asarray(self.n_samples)).astype(int)
        count = generator.binomial(n_samples, scipy.special.expit(np.asarray(self.log_odds)))
        return np.log(count + 0.5) - np.log(n_samples - count + 0.5)


def _log_odds(count: FloatOrArray, n_samples: FloatOrArray) -> Array:
    return jnp.log(count + 0.5) - jnp.log(n_samples - count + 0.5)


def _log_probability(count: FloatOrArray, n_samples: FloatOrArray, log_odds: FloatOrArray) -> Array:
    ways = gammaln(n_samples + 1) - gammaln(count + 1) - gammaln(n_samples - count + 1)
    return (
        ways
        + count * jax.nn.log_sigmoid(log_odds)
        + (n_samples - count) * jax.nn.log_sigmoid(-log_odds)
    )
