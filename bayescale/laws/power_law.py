"""A power law in one variable, with or without a floor.

    L(x) = E + A/x^α

x is compute, tokens or parameters: the form that J. Hestness et al., "Deep Learning Scaling is
Predictable, Empirically", 2017, equation 1 (arXiv:1712.00409) fitted to data sizes and J. Kaplan et
al., "Scaling Laws for Neural Language Models", 2020, equations 1.1 to 1.3 (arXiv:2001.08361),
without a floor, to each of the three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import SYMBOLS, Law, Parameter, Power, Term, Values, check_input


@dataclass(frozen=True)
class PowerLaw(Law):
    """L(x) = E + A/x^alpha in one input x.

    Parameters
    ----------
    input : str
        The column that x is: ``flops`` (FLOPs), ``n_params``, ``n_tokens`` …
    floor : bool
        Whether there is an irreducible loss E.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import PowerLaw
    >>> law = PowerLaw(input="flops", floor=False)
    >>> float(law.predict({"A": 2.0, "alpha": 0.5}, {"flops": np.log(4.0)}))
    0.0
    """

    input: str = "flops"
    floor: bool = True

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "Loss falls as a power of one variable"
    paper: ClassVar[str] = (
        "Hestness et al. 2017, Deep Learning Scaling is Predictable, Empirically, eq. 1, "
        "arXiv:1712.00409; Kaplan et al. 2020, Scaling Laws for Neural Language Models, eq. "
        "1.1-1.3, arXiv:2001.08361"
    )

    def __post_init__(self) -> None:
        check_input("power_law", self.input, self.response)

    @property
    def formula(self) -> str:
        x = SYMBOLS.get(self.input, self.input)
        return f"L({x}) = {'E + ' if self.floor else ''}A/{x}^α"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        floor = Parameter(
            "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
        )
        excess = dist.LogNormal(-1.0, 1.0) if self.floor else dist.LogNormal(0.0, 0.5)
        slope = (
            Parameter(
                "A",
                excess,
                f"excess loss at {self.input} = 1",
                "nats per token",
                "level",
                powers=(Power(self.input, "alpha"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.2), 0.7),
                f"exponent of {self.input}",
                role="exponent",
            ),
        )
        return (floor, *slope) if self.floor else slope

    @property
    def terms(self) -> tuple[Term, ...]:
        power = Term("A", "alpha", self.input)
        return (Term("E"), power) if self.floor else (power,)

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = log(E + A/x^α).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the input's name
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        falling = jnp.log(params["A"]) - params["alpha"] * log_inputs[self.input]
        return jnp.logaddexp(jnp.log(params["E"]), falling) if self.floor else falling

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """t = log(E + A), log A/E, log(αA) − t; without a floor the logarithms themselves."""
        if not self.floor:
            return list(logs)
        e, a, exponent = logs
        total = jnp.logaddexp(e, a)
        return [total, a - e, exponent + a - total]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        if not self.floor:
            return list(decorrelated)
        total, a_to_e, slope = decorrelated
        e = total - jnp.logaddexp(0.0, a_to_e)
        return [e, e + a_to_e, slope - e - a_to_e + total]
