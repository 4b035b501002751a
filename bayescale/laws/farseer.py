"""A law whose exponent of data changes with model size.

    L(N, D) = exp(a_3·N^γ + b_3) + exp(a_2·N^β + b_2)·(D/D_0)^{−exp(a_1·N^α + b_1)}

Larger models may use data better or worse than one exponent for all says. D_0 is an option: where
the second term is read. The printed form has D_0 = 1 token, where no run is and its constants mean
little; near the runs they are known best.

H. Li et al., "Predictable Scale: Part II, Farseer: A Refined Scaling Law in Large Language Models",
2025 (arXiv:2506.10972).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Law, NestedModel, Parameter, Power, Values


@dataclass(frozen=True)
class Farseer(Law):
    """L(N, D) = exp(a_3 N^gamma + b_3) + exp(a_2 N^beta + b_2) (D/D_0)^-exp(a_1 N^alpha + b_1).

    Parameters
    ----------
    reference_tokens : float
        D_0, tokens.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Farseer
    >>> flat = {"a_1": 0.0, "a_2": 0.0, "a_3": 0.0, "alpha": 1.0, "beta": 1.0, "gamma": 1.0}
    >>> params = flat | {"b_1": np.log(0.5), "b_2": 0.0, "b_3": 0.0}
    >>> at = {"n_params": 0.0, "n_tokens": np.log(4e10)}
    >>> round(float(np.exp(Farseer(reference_tokens=1e10).predict(params, at))), 3)
    1.5
    """

    reference_tokens: float = 1e10

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)
    title: ClassVar[str] = "Loss falls as a power of tokens whose exponent changes with parameters"
    paper: ClassVar[str] = "Li et al. 2025, Predictable Scale: Part II, Farseer, arXiv:2506.10972"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_tokens",)
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel("a_1", lambda c: c["a_1"], 0.0, "one in which all models use data alike"),
    )

    def __post_init__(self) -> None:
        if not 0 < self.reference_tokens < np.inf:
            raise InputError(
                f"farseer: reference_tokens={self.reference_tokens} must be a number of tokens, "
                f"such as 1e10."
            )

    @property
    def formula(self) -> str:
        data = f"(D/{self.reference_tokens:g})"
        return f"L(N, D) = exp(a_3·N^γ + b_3) + exp(a_2·N^β + b_2)·{data}^(−exp(a_1·N^α + b_1))"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "b_3",
                dist.Normal(-0.3, 0.7),
                "log loss that endless data leave, less a_3·N^γ",
                role="offset",
            ),
            Parameter(
                "b_2",
                dist.Normal(-1.0, 1.0),
                "log excess loss at D_0 tokens, less a_2·N^β",
                role="offset",
            ),
            Parameter("b_1", dist.Normal(-1.0, 0.7), "log exponent of tokens, less a_1·N^α"),
            Parameter(
                "a_3",
                dist.Normal(0.0, 0.3),
                "how loss with endless data changes with N^γ",
                role="coefficient",
                powers=(Power("n_params", "gamma", sign=1),),
            ),
            Parameter(
                "a_2",
                dist.Normal(0.0, 0.5),
                "how excess loss changes with N^β",
                role="coefficient",
                powers=(Power("n_params", "beta", sign=1),),
            ),
            Parameter(
                "a_1",
                dist.Normal(0.0, 0.3),
                "how the exponent of tokens changes with N^α",
                role="coefficient",
                powers=(Power("n_params", "alpha", sign=1),),
            ),
            Parameter(
                "gamma",
                dist.LogNormal(np.log(0.2), 0.5),
                "exponent of parameters in what endless data leave",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.2), 0.5),
                "exponent of parameters in the excess",
                role="exponent",
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.2), 0.5),
                "exponent of parameters in the exponent of tokens",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as one log-sum-exp.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_tokens``
            Natural logarithms; of tokens as they are counted.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_n = params, log_inputs["n_params"]
        log_d = log_inputs["n_tokens"] - np.log(self.reference_tokens)
        exponent = jnp.exp(c["a_1"] * jnp.exp(c["alpha"] * log_n) + c["b_1"])
        floor = c["a_3"] * jnp.exp(c["gamma"] * log_n) + c["b_3"]
        return jnp.logaddexp(
            floor, c["a_2"] * jnp.exp(c["beta"] * log_n) + c["b_2"] - exponent * log_d
        )

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """At N = 1 and D_0: log loss, log of the excess over what endless data leave, and log of
        the exponent.
        """
        b_3, b_2, b_1 = logs[:3]
        a_3, a_2, a_1 = logs[3:6]
        floor, excess = b_3 + a_3, b_2 + a_2
        total = jnp.logaddexp(floor, excess)
        return [total, excess - floor, b_1 + a_1, *logs[3:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, excess_to_floor, exponent = decorrelated[:3]
        a_3, a_2, a_1 = decorrelated[3:6]
        floor = total - jnp.logaddexp(0.0, excess_to_floor)
        excess = floor + excess_to_floor
        return [floor - a_3, excess - a_2, exponent - a_1, *decorrelated[3:]]
