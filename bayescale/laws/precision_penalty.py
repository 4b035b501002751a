"""Loss of models trained in number formats of low precision: each format adds a penalty, which
grows with tokens and falls with parameters.

    L(N, D, P) = E + A/N^α + B/D^β + k_P·D^γ_D/N^γ_N

The format in which no columns are set has no penalty. Columns are those of `precision`.

M. Chen et al., "Scaling Law for Quantization-Aware Training", 2025 (arXiv:2505.14302), whose k_P is
a power of the size of groups too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Power, Values
from bayescale.laws.chinchilla import Chinchilla
from bayescale.laws.precision import check_formats
from bayescale.units import SHARE

_BASE = Chinchilla()
_N_BASE = len(_BASE.parameters)


@dataclass(frozen=True)
class PrecisionPenalty(Law):
    """L(N, D, P) = E + A/N^alpha + B/D^beta + k_P D^gamma_D / N^gamma_N.

    Parameters
    ----------
    formats : str
        Names of the formats, joined by ``+``, without the one that has no penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import PrecisionPenalty
    >>> levels = {"E": 1.0, "A": 1.0, "B": 1.0, "k_int4": 0.5}
    >>> exponents = {"alpha": 0.5, "beta": 0.5, "gamma_D": 0.5, "gamma_N": 0.5}
    >>> at = {"n_params": 0.0, "n_tokens": np.log(4.0), "share_int4": 0.0}
    >>> law = PrecisionPenalty(formats="int4")
    >>> round(float(np.exp(law.predict(levels | exponents, at))), 3)
    3.5
    """

    formats: str = "int8+int4"

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "A number format adds a penalty that grows with tokens"
    paper: ClassVar[str] = (
        "Chen et al. 2025, Scaling Law for Quantization-Aware Training, arXiv:2505.14302"
    )
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params",)

    def __post_init__(self) -> None:
        check_formats("precision_penalty", self.formats)

    @property
    def formula(self) -> str:
        levels = " + ".join(f"{SHARE}{name}·k_{name}" for name in self.formats.split("+"))
        return f"L(N, D, P) = E + A/N^α + B/D^β + F·D^gamma_D/N^gamma_N; F = {levels}"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("n_params", "n_tokens", *self.unscaled_inputs)

    @property
    def unscaled_inputs(self) -> tuple[str, ...]:
        """Columns that say the format, which have no unit."""
        return tuple(SHARE + name for name in self.formats.split("+"))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        powers = (Power("n_tokens", "gamma_D", sign=1), Power("n_params", "gamma_N"))
        penalties = [
            Parameter(
                f"k_{name}",
                dist.LogNormal(np.log(0.03), 1.2),
                f"penalty of {name} at N = D = 1",
                "nats per token",
                "level",
                powers=powers,
            )
            for name in self.formats.split("+")
        ]
        exponents = (
            Parameter(
                "gamma_D",
                dist.LogNormal(np.log(0.2), 0.7),
                "exponent by which the penalty grows with tokens",
                role="exponent",
            ),
            Parameter(
                "gamma_N",
                dist.LogNormal(np.log(0.2), 0.7),
                "exponent by which it falls with parameters",
                role="exponent",
            ),
        )
        return (*_BASE.parameters, *exponents, *penalties)

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = log(L of Chinchilla's law + k_P D^γ_D / N^γ_N).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_n, log_d = params, log_inputs["n_params"], log_inputs["n_tokens"]
        log_loss = _BASE.predict(c, log_inputs)
        log_factor = c["gamma_D"] * log_d - c["gamma_N"] * log_n
        for name in self.formats.split("+"):
            log_level = jnp.log(c[f"k_{name}"]) + log_inputs[SHARE + name]
            log_loss = jnp.logaddexp(log_loss, log_level + log_factor)
        return log_loss

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Chinchilla's, which is the loss at the centre without a penalty; the rest stays."""
        return [*_BASE.decorrelate(logs[:_N_BASE]), *logs[_N_BASE:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        return [*_BASE.recorrelate(decorrelated[:_N_BASE]), *decorrelated[_N_BASE:]]
