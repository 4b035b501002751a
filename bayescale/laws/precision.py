"""Loss of models trained in number formats of low precision: each format makes a model worth fewer
parameters.

    L(N, D, P) = E + A/(N·eff_P)^α + B/D^β

eff_P is one for the format in which no columns are set, such as bfloat16. The column `share_int4`
is one for a run that trains in int4 and zero for others; between them it is the share of the
training that the format has, with efficiencies averaged on the logarithm.

A. Panferov et al., "QuEST: Stable Training of LLMs with 1-Bit Weights and Activations", 2025
(arXiv:2502.05003).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Law, Parameter, Values
from bayescale.laws.chinchilla import Chinchilla
from bayescale.units import SHARE

_BASE = Chinchilla()
_N_BASE = len(_BASE.parameters)


@dataclass(frozen=True)
class Precision(Law):
    """L(N, D, P) = E + A/(N eff_P)^alpha + B/D^beta, with one efficiency for each format.

    Parameters
    ----------
    formats : str
        Names of the formats, joined by ``+``, without the one whose efficiency is one.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Precision
    >>> params = {"E": 1.0, "A": 2.0, "B": 0.5, "alpha": 0.5, "beta": 1.0, "eff_int4": 0.25}
    >>> at = {"n_params": np.log(4.0), "n_tokens": 0.0, "share_int4": 0.0}
    >>> round(float(np.exp(Precision(formats="int4").predict(params, at))), 3)
    3.5
    """

    formats: str = "int8+int4"

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "A number format makes a model worth a share of its parameters"
    paper: ClassVar[str] = (
        "Panferov et al. 2025, QuEST: Stable Training of LLMs with 1-Bit Weights and Activations, "
        "arXiv:2502.05003"
    )
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")

    def __post_init__(self) -> None:
        check_formats("precision", self.formats)

    @property
    def formula(self) -> str:
        logs = " + ".join(f"{SHARE}{name}·log(eff_{name})" for name in self.formats.split("+"))
        return f"L(N, D, P) = E + A/(N·F)^α + B/D^β; F = exp({logs})"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("n_params", "n_tokens", *self.unscaled_inputs)

    @property
    def unscaled_inputs(self) -> tuple[str, ...]:
        """Columns that say the format, which have no unit."""
        return tuple(SHARE + name for name in self.formats.split("+"))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        efficiencies = [
            Parameter(
                f"eff_{name}",
                dist.LogNormal(np.log(0.6), 0.8),
                f"parameters of the reference format that one parameter in {name} is worth",
            )
            for name in self.formats.split("+")
        ]
        return (*_BASE.parameters, *efficiencies)

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as Chinchilla's in N·eff_P and D.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        log_worth = log_inputs["n_params"]
        for name in self.formats.split("+"):
            share = jnp.exp(log_inputs[SHARE + name])
            log_worth = log_worth + share * jnp.log(params[f"eff_{name}"])
        return _BASE.predict(params, {**log_inputs, "n_params": log_worth})

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Chinchilla's, which is the loss at the centre in the reference format; efficiencies
        stay.
        """
        return [*_BASE.decorrelate(logs[:_N_BASE]), *logs[_N_BASE:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        return [*_BASE.recorrelate(decorrelated[:_N_BASE]), *decorrelated[_N_BASE:]]


def check_formats(law: str, formats: str) -> None:
    """Refuse formats without a name, and those that are named twice.

    Raises
    ------
    InputError
    """
    names = formats.split("+")
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"{law}: formats={formats!r} must name one format or more, each once, such as "
            f"formats=int8+int4."
        )
