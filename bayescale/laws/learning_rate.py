"""The best learning rate falls with parameters and rises with data, as powers of both.

    η(N, D) = A·D^β/N^α

Fit it to the best learning rate of each cell of a sweep over learning rates, not to runs of which
most are mistuned.

H. Li et al., "Predictable Scale: Part I, Step Law", 2025, equation 1 (arXiv:2503.04715).
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Power, Published, Values


@dataclass(frozen=True)
class LearningRate(Law):
    """eta(N, D) = A D^beta / N^alpha, the learning rate that makes loss least.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import LearningRate
    >>> step_law = LearningRate.published[0].params
    >>> at = {"n_params": np.log(1e9), "n_tokens": np.log(1e11)}
    >>> round(float(np.exp(LearningRate().predict(step_law, at))), 5)
    0.00163
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "learning_rate"
    title: ClassVar[str] = "The best learning rate is a product of powers of parameters and tokens"
    paper: ClassVar[str] = (
        "Li et al. 2025, Predictable Scale: Part I, Step Law, eq. 1, arXiv:2503.04715"
    )
    formula: ClassVar[str] = "η(N, D) = A·D^β/N^α"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params",)
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "Li et al. 2025, N without embeddings", {"A": 1.79, "alpha": 0.713, "beta": 0.307}
        ),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "A",
                dist.LogNormal(0.0, 0.5),
                "learning rate at N = D = 1",
                role="level",
                powers=(Power("n_params", "alpha"), Power("n_tokens", "beta", sign=1)),
            ),
            Parameter(
                "alpha", dist.LogNormal(np.log(0.5), 0.7), "exponent of parameters", role="exponent"
            ),
            Parameter(
                "beta", dist.LogNormal(np.log(0.3), 0.7), "exponent of tokens", role="exponent"
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log η = log A + β log D − α log N.

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
        return (
            jnp.log(c["A"])
            + c["beta"] * log_inputs["n_tokens"]
            - c["alpha"] * log_inputs["n_params"]
        )
