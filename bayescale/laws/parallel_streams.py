"""Loss of models that run P streams of one model in parallel: streams count as more parameters.

    L(N, P) = E + A/(N·(gain·log P + 1))^α

M. Chen et al., "Parallel Scaling Law for Language Models", 2025 (arXiv:2505.10475), whose A stands
inside the power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, NestedModel, Parameter, Power, Values


@dataclass(frozen=True)
class ParallelStreams(Law):
    """L(N, P) = E + A/(N (gain log P + 1))^alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import ParallelStreams
    >>> params = {"E": 1.0, "A": 4.0, "alpha": 1.0, "gain": 1.0}
    >>> at = {"n_params": np.log(2.0), "n_streams": 1.0}
    >>> round(float(np.exp(ParallelStreams().predict(params, at))), 3)
    2.0
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "Parallel streams of a model count as more parameters"
    paper: ClassVar[str] = (
        "Chen et al. 2025, Parallel Scaling Law for Language Models, arXiv:2505.10475"
    )
    formula: ClassVar[str] = "L(N, P) = E + A/(N·(gain·log(max(n_streams, 1)) + 1))^α"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_streams")
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_streams",)
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params",)
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel("gain", lambda c: c["gain"], 0.0, "power_law: streams are worth nothing"),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        nats = "nats per token"
        return (
            Parameter("E", dist.LogNormal(-0.5, 0.7), "irreducible loss", nats, "level"),
            Parameter(
                "A",
                dist.LogNormal(-1.0, 1.0),
                "excess of one stream at N = 1",
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
                "gain",
                dist.LogNormal(np.log(0.3), 1.0),
                "parameters that e times as many streams add, as a share of N",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log A − α (log N + log(gain log P + 1))).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_streams``
            Natural logarithms; fewer streams than one count as one.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        log_worth = log_inputs["n_params"] + jnp.log1p(
            c["gain"] * jnp.maximum(log_inputs["n_streams"], 0.0)
        )
        return jnp.logaddexp(jnp.log(c["E"]), jnp.log(c["A"]) - c["alpha"] * log_worth)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log L of one stream at the centre, log A/E and log αA/L; gain stays."""
        e, a, alpha, gain = logs
        total = jnp.logaddexp(e, a)
        return [total, a - e, alpha + a - total, gain]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, a_to_e, slope, gain = decorrelated
        e = total - jnp.logaddexp(0.0, a_to_e)
        return [e, e + a_to_e, slope - e - a_to_e + total, gain]
