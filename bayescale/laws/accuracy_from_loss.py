"""A benchmark's score as a sigmoid of the loss of pre-training, from guessing to a ceiling.

    s(L) = F + R/(1 + exp(γ·(L − L_mid)))

A. Grattafiori et al., "The Llama 3 Herd of Models", 2024, section 3.2.1, the second of two steps
(arXiv:2407.21783).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Values


@dataclass(frozen=True)
class AccuracyFromLoss(Law):
    """s(L) = F + R/(1 + exp(gamma (L - L_mid))).

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import AccuracyFromLoss
    >>> params = {"F": 0.25, "R": 0.7, "gamma": 8.0, "L_mid": 2.0}
    >>> round(float(AccuracyFromLoss().predict(params, {"loss": np.log(2.0)})), 3)
    0.6
    """

    stage: ClassVar[str] = "downstream"
    response: ClassVar[str] = "score"
    title: ClassVar[str] = "A score rises from guessing to a ceiling as a sigmoid of falling loss"
    paper: ClassVar[str] = (
        "Grattafiori et al. 2024, The Llama 3 Herd of Models, section 3.2.1, arXiv:2407.21783"
    )
    formula: ClassVar[str] = "s(L) = F + R/(1 + exp(γ·(L − L_mid)))"
    inputs: ClassVar[tuple[str, ...]] = ("loss",)
    decreasing_in: ClassVar[tuple[str, ...]] = ("loss",)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("F", dist.Normal(-0.3, 0.3), "floor: the score of guessing", role="offset"),
            Parameter("R", dist.LogNormal(np.log(0.5), 0.6), "rise from floor to ceiling"),
            Parameter(
                "gamma",
                dist.LogNormal(np.log(10.0), 1.0),
                "how steep the rise is, per nat",
                role="rate",
                input="loss",
            ),
            Parameter(
                "L_mid",
                dist.LogNormal(0.0, 0.3),
                "loss at half the rise",
                "nats per token",
                "scale",
                "loss",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """The score itself.

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
        from_middle = c["L_mid"] - jnp.exp(log_inputs["loss"])
        risen = jax.nn.sigmoid(c["gamma"] * from_middle) * c["R"]
        return risen + c["F"]

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """The score at the centre in place of F; the rest stays."""
        floor, rise, steepness, middle = logs
        at_centre = floor + _risen(rise, steepness, middle)
        return [at_centre, rise, steepness, middle]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        at_centre, rise, steepness, middle = decorrelated
        floor = at_centre - _risen(rise, steepness, middle)
        return [floor, rise, steepness, middle]


def _risen(rise: Array, steepness: Array, middle: Array) -> Array:
    """Return how far the score is above the floor at the centre, from the logarithms."""
    return jnp.exp(rise) * jax.nn.sigmoid(jnp.exp(steepness) * jnp.expm1(middle))
