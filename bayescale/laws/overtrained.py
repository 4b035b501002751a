"""The law of over-training: compute sets how far loss falls, and tokens per parameter only by how
much it misses the best.

    L(C, M) = E + (a·M^η + b/M^η)/C^η,   C = 6ND,   M = D/N

In N and D it is Chinchilla's law with tied exponents α = β = 2η, A = a/6^η and B = b/6^η: lines of
constant M are parallel.

S. Y. Gadre et al., "Language models scale reliably with over-training and on downstream tasks",
2024, equation 4 (arXiv:2403.08540).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import (
    AllocatesCompute,
    FloatOrArray,
    Parameter,
    Published,
    Values,
)
from bayescale.laws.chinchilla import Chinchilla

_CHINCHILLA = Chinchilla(tied=True)


@dataclass(frozen=True)
class Overtrained(AllocatesCompute):
    """L(C, M) = E + (a·M^eta + b/M^eta)/C^eta in compute C = 6ND and tokens per parameter M = D/N.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Overtrained
    >>> c4 = Overtrained.published[0].params
    >>> log_loss = Overtrained().predict(c4, {"n_params": np.log(6.9e9), "n_tokens": np.log(138e9)})
    >>> round(float(np.exp(log_loss)), 2)
    2.28
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls as a power of compute, and misses the best by tokens per parameter"
    )
    paper: ClassVar[str] = (
        "Gadre et al. 2024, Language models scale reliably with over-training, eq. 4, "
        "arXiv:2403.08540"
    )
    # The repository writes a·N^−2η + b·6^−η·(MN)^−2η: its a counts no 6.
    published: ClassVar[tuple[Published, ...]] = tuple(
        Published(
            f"Gadre et al. 2024, {corpus}",
            {"E": e, "a": a * 6 ** (power / 2), "b": b, "eta": power / 2},
        )
        for corpus, a, b, power, e in (
            ("C4", 113.69, 189.52, 0.24247, 1.50826),
            ("RedPajama", 166.21, 366.69, 0.27285, 1.83665),
            ("RefinedWeb", 125.10, 246.21, 0.25439, 1.73446),
        )
    )
    formula: ClassVar[str] = "L(N, D) = E + (a·M^η + b/M^η)/C^η; C = 6·N·D; M = D/N"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "a",
                dist.LogNormal(-1.5, 1.5),
                "price of many tokens per parameter at C = M = 1",
                "nats per token",
                "level",
            ),
            Parameter(
                "b",
                dist.LogNormal(-1.5, 1.5),
                "price of few tokens per parameter at C = M = 1",
                "nats per token",
                "level",
            ),
            Parameter(
                "eta",
                dist.LogNormal(np.log(0.17), 0.4),
                "exponent of compute at given tokens per parameter",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as Chinchilla's.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_tokens``
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        return _CHINCHILLA.predict(_tied(params), log_inputs)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Return the coordinates of Chinchilla's tied law, with log A = log a − η log 6, log B
        alike.
        """
        e, a, b, eta = logs
        six = jnp.exp(eta) * np.log(6)
        return _CHINCHILLA.decorrelate([e, a - six, b - six, eta + np.log(2)])

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        e, a, b, exponent = _CHINCHILLA.recorrelate(decorrelated)
        eta = exponent - np.log(2)
        six = jnp.exp(eta) * np.log(6)
        return [e, a + six, b + six, eta]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """E·L₀, a·L₀·N₀^{2η}, b·L₀·D₀^{2η}; the exponent stays.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with ``n_params``, ``n_tokens``, ``loss``
        """
        c, loss, power = params, units["loss"], 2 * params["eta"]
        return {
            **c,
            "E": c["E"] * loss,
            "a": c["a"] * loss * units["n_params"] ** power,
            "b": c["b"] * loss * units["n_tokens"] ** power,
        }

    def optimal_n_params(self, params: Values, compute: FloatOrArray) -> FloatOrArray:
        """The N that makes loss least when 6·N·D = C: N* = sqrt(C·M*^{−1}/6), with M* =
        (b/a)^{1/2η} at every budget.

        Parameters
        ----------
        params : mapping of arrays, in counts
        compute : array, FLOPs

        Returns
        -------
        array, parameters
        """
        return _CHINCHILLA.optimal_n_params(_tied(params), compute)


def _tied(params: Values) -> dict[str, FloatOrArray]:
    c = params
    six = 6.0 ** -c["eta"]
    return {"E": c["E"], "A": c["a"] * six, "B": c["b"] * six, "alpha": 2 * c["eta"]}
