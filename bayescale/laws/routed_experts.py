"""Loss of models that route each token to one of K experts: a power of parameters and of experts,
bilinear in logarithms.

    L(N, K) = A·N^{−α}·Ê^{χ·log N − β},   1/Ê = 1/(K + K_0) + 1/K_max

More experts help less in larger models (χ), and ever less beyond K_max. N counts the parameters
that a token meets. The printed form has 1/Ê = 1/(K − 1 + 1/(1/K_start − 1/K_max)) + 1/K_max: the
same, with K_0 for all that stands beside K.

A. Clark et al., "Unified Scaling Laws for Routed Language Models", 2022 (arXiv:2202.01169).
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
class RoutedExperts(Law):
    """L(N, K) = A N^-alpha Ehat^(chi log N - beta), with 1/Ehat = 1/(K + K_0) + 1/K_max.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import RoutedExperts
    >>> params = {"A": 2.0, "alpha": 0.5, "beta": 0.5, "chi": 0.0, "K_0": 1.0, "K_max": 2.0}
    >>> at = {"n_params": np.log(4.0), "n_experts": np.log(1.0)}
    >>> round(float(np.exp(RoutedExperts().predict(params, at))), 3)
    1.0
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_experts",)
    title: ClassVar[str] = (
        "Loss of routed models falls with parameters and experts, and with experts less in larger "
        "models"
    )
    paper: ClassVar[str] = (
        "Clark et al. 2022, Unified Scaling Laws for Routed Language Models, arXiv:2202.01169"
    )
    formula: ClassVar[str] = "L(N, K) = A·N^(−α)·F^(χ·log(N) − β); F = 1/(1/(K + K_0) + 1/K_max)"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_experts")
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel(
            "chi", lambda c: c["chi"], 0.0, "one in which experts help models of any size alike"
        ),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "A",
                dist.LogNormal(0.2, 0.5),
                "loss at N = Ê = 1",
                "nats per token",
                "level",
                powers=(Power("n_params", "alpha"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.08), 0.7),
                "exponent of parameters, at Ê = 1",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.04), 0.7),
                "exponent of experts, at N = 1",
                role="exponent",
            ),
            Parameter("chi", dist.LogNormal(np.log(0.004), 1.0), "by how much it falls with log N"),
            Parameter(
                "K_0",
                dist.LogNormal(np.log(1.5), 0.7),
                "what stands beside K where experts are few, a number",
            ),
            Parameter(
                "K_max",
                dist.LogNormal(np.log(300.0), 1.0),
                "how many experts the largest number of them is worth",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = log A − α log N + (χ log N − β) log Ê.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_experts``
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_n = params, log_inputs["n_params"]
        log_experts = jnp.logaddexp(log_inputs["n_experts"], jnp.log(c["K_0"]))
        worth = -jnp.logaddexp(-log_experts, -jnp.log(c["K_max"]))
        return jnp.log(c["A"]) - c["alpha"] * log_n + (c["chi"] * log_n - c["beta"]) * worth

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log L at N = K = 1 in place of log A; the rest stays."""
        a, alpha, beta, chi, k_0, k_max = logs
        return [a - jnp.exp(beta) * _worth_of_one(k_0, k_max), alpha, beta, chi, k_0, k_max]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, alpha, beta, chi, k_0, k_max = decorrelated
        return [total + jnp.exp(beta) * _worth_of_one(k_0, k_max), alpha, beta, chi, k_0, k_max]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """A·L₀·N₀^α and β + χ log N₀; experts are counted one by one.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with ``n_params``, ``n_experts``, which is one, and ``loss``
        """
        beta = params["beta"] + params["chi"] * jnp.log(units["n_params"])
        return {**super().rescale(params, units), "beta": beta}


def _worth_of_one(log_k_0: Array, log_k_max: Array) -> Array:
    return -jnp.logaddexp(-jnp.logaddexp(0.0, log_k_0), -log_k_max)
