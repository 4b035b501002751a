"""Scatter that is known: each run's own standard error, and nothing beside it.

    log L_i ~ Normal(log L(x_i), s_i²)

For losses averaged over seeds or batches whose standard errors are to be taken at their word.
Scatter that they do not account for makes intervals too narrow; `Normal` and `StudentT` add an
unknown σ to them.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Values
from bayescale.noise.base import Conditions, Likelihood

# A new run comes without an error of its own, and is taken to be measured well.
_LEAST = 1e-6


@dataclass(frozen=True)
class KnownError(Likelihood):
    """Normal likelihood of log loss whose scales are the standard errors in the column ``loss_se``.

    Examples
    --------
    >>> from bayescale.noise import KnownError
    >>> from bayescale.noise.base import Conditions
    >>> KnownError().distribution(0.0, {}, Conditions(log_loss_se=0.5)).scale.item()
    0.5
    """

    title: ClassVar[str] = "Normal likelihood of log loss with known standard errors"
    paper: ClassVar[str] = "Gauss 1809, Theoria motus corporum coelestium"
    formula: ClassVar[str] = "log L_i ~ Normal(log L(x_i), s_i)"
    columns: ClassVar[tuple[str, ...]] = ("loss_se",)

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        return dist.Normal(log_prediction, jnp.maximum(conditions.log_loss_se, _LEAST))
