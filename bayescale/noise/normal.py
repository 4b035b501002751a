"""Normal noise on log loss: every run scatters alike, and none is far off.

log L_i ~ Normal(log L(x_i), σ² + s_i²)
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood


@dataclass(frozen=True)
class Normal(Likelihood):
    """Normal likelihood of log loss with one unknown scale.

    Examples
    --------
    >>> from bayescale.noise import Normal
    >>> from bayescale.noise.base import Conditions
    >>> Normal().distribution(0.0, {"sigma": 0.3}, Conditions(log_loss_se=0.4)).scale.item()
    0.5
    """

    title: ClassVar[str] = "Normal likelihood of log loss"
    paper: ClassVar[str] = "Gauss 1809, Theoria motus corporum coelestium"
    formula: ClassVar[str] = "log L_i ~ Normal(log L(x_i), sqrt(σ² + s_i²))"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "sigma", dist.LogNormal(np.log(0.01), 1.5), "scatter of log loss about the law"
            ),
        )

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        return dist.Normal(log_prediction, jnp.hypot(params["sigma"], conditions.log_loss_se))

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual.

        Written out, because samplers spend their time here: one logarithm a run.
        """
        variance = params["sigma"] ** 2 + conditions.log_loss_se**2
        squared = jnp.square(residual) / (2 * variance)
        return squared + jnp.log(2 * np.pi * variance) / 2
