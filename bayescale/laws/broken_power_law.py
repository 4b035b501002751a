"""A power law that bends: from one exponent to the next, as smoothly as the data say, down to a
floor.

    L(x) = E + A/x^α · Π_i (1 + (x/x_i)^{1/f_i})^{−(α_i − α_{i−1}) f_i},   α_0 = α

Far below the first break x_1 the loss falls with exponent α, beyond it with α_1; f_i is the width
of the bend, in natural logarithms of x. E. Caballero, K. Gupta, I. Rish and D. Krueger, "Broken
Neural Scaling Laws", 2022, equation 1 (arXiv:2210.14891), whose c_i are α_i − α_{i−1} here; with
every exponent positive, loss never rises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import (
    SYMBOLS,
    FloatOrArray,
    Law,
    NestedModel,
    Parameter,
    Power,
    Values,
    check_input,
)
from bayescale.parameters import names_of


@dataclass(frozen=True)
class BrokenPowerLaw(Law):
    """L(x) = E + A/x^alpha · (1 + (x/x_1)^(1/f_1))^(−(alpha_1 − alpha) f_1) · … in one input x.

    Parameters
    ----------
    input : str
        The column that x is: ``flops`` (FLOPs), ``n_tokens``, ``n_examples`` …
    breaks : int
        How often the exponent changes.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import BrokenPowerLaw
    >>> unbroken = {"E": 1.0, "A": 2.0, "alpha": 0.5, "alpha_1": 0.5, "x_1": 10.0, "f_1": 0.3}
    >>> round(float(np.exp(BrokenPowerLaw().predict(unbroken, {"flops": np.log(4.0)}))), 3)
    2.0
    """

    input: str = "flops"
    breaks: int = 1

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls as a power of one variable whose exponent changes, down to a floor"
    )
    paper: ClassVar[str] = (
        "Caballero et al. 2022, Broken Neural Scaling Laws, eq. 1, arXiv:2210.14891"
    )

    def __post_init__(self) -> None:
        check_input("broken_power_law", self.input, self.response)
        if self.breaks < 1:
            raise InputError(
                f"broken_power_law: breaks={self.breaks} must be at least 1; without a break it is "
                f"power_law."
            )

    @property
    def nested_models(self) -> tuple[NestedModel, ...]:
        def ratio(i: int) -> NestedModel:
            after, before = f"alpha_{i}", self._exponent(i - 1)
            return NestedModel(
                f"{after}/{before}",
                lambda c: c[after] / c[before],
                1.0,
                f"a power that keeps on at break {i}",
            )

        return tuple(ratio(i) for i in self._numbers)

    @property
    def formula(self) -> str:
        x = SYMBOLS.get(self.input, self.input)
        bends = [
            f"(1 + ({x}/x_{i})^{{1/f_{i}}})^{{−(α_{i} − {self._exponent(i - 1, 'α')})·f_{i}}}"
            for i in self._numbers
        ]
        return "·".join([f"L({x}) = E + A/{x}^α", *bends])

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        table = [
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "A",
                dist.LogNormal(-1.0, 1.0),
                f"excess loss at {self.input} = 1, were there no break",
                "nats per token",
                "level",
                powers=(Power(self.input, "alpha"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.3), 0.7),
                f"exponent of {self.input} before the first break",
                role="exponent",
            ),
        ]
        for i in self._numbers:
            table += [
                Parameter(
                    f"alpha_{i}",
                    dist.LogNormal(np.log(0.3), 0.7),
                    f"exponent of {self.input} after break {i}",
                    role="exponent",
                ),
                Parameter(
                    f"x_{i}",
                    dist.LogNormal(0.0, 2.0),
                    f"{self.input} at break {i}",
                    role="scale",
                    input=self.input,
                ),
                Parameter(
                    f"f_{i}",
                    dist.LogNormal(np.log(0.3), 0.7),
                    f"width of break {i}, in log {self.input}",
                ),
            ]
        return tuple(table)

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log A − α log x − Σ (α_i − α_{i−1}) f_i
        softplus(log(x/x_i)/f_i)).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the input's name
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_x = params, log_inputs[self.input]
        falling = jnp.log(c["A"]) - c["alpha"] * log_x - self._bending(c, log_x)
        return jnp.logaddexp(jnp.log(c["E"]), falling)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log(E + X) and log X/E with X the excess at the centre; the rest stays."""
        e, a, *rest = logs
        excess = a - self._bending_at_centre(rest)
        return [jnp.logaddexp(e, excess), excess - e, *rest]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, excess_to_e, *rest = decorrelated
        e = total - jnp.logaddexp(0.0, excess_to_e)
        return [e, e + excess_to_e + self._bending_at_centre(rest), *rest]

    @property
    def _numbers(self) -> range:
        return range(1, self.breaks + 1)

    @staticmethod
    def _exponent(number: int, letter: str = "alpha") -> str:
        return f"{letter}_{number}" if number else letter

    def _bending(self, params: Values, log_x: FloatOrArray) -> FloatOrArray:
        """Return by how much the breaks lower the logarithm of the excess."""
        c = params
        total: FloatOrArray = 0.0
        for i in self._numbers:
            steeper = c[f"alpha_{i}"] - c[self._exponent(i - 1)]
            width = c[f"f_{i}"]
            past_break = (log_x - jnp.log(c[f"x_{i}"])) / width
            total = total + steeper * width * jax.nn.softplus(past_break)
        return total

    def _bending_at_centre(self, logs: Sequence[Array]) -> FloatOrArray:
        names = names_of(self.parameters[2:])
        values = map(jnp.exp, logs)
        return self._bending(dict(zip(names, values, strict=True)), 0.0)
