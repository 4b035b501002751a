"""Loss of models that route each token to one of K experts: a power of both, which interact, above
a floor.

    L(N, K) = E + A·N^−α·K^{χ·log N − β}

`routed_experts` has no floor, and a largest useful number of experts instead. N counts the
parameters that a token meets.

A. Clark et al., "Unified Scaling Laws for Routed Language Models", 2022 (arXiv:2202.01169), whose
bilinear form this is, with a floor added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Law, NestedModel, Parameter, Power, Values


@dataclass(frozen=True)
class ExpertsFloor(Law):
    """L(N, K) = E + A N^-alpha K^(chi log N - beta).

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import ExpertsFloor
    >>> params = {"E": 1.0, "A": 4.0, "alpha": 0.5, "beta": 0.5, "chi": 0.0}
    >>> at = {"n_params": np.log(4.0), "n_experts": np.log(4.0)}
    >>> round(float(np.exp(ExpertsFloor().predict(params, at))), 3)
    2.0
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss of routed models falls to a floor with parameters and experts, which interact"
    )
    paper: ClassVar[str] = (
        "Clark et al. 2022, Unified Scaling Laws for Routed Language Models, arXiv:2202.01169"
    )
    formula: ClassVar[str] = "L(N, K) = E + A·N^(−α)·K^(χ·log(N) − β)"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_experts")
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_experts",)
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel(
            "chi", lambda c: c["chi"], 0.0, "one in which experts help models of any size alike"
        ),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        nats = "nats per token"
        return (
            Parameter("E", dist.LogNormal(-0.5, 0.7), "irreducible loss", nats, "level"),
            Parameter(
                "A",
                dist.LogNormal(-1.0, 1.0),
                "excess at N = K = 1",
                nats,
                "level",
                powers=(Power("n_params", "alpha"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.25), 0.6),
                "exponent of parameters",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.15), 0.7),
                "exponent of experts, at N = 1",
                role="exponent",
            ),
            Parameter("chi", dist.LogNormal(np.log(0.02), 1.0), "by how much it falls with log N"),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log A − α log N + (χ log N − β) log K).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_experts``
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_n, log_k = params, log_inputs["n_params"], log_inputs["n_experts"]
        of_experts = (c["chi"] * log_n - c["beta"]) * log_k
        log_excess = jnp.log(c["A"]) - c["alpha"] * log_n + of_experts
        return jnp.logaddexp(jnp.log(c["E"]), log_excess)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log L of one expert at the centre, log A/E and log αA/L; the rest stays."""
        e, a, alpha, beta, chi = logs
        total = jnp.logaddexp(e, a)
        return [total, a - e, alpha + a - total, beta, chi]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, a_to_e, slope, beta, chi = decorrelated
        e = total - jnp.logaddexp(0.0, a_to_e)
        return [e, e + a_to_e, slope - e - a_to_e + total, beta, chi]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """E·L₀, A·L₀·N₀^α and β + χ log N₀; experts are counted one by one.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with ``n_params``, ``n_experts``, which is one, and ``loss``
        """
        beta = params["beta"] + params["chi"] * jnp.log(units["n_params"])
        return {**super().rescale(params, units), "beta": beta}
