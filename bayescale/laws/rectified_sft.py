"""The rectified law of fine-tuning: a model has learnt some of the task before, so a power law sets
in late.

    L(D) = E + B/(D_l + D^β)

While D^β is small beside D_l, what pre-training taught, loss hardly falls (the pre-power phase);
then it falls as a power.

H. Lin et al., "Selecting Large Language Model to Fine-tune via Rectified Scaling Law", 2024,
equation 4 (arXiv:2402.02314).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import SYMBOLS, Law, NestedModel, Parameter, Power, Values, check_input


@dataclass(frozen=True)
class RectifiedSFT(Law):
    """L(D) = E + B/(D_l + D^beta) in the size D of the data that a model is fine-tuned on.

    Parameters
    ----------
    input : str
        The column that D is: ``n_examples`` or ``n_tokens``.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import RectifiedSFT
    >>> params = {"E": 1.0, "B": 30.0, "D_l": 5.0, "beta": 0.5}
    >>> round(float(np.exp(RectifiedSFT().predict(params, {"n_examples": np.log(100.0)}))), 3)
    3.0
    """

    input: str = "n_examples"

    stage: ClassVar[str] = "post-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss after fine-tuning falls as a power of its data, once these outweigh what "
        "pre-training taught"
    )
    paper: ClassVar[str] = (
        "Lin et al. 2024, Selecting LLM to Fine-tune via Rectified Scaling Law, eq. 4, "
        "arXiv:2402.02314"
    )
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel("D_l", lambda c: c["D_l"], 0.0, "power_law: no phase before the power"),
    )

    def __post_init__(self) -> None:
        check_input("rectified_sft", self.input, self.response)

    @property
    def formula(self) -> str:
        x = SYMBOLS.get(self.input, self.input)
        return f"L({x}) = E + B/(D_l + {x}^β)"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E",
                dist.LogNormal(-0.5, 0.7),
                "loss that endless data leave",
                "nats per token",
                "level",
            ),
            Parameter(
                "B",
                dist.LogNormal(-0.5, 1.5),
                "scale of the excess loss",
                f"nats per token times {self.input}^beta",
                "level",
                powers=(Power(self.input, "beta"),),
            ),
            Parameter(
                "D_l",
                dist.LogNormal(0.0, 2.0),
                f"what pre-training is worth, as {self.input}^beta",
                role="coefficient",
                powers=(Power(self.input, "beta"),),
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.4), 0.7),
                f"exponent of {self.input}",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log B − logaddexp(log D_l, β log D)).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the input's name
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        known = jnp.logaddexp(jnp.log(c["D_l"]), c["beta"] * log_inputs[self.input])
        return jnp.logaddexp(jnp.log(c["E"]), jnp.log(c["B"]) - known)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log(E + X) and log X/E with X = B/(D_l + 1) the excess at the centre; the rest stays."""
        e, b, d, beta = logs
        excess = b - jax.nn.softplus(d)
        return [jnp.logaddexp(e, excess), excess - e, d, beta]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, excess_to_e, d, beta = decorrelated
        e = total - jnp.logaddexp(0.0, excess_to_e)
        return [e, e + excess_to_e + jax.nn.softplus(d), d, beta]
