"""Student-t noise on log loss: most runs scatter alike, a few are far off and pull little.

    log L_i ~ StudentT(ν, log L(x_i), sqrt(σ² + s_i²))

K. L. Lange, R. J. A. Little and J. M. G. Taylor, "Robust Statistical Modeling Using the t
Distribution", 1989. The prior of ν is that of M. A. Juárez and M. F. J. Steel, "Model-Based
Clustering of Non-Gaussian Panel Data Based on Skew-t Distributions", 2010.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood


@dataclass(frozen=True)
class StudentT(Likelihood):
    """Student-t likelihood of log loss with unknown scale.

    Parameters
    ----------
    nu : float, optional
        Degrees of freedom. By default they are a parameter, to be fitted.

    Examples
    --------
    >>> from bayescale.noise import StudentT
    >>> [row.name for row in StudentT().parameters]
    ['sigma', 'nu']
    >>> [row.name for row in StudentT(nu=4).parameters]
    ['sigma']
    """

    nu: float | None = None

    title: ClassVar[str] = "Student-t likelihood of log loss"
    paper: ClassVar[str] = (
        "Lange, Little and Taylor 1989, Robust Statistical Modeling Using the t Distribution; "
        "prior of ν: Juárez and Steel 2010, Model-Based Clustering of Non-Gaussian Panel Data "
        "Based on Skew-t Distributions"
    )
    formula: ClassVar[str] = "log L_i ~ StudentT(ν, log L(x_i), sqrt(σ² + s_i²))"

    def __post_init__(self) -> None:
        if self.nu is not None and not 0 < self.nu < np.inf:
            raise InputError(
                f"student_t: nu={self.nu} must be a positive number, or left out to be fitted."
            )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        sigma = Parameter(
            "sigma", dist.LogNormal(np.log(0.01), 1.5), "scale of log loss about the law"
        )
        nu = Parameter(
            "nu",
            dist.Gamma(2.0, 0.1),
            "degrees of freedom: small is heavy-tailed, above 30 is nearly Normal",
        )
        return (sigma, nu) if self.nu is None else (sigma,)

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        nu = params["nu"] if self.nu is None else self.nu
        return dist.StudentT(nu, log_prediction, jnp.hypot(params["sigma"], conditions.log_loss_se))

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual.

        Written out, because samplers spend their time here: two logarithms a run.
        """
        nu = params["nu"] if self.nu is None else self.nu
        variance = params["sigma"] ** 2 + conditions.log_loss_se**2
        power = jnp.add(nu, 1) / 2
        tail = power * jnp.log1p(jnp.square(residual) / (nu * variance))
        constant = gammaln(nu / 2) - gammaln(power) + jnp.log(nu * np.pi) / 2
        return tail + jnp.log(variance) / 2 + constant
