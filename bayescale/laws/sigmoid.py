"""A score that rises from a floor to a ceiling, as a sigmoid of log compute: reinforcement learning
after training.

    s(C) = F + R/(1 + (C_mid/C)^b)

F is the score before, F + R that of endless compute, C_mid the compute at half the rise, b how
steep it is there.

D. Khatri et al., "The Art of Scaling Reinforcement Learning Compute for LLMs", 2025
(arXiv:2510.13786).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import SYMBOLS, Law, Parameter, Values, check_input


@dataclass(frozen=True)
class Sigmoid(Law):
    """s(C) = F + R/(1 + (C_mid/C)^b), a score in compute or another input.

    Parameters
    ----------
    input : str
        The column that C is: ``flops``, or GPU-hours, steps …

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Sigmoid
    >>> params = {"F": 0.2, "R": 0.4, "C_mid": 1e20, "b": 1.5}
    >>> round(float(Sigmoid().predict(params, {"flops": np.log(1e20)})), 3)
    0.4
    """

    input: str = "flops"

    stage: ClassVar[str] = "post-training"
    response: ClassVar[str] = "score"
    title: ClassVar[str] = "A score rises from a floor to a ceiling as a sigmoid of log compute"
    paper: ClassVar[str] = (
        "Khatri et al. 2025, The Art of Scaling RL Compute for LLMs, arXiv:2510.13786"
    )

    def __post_init__(self) -> None:
        check_input("sigmoid", self.input, self.response)

    @property
    def formula(self) -> str:
        x = SYMBOLS.get(self.input, self.input)
        return f"s({x}) = F + R/(1 + (C_mid/{x})^b)"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("F", dist.Normal(-0.3, 0.3), "floor: the score at no compute", role="offset"),
            Parameter("R", dist.LogNormal(np.log(0.5), 0.6), "rise from floor to ceiling"),
            Parameter(
                "C_mid",
                dist.LogNormal(0.0, 2.0),
                f"{self.input} at half the rise",
                role="scale",
                input=self.input,
            ),
            Parameter(
                "b",
                dist.LogNormal(0.0, 0.7),
                f"exponent of {self.input}: how steep the rise is",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """The score itself.

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
        from_middle = log_inputs[self.input] - jnp.log(c["C_mid"])
        risen = jax.nn.sigmoid(c["b"] * from_middle) * c["R"]
        return risen + c["F"]

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """The score at the centre in place of F; the rest stays."""
        floor, rise, middle, steepness = logs
        at_centre = floor + _risen(rise, middle, steepness)
        return [at_centre, rise, middle, steepness]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        at_centre, rise, middle, steepness = decorrelated
        floor = at_centre - _risen(rise, middle, steepness)
        return [floor, rise, middle, steepness]


def _risen(rise: Array, middle: Array, steepness: Array) -> Array:
    """Return how far the score is above the floor at the centre, from the logarithms."""
    return jnp.exp(rise) * jax.nn.sigmoid(-jnp.exp(steepness) * middle)
