"""Families of distributions of success rates p over problems, as densities of the log hazard
u = log λ, λ = −log(1 − p).

All of k samples fail with probability exp(−kλ). Many problems of a benchmark fail a hundred times
in a hundred samples, and the pass rate of a thousand samples depends on how hazards are spread
below one in a hundred. In a Beta distribution one exponent gives both that spread and the spread of
rates about the mean; in `GeneralisedGamma` they have separate parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betaln, gammaln
from numpyro import distributions as dist

from bayescale.laws.base import Parameter, Values

_LARGEST_LOG = 600.0
# Terms of the series of the incomplete gamma function, and the largest log z that it is used for.
_TERMS = 16
_LARGEST_LOG_OF_SERIES = 1.5


class SuccessRates(Protocol):
    """A distribution of success rates over problems; a frozen dataclass."""

    @property
    def formula(self) -> str:
        """The formula in Greek letters."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table of parameters, with priors."""

    def start(self, log_hazard: Array) -> Sequence[Array]:
        """Return decorrelated coordinates at which chains start, from the log hazard of the pooled
        rate.
        """

    def recorrelate(self, decorrelated: Sequence[Array]) -> Sequence[Array]:
        """Return the parameters, or the logarithms of positive ones, from coordinates in which
        posteriors are nearly Normal.

        The map preserves volume, so densities need no correction.
        """

    def log_density(self, params: Values, log_hazard: Array) -> Array:
        """Return the log density of log hazards; everything broadcasts."""

    def below(self, params: Values, log_hazard: Array) -> Array:
        """Return the share of problems of lower hazard, precisely where it is small."""

    def tail_exponent(self, params: Values) -> Any:
        """Return b of 1 − pass@k ∝ k^−b for large k and a new problem; the density of u falls as
        exp(bu) for u → −∞.
        """


@dataclass(frozen=True)
class GeneralisedGamma:
    """Hazards follow a generalised gamma distribution: λ = −log(1 − p) = exp(μ) G^(a/b), G ~
    Gamma(a).

    Where λ is small its density falls as λ^(b − 1) whatever a is, and a says how the easy problems
    end. Three laws are special cases: a = 1 is a Weibull distribution, under which −log pass@k is
    close to a power k^−b at every k, the straight line of the literature; a = b is a gamma
    distribution, which is `Beta` where successes are rare; and a → ∞ at fixed a/b² is log-normal.

    E. W. Stacy, "A Generalization of the Gamma Distribution", 1962, equation 1, with d = b and p =
    b/a. R. L. Prentice, "A Log Gamma Model and Its Maximum Likelihood Estimation", 1974, for
    coordinates that stay apart towards the log-normal.
    """

    formula = "−log(1 − p) = exp(μ) G^(a/b), G ~ Gamma(a)"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Priors: scales about 2 %, from 1 in 7,000 to 2.5; about a Weibull distribution; tail
        exponents from 0.12 to 1.2.

        A hundred samples say little of the hardest problems, so the prior of b matters.
        """
        return (
            Parameter(
                "mu", dist.Normal(-4, 3), "logarithm of the scale of hazards, which are per sample"
            ),
            Parameter("a", dist.LogNormal(0, 1), "shape; one is a Weibull distribution"),
            Parameter("b", dist.LogNormal(-1, 0.7), "tail exponent: 1 − pass@k falls as k^−b"),
        )

    def start(self, log_hazard: Array) -> Sequence[Array]:
        """Return a start at the priors' medians of the shapes, with the mode below the pooled rate,
        which is mostly that of easy problems.
        """
        return log_hazard - 1, jnp.zeros_like(log_hazard), jnp.full_like(log_hazard, 1.0)

    def recorrelate(self, decorrelated: Sequence[Array]) -> Sequence[Array]:
        """Return u's parameters from the mode of u, log a and the logarithm of the width √a/b
        there.
        """
        mode, log_a, log_width = decorrelated
        log_b = log_a / 2 - log_width
        return mode - jnp.exp(log_a - log_b) * log_a, log_a, log_b

    def log_density(self, params: Values, log_hazard: Array) -> Array:
        """(b/a)/Γ(a) exp(a v − exp v) with v = (b/a)(u − μ)."""
        a = params["a"]
        power = params["b"] / a
        # Beyond this the density is zero, and an infinite slope would make it no number.
        v = jnp.minimum(power * (log_hazard - params["mu"]), _LARGEST_LOG)
        return jnp.log(power) - gammaln(a) + a * v - jnp.exp(v)

    def below(self, params: Values, log_hazard: Array) -> Array:
        """The incomplete gamma function by its series, z^a e^−z/Γ(a + 1) · (1 + z/(a + 1) + …), z =
        exp v.
        """
        a = params["a"]
        log_z = jnp.minimum(params["b"] / a * (log_hazard - params["mu"]), _LARGEST_LOG_OF_SERIES)
        z = jnp.exp(log_z)
        term = total = jnp.ones_like(z)
        for n in range(1, _TERMS):
            term = term * z / (a + n)
            total = total + term
        return jnp.exp(a * log_z - z - gammaln(a + 1)) * total

    def tail_exponent(self, params: Values) -> Any:
        """The parameter b."""
        return params["b"]


@dataclass(frozen=True)
class Beta:
    """Rates follow a Beta distribution, p ~ Beta(a, b), so that counts are Beta–Binomial: pass@k =
    1 − B(a, b + k)/B(a, b).

    This is the family of the literature. On jailbreaks of Hughes et al. 2024 (arXiv:2412.03556) its
    90 % intervals for ten to a hundred times the samples held a third of the truths, and forecasts
    were a fifth too low: easy problems make a small, and with it the tail of hard ones heavy.
    """

    formula = "p ~ Beta(a, b)"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Priors over decades, since both are: a of 0.37 and b of 7.4, within factors of 12 and 27
        by nine in ten.
        """
        return (
            Parameter("a", dist.LogNormal(-1, 1.5), "exponent of p, plus one"),
            Parameter("b", dist.LogNormal(2, 2), "exponent of 1 − p, plus one"),
        )

    def start(self, log_hazard: Array) -> Sequence[Array]:
        """Return a start at the prior's median of a, with b from the pooled rate."""
        return jnp.full_like(log_hazard, -1.0), -1.0 - log_hazard

    def recorrelate(self, decorrelated: Sequence[Array]) -> Sequence[Array]:
        """Return the logarithms as they are."""
        return decorrelated

    def log_density(self, params: Values, log_hazard: Array) -> Array:
        """λ p^(a − 1) (1 − p)^b / B(a, b)."""
        a, b = params["a"], params["b"]
        hazard = jnp.exp(log_hazard)
        return log_hazard + (a - 1) * jnp.log(-jnp.expm1(-hazard)) - b * hazard - betaln(a, b)

    def below(self, params: Values, log_hazard: Array) -> Array:
        """λ^a/(a B(a, b))."""
        a, b = params["a"], params["b"]
        return jnp.exp(a * log_hazard - betaln(a, b)) / a

    def tail_exponent(self, params: Values) -> Any:
        """The first parameter, a."""
        return params["a"]
