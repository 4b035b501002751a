"""The multiplicative joint law of fine-tuning: more of another factor makes every example worth
more.

    L(X, D_f) = E + A/(X^α · D_f^β)

X is whatever else was varied: the size of the model, the data it was pre-trained on, or the
parameters that are tuned.

B. Zhang, Z. Liu, C. Cherry and O. Firat, "When Scaling Meets LLM Finetuning", 2024, equation 1
(arXiv:2402.17193).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import SYMBOLS, Law, Parameter, Power, Values


@dataclass(frozen=True)
class FineTuning(Law):
    """L(X, D_f) = E + A/(X^alpha · D_f^beta).

    Parameters
    ----------
    factor : str
        The column that X is: ``n_params``, ``n_tokens`` (of pre-training) …
    data : str
        The column that D_f is: the examples or tokens that a model is fine-tuned on.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import FineTuning
    >>> params = {"E": 1.0, "A": 100.0, "alpha": 0.5, "beta": 0.5}
    >>> at = {"n_params": np.log(4.0), "n_examples": np.log(25.0)}
    >>> round(float(np.exp(FineTuning().predict(params, at))), 3)
    11.0
    """

    factor: str = "n_params"
    data: str = "n_examples"

    stage: ClassVar[str] = "post-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss after fine-tuning falls as a product of powers of its data and of one other factor"
    )
    paper: ClassVar[str] = (
        "Zhang et al. 2024, When Scaling Meets LLM Finetuning, eq. 1, arXiv:2402.17193"
    )

    @property
    def formula(self) -> str:
        x, data = (SYMBOLS.get(name, name) for name in self.inputs)
        x = "X" if x == data else x
        return f"L({x}, {data}) = E + A/({x}^α·{data}^β)"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.factor, self.data)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "A",
                dist.LogNormal(-1.0, 1.0),
                f"excess loss at {self.factor} = {self.data} = 1",
                "nats per token",
                "level",
                powers=(Power(self.factor, "alpha"), Power(self.data, "beta")),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.2), 0.7),
                f"exponent of {self.factor}",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.2), 0.7),
                f"exponent of {self.data}",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log A − α log X − β log D_f).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the names of both inputs
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        falling = (
            jnp.log(c["A"])
            - c["alpha"] * log_inputs[self.factor]
            - c["beta"] * log_inputs[self.data]
        )
        return jnp.logaddexp(jnp.log(c["E"]), falling)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log(E + A) and log A/E; the exponents stay."""
        e, a, alpha, beta = logs
        return [jnp.logaddexp(e, a), a - e, alpha, beta]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, a_to_e, alpha, beta = decorrelated
        e = total - jnp.logaddexp(0.0, a_to_e)
        return [e, e + a_to_e, alpha, beta]
