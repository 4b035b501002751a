"""The share of wrong answers on downstream tasks, from the loss of pre-training.

    err(L) = ε − k·exp(−γ·L)

ε is the error of guessing, which a model of high loss makes; below it the error falls faster and
faster as loss falls. Chained after a law of the loss, it forecasts the error of a model that has
not been trained: `bayescale.chain`.

S. Y. Gadre et al., "Language models scale reliably with over-training and on downstream tasks",
2024, equation 5 (arXiv:2403.08540).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Published, Values

_SOURCE = "Gadre et al. 2024, average top-1 error of 17 tasks, trained on"


@dataclass(frozen=True)
class ErrorFromLoss(Law):
    """err(L) = epsilon - k exp(-gamma L).

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import ErrorFromLoss
    >>> c4 = ErrorFromLoss.published[0].params
    >>> round(float(ErrorFromLoss().predict(c4, {"loss": np.log(2.5)})), 3)
    0.536
    """

    stage: ClassVar[str] = "downstream"
    response: ClassVar[str] = "error"
    title: ClassVar[str] = (
        "The share of wrong answers falls from that of guessing, as an exponential of loss"
    )
    paper: ClassVar[str] = (
        "Gadre et al. 2024, Language models scale reliably with over-training, eq. 5, "
        "arXiv:2403.08540"
    )
    formula: ClassVar[str] = "err(L) = ε − k·exp(−γ·L)"
    inputs: ClassVar[tuple[str, ...]] = ("loss",)
    published: ClassVar[tuple[Published, ...]] = (
        Published(f"{_SOURCE} C4", {"epsilon": 0.850, "k": 2.079, "gamma": 0.756}),
        Published(f"{_SOURCE} RedPajama", {"epsilon": 0.857, "k": 2.2065, "gamma": 0.7146}),
        Published(f"{_SOURCE} RefinedWeb", {"epsilon": 0.865, "k": 2.215, "gamma": 0.707}),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "epsilon", dist.Normal(0.3, 0.3), "error of guessing, a share", role="offset"
            ),
            Parameter(
                "k",
                dist.LogNormal(1.0, 1.5),
                "scale of what is learnt, a share: at L = 0 the error is ε − k",
            ),
            Parameter(
                "gamma",
                dist.LogNormal(np.log(2.0), 0.6),
                "how fast it falls with loss, per nat",
                role="rate",
                input="loss",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """The error itself.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``loss``
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        below = jnp.exp(jnp.log(c["k"]) - c["gamma"] * jnp.exp(log_inputs["loss"]))
        return jnp.subtract(c["epsilon"], below)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """The error at the centre, and the logarithm of how far it is below ε; γ stays."""
        epsilon, k, gamma = logs
        below = k - jnp.exp(gamma)
        return [epsilon - jnp.exp(below), below, gamma]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        error, below, gamma = decorrelated
        return [error + jnp.exp(below), below + jnp.exp(gamma), gamma]
