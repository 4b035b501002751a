"""How success rates p differ between problems: two families, each a density of the log-odds x = log p/(1 − p).

Much of a benchmark fails a hundred times in a hundred samples, and what a thousand samples do depends on how rates are spread
below one in a hundred. In a Beta distribution one exponent says that and how rates crowd about the mean; in `LogOdds` the two
are apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betaln, log_ndtr, ndtr
from numpyro import distributions as dist

from bayescale.laws.base import Parameter, Values


class SuccessRates(Protocol):
    """A distribution of success rates over problems; a frozen dataclass."""

    @property
    def formula(self) -> str:
        """In Greek, for people."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table, with priors."""

    def start(self, log_odds: Array) -> Sequence[Array]:
        """Values of the parameters from which to look for likely ones, given log-odds of the pooled rate."""

    def log_density(self, constants: Values, log_odds: Array) -> Array:
        """Of log-odds; everything broadcasts."""

    def below(self, constants: Values, log_odds: Array) -> Array:
        """The share of problems whose log-odds are less."""

    def tail_exponent(self, constants: Values) -> Any:
        """b of 1 − pass@k ∝ k^−b for large k and a new problem: density falls as p^(b − 1) where p is small."""


@dataclass(frozen=True)
class LogOdds:
    """Log-odds are Normal, less an exponential part: log p/(1 − p) = μ + σ Z − τ E.

    Z is standard Normal and E standard exponential, so that x has an exponentially modified Normal density. Easy problems differ
    as in a logit-normal; hard ones follow a power law of exponent 1/τ, which is as steep as the counts want: at τ → 0 the
    logit-normal is left.

    E. Grushka, "Characterization of Exponentially Modified Gaussian Peaks in Chromatography", 1972, for the density. R. Schaeffer et
    al. 2025 (arXiv:2502.17578), section 4, for why the left tail decides.
    """

    formula = "log p/(1 − p) = μ + σ Z − τ E"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Priors of rates about 2 %, from 1 in 7,000 to 3 in 4, a spread of 1.5 in log-odds, and tail exponents of 0.12 to 1.2.

        A hundred samples say little of τ, so its prior matters. With a median of one in place of e, forecasts of a hundred times the
        samples were a sixth too high on half of the models of Brown et al. 2024.
        """
        return (
            Parameter("mu", dist.Normal(-4, 3), "centre of the Normal part, log-odds"),
            Parameter("sigma", dist.LogNormal(0.4, 0.7), "standard deviation of the Normal part, log-odds"),
            Parameter("tau", dist.LogNormal(1, 0.7), "mean of the exponential part, log-odds"),
        )

    def start(self, log_odds: Array) -> Sequence[Array]:
        """At the priors' medians of the spreads, with the centre some way below the pooled rate, which easy problems make."""
        return log_odds - 1, jnp.full_like(log_odds, 1.5), jnp.full_like(log_odds, 2.0)

    def log_density(self, constants: Values, log_odds: Array) -> Array:
        """Of an exponentially modified Normal with its long tail to the left."""
        sigma, tau = constants["sigma"], constants["tau"]
        short = (constants["mu"] - log_odds) / sigma
        ratio = sigma / tau
        return log_ndtr(short - ratio) + ratio * (ratio / 2 - short) - jnp.log(tau)

    def below(self, constants: Values, log_odds: Array) -> Array:
        """Φ((x − μ)/σ) + τ f(x)."""
        normal = ndtr((log_odds - constants["mu"]) / constants["sigma"])
        return normal + constants["tau"] * jnp.exp(self.log_density(constants, log_odds))

    def tail_exponent(self, constants: Values) -> Any:
        """1/τ."""
        return 1 / constants["tau"]


@dataclass(frozen=True)
class Beta:
    """Rates follow a Beta distribution, p ~ Beta(a, b), so that counts are Beta–Binomial: pass@k = 1 − B(a, b + k)/B(a, b).

    What the literature fits. Its 90 % intervals for ten and a hundred times the samples held a third of the truths on jailbreaks of
    Hughes et al. 2024 (arXiv:2412.03556), and forecasts were a fifth too low: easy problems make a small, and hard ones follow.
    """

    formula = "p ~ Beta(a, b)"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Priors over decades, since both are: a of 0.37 and b of 7.4, within factors of 12 and 27 by nine in ten."""
        return (
            Parameter("a", dist.LogNormal(-1, 1.5), "exponent of p, plus one"),
            Parameter("b", dist.LogNormal(2, 2), "exponent of 1 − p, plus one"),
        )

    def start(self, log_odds: Array) -> Sequence[Array]:
        """At the prior's median of a, with b from the pooled rate."""
        a = jnp.full_like(log_odds, 0.37)
        return a, a * jnp.exp(-log_odds)

    def log_density(self, constants: Values, log_odds: Array) -> Array:
        """p^a (1 − p)^b / B(a, b)."""
        a, b = constants["a"], constants["b"]
        return a * jax.nn.log_sigmoid(log_odds) + b * jax.nn.log_sigmoid(-log_odds) - betaln(a, b)

    def below(self, constants: Values, log_odds: Array) -> Array:
        """p^a/(a B(a, b)), to which the distribution function comes down where p is small."""
        a, b = constants["a"], constants["b"]
        return jnp.exp(a * jax.nn.log_sigmoid(log_odds) - betaln(a, b)) / a

    def tail_exponent(self, constants: Values) -> Any:
        """The first parameter, a."""
        return constants["a"]
