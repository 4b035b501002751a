"""Laplace noise on log loss: the likelihood whose mode is least absolute deviation.

    log L_i ~ Laplace(log L(x_i), sqrt(σ² + s_i²))

P. S. Laplace, "Mémoire sur la probabilité des causes par les évènements", 1774. What Huber's
objective with δ = 10⁻³ estimates, with a scale of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood


@dataclass(frozen=True)
class Laplace(Likelihood):
    """Laplace likelihood of log loss with one unknown scale, the mean absolute deviation.

    Examples
    --------
    >>> from bayescale.noise import Laplace
    >>> from bayescale.noise.base import Conditions
    >>> far, near = (Laplace().rho(r, {"sigma": 0.1}, Conditions()) for r in (0.3, 0.1))
    >>> round(float(far - near), 6)
    2.0
    """

    title: ClassVar[str] = "Laplace likelihood of log loss"
    paper: ClassVar[str] = "Laplace 1774, Mémoire sur la probabilité des causes par les évènements"
    formula: ClassVar[str] = "log L_i ~ Laplace(log L(x_i), sqrt(σ² + s_i²))"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "sigma",
                dist.LogNormal(np.log(0.01), 1.5),
                "mean absolute deviation of log loss from the law",
            ),
        )

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        return dist.Laplace(log_prediction, jnp.hypot(params["sigma"], conditions.log_loss_se))
