"""A benchmark's score as a sigmoid of the loss of pre-training, from guessing to a ceiling.

    s(L) = F + R/(1 + exp(γ·(L − L_mid)))

A. Grattafiori et al., "The Llama 3 Herd of Models", 2024, section 3.2.1, the second of two steps
(arXiv:2407.21783).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist

from bayescale.laws.base import Parameter, Published, Special, Term, Values


@dataclass(frozen=True)
class AccuracyFromLoss:
    """s(L) = F + R/(1 + exp(gamma (L - L_mid))).

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import AccuracyFromLoss
    >>> constants = {"F": 0.25, "R": 0.7, "gamma": 8.0, "L_mid": 2.0}
    >>> round(float(AccuracyFromLoss().log_loss(constants, {"loss": np.log(2.0)})), 3)
    0.6
    """

    stage: ClassVar[str] = "downstream"
    response: ClassVar[str] = "score"
    absolute: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "A score rises from guessing to a ceiling as a sigmoid of falling loss"
    paper: ClassVar[str] = (
        "Grattafiori et al. 2024, The Llama 3 Herd of Models, section 3.2.1, arXiv:2407.21783"
    )
    formula: ClassVar[str] = "s(L) = F + R/(1 + exp(γ·(L − L_mid)))"
    inputs: ClassVar[tuple[str, ...]] = ("loss",)
    falls_with: ClassVar[tuple[str, ...]] = ("loss",)
    published: ClassVar[tuple[Published, ...]] = ()
    specials: ClassVar[tuple[Special, ...]] = ()
    terms: ClassVar[tuple[Term, ...]] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("F", dist.Normal(-0.3, 0.3), "floor: the score of guessing"),
            Parameter("R", dist.LogNormal(np.log(0.5), 0.6), "rise from floor to ceiling"),
            Parameter("gamma", dist.LogNormal(np.log(10.0), 1.0), "how steep the rise is, per nat"),
            Parameter("L_mid", dist.LogNormal(0.0, 0.3), "loss at half the rise, nats per token"),
        )

    def log_loss(self, constants: Values, log_inputs: Values) -> Any:
        """The score itself.

        Parameters
        ----------
        constants : mapping of arrays
        log_inputs : mapping with ``loss``
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = constants
        return c["F"] + c["R"] * jax.nn.sigmoid(
            c["gamma"] * (c["L_mid"] - jnp.exp(log_inputs["loss"]))
        )

    def straighten(self, logs: Sequence[Any]) -> list[Any]:
        """The score at the centre in place of F; the rest stays."""
        floor, *shape = logs
        return [floor + _risen(*shape), *shape]

    def bend(self, straight: Sequence[Any]) -> list[Any]:
        """The inverse of `straighten`."""
        total, *shape = straight
        return [total - _risen(*shape), *shape]

    def rescale(self, constants: Values, units: Values) -> dict[str, Any]:
        """F plus the mean score, γ/L₀, L_mid·L₀; R stays.

        Parameters
        ----------
        constants : mapping of arrays
        units : mapping with ``loss`` and ``score``
        """
        c, loss = constants, units["loss"]
        return {
            **c,
            "F": c["F"] + jnp.log(units["score"]),
            "gamma": c["gamma"] / loss,
            "L_mid": c["L_mid"] * loss,
        }


def _risen(rise: Any, steepness: Any, middle: Any) -> Any:
    """From the logarithms, how far the score is above the floor at the centre."""
    return jnp.exp(rise) * jax.nn.sigmoid(jnp.exp(steepness) * jnp.expm1(middle))
