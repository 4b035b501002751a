"""The share of right answers in the tokens that a model may think: logistic in their logarithm.

    accuracy(T) = 1/(1 + 1/(A·T^b)),   the odds of a right answer are a power of T

OpenAI, "Learning to reason with LLMs", 2024, plots accuracy on AIME against the logarithm of
test-time compute, without a formula; log odds keep it between none and all. Counts of right answers
go with `Binomial` noise.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Power, Values


@dataclass(frozen=True)
class AccuracyInTokens(Law):
    """accuracy(T) = 1/(1 + 1/(A T^b)) in thinking tokens T; on the scale of the fit, log odds are
    linear in log T.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import AccuracyInTokens
    >>> params, at = {"A": 0.01, "b": 0.5}, {"thinking_tokens": np.log(1e4)}
    >>> log_odds = AccuracyInTokens().predict(params, at)
    >>> round(float(1 / (1 + np.exp(-log_odds))), 3)
    0.5
    """

    stage: ClassVar[str] = "test time"
    response: ClassVar[str] = "accuracy"
    title: ClassVar[str] = "The odds of a right answer are a power of thinking tokens"
    paper: ClassVar[str] = (
        "OpenAI 2024, Learning to reason with LLMs, for the plot, as no formula is printed"
    )
    formula: ClassVar[str] = "accuracy(T) = 1/(1 + 1/(A·T^b))"
    inputs: ClassVar[tuple[str, ...]] = ("thinking_tokens",)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "A",
                dist.LogNormal(0.0, 1.5),
                "odds of a right answer at T = 1",
                role="coefficient",
                powers=(Power("thinking_tokens", "b", sign=1),),
            ),
            Parameter(
                "b",
                dist.LogNormal(np.log(0.5), 0.8),
                "exponent of thinking tokens in the odds",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log odds = log A + b log T.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        return jnp.log(c["A"]) + c["b"] * log_inputs["thinking_tokens"]
