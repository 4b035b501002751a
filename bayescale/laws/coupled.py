"""The coupled law: parameters and tokens that limit each other, between the sum of Chinchilla and
the larger of two limits.

    L(N, D) = E + ((A/N^α)^{1/γ} + (B/D^β)^{1/γ})^γ

With γ = 1 it is Chinchilla's; with γ → 0 the scarcer of the two sets the loss. A/N^α is what
remains however many tokens there are, so that α, β, A and B mean what they mean in Chinchilla. In
the form of the papers, E + (A'/N^α' + B'/D^β')^γ, they are α = γα', β = γβ', A = A'^γ, B = B'^γ.

M. Beck et al., "xLSTM Scaling Laws", 2025 (arXiv:2510.02228); J. S. Rosenfeld et al., "A
Constructive Prediction of the Generalization Error Across Scales", 2020 (arXiv:1909.12673), for the
idea of a transition between two limits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import (
    AllocatesCompute,
    FloatOrArray,
    NestedModel,
    Parameter,
    Power,
    Published,
    Values,
)
from bayescale.priors.base import Prior
from bayescale.priors.library import Library
from bayescale.priors.separate import Separate
from bayescale.sweep import Sweep


@dataclass(frozen=True)
class Coupled(AllocatesCompute):
    """L(N, D) = E + ((A/N^alpha)^(1/gamma) + (B/D^beta)^(1/gamma))^gamma.

    Parameters
    ----------
    prior : Prior
        Joint prior of the six parameters; ``Separate()`` takes that of each row of the table.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Chinchilla, Coupled
    >>> hoffmann = Chinchilla.published[0].params
    >>> at = {"n_params": np.log(70e9), "n_tokens": np.log(1.4e12)}
    >>> log_loss = Coupled().predict({**hoffmann, "gamma": 1.0}, at)
    >>> round(float(np.exp(log_loss)), 3)
    1.937
    """

    prior: Prior = field(default=Library())

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls with parameters and tokens, each limiting what the other can do, down to a "
        "floor"
    )
    paper: ClassVar[str] = "Beck et al. 2025, xLSTM Scaling Laws, arXiv:2510.02228"
    published: ClassVar[tuple[Published, ...]] = tuple(
        Published(
            f"Beck et al. 2025, {architecture}",
            {
                "E": math.exp(e),
                "A": math.exp(gamma * a),
                "B": math.exp(gamma * b),
                "alpha": gamma * alpha,
                "beta": gamma * beta,
                "gamma": gamma,
            },
        )
        for architecture, e, a, b, alpha, beta, gamma in (
            ("Transformers", 0.090102, 14.445072, 16.329536, 0.644827, 0.625879, 0.253203),
            ("xLSTM", 0.176768, 15.457385, 16.52583, 0.705822, 0.653441, 0.2578),
        )
    )
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel("gamma", lambda c: c["gamma"], 1.0, "chinchilla: the two limits add up"),
    )
    formula: ClassVar[str] = "L(N, D) = E + ((A/N^α)^{1/γ} + (B/D^β)^{1/γ})^γ"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "A",
                dist.LogNormal(-2.0, 1.5),
                "excess loss of one parameter with endless data",
                "nats per token",
                "level",
                powers=(Power("n_params", "alpha"),),
            ),
            Parameter(
                "B",
                dist.LogNormal(-2.0, 1.5),
                "excess loss of an endless model after one token",
                "nats per token",
                "level",
                powers=(Power("n_tokens", "beta"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.35), 0.4),
                "exponent of parameters, with endless data",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.35), 0.4),
                "exponent of tokens, of an endless model",
                role="exponent",
            ),
            Parameter(
                "gamma",
                dist.LogNormal(-0.3, 0.5),
                "coupling: 1 adds the two limits, near 0 the larger counts alone",
            ),
        )

    @property
    def coordinates(self) -> tuple[Parameter, ...]:
        return self.prior.coordinates(self.parameters)

    def from_coordinates(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the parameters in the units of the data, by the prior."""
        return self.prior.to_parameters(coordinates, sweep)

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the runs at which the prior is stated."""
        return self.prior.reference_rows(log_compute)

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as log-sum-exps so that no power over- or underflows.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params`` and ``n_tokens``
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        in_params = jnp.log(c["A"]) - c["alpha"] * log_inputs["n_params"]
        in_tokens = jnp.log(c["B"]) - c["beta"] * log_inputs["n_tokens"]
        return jnp.logaddexp(jnp.log(c["E"]), _coupled(in_params, in_tokens, c["gamma"]))

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Loss at the centre, and A and B against E there; log(E + X), log A/E, log B/E with X the
        excess. The rest stays. The coordinates of a joint prior are as good, and stay.

        Slopes at the centre are no good axes: with a small γ one of the two vanishes there.
        """
        if not isinstance(self.prior, Separate):
            return list(logs)
        e, a, b, alpha, beta, gamma = logs
        return [jnp.logaddexp(e, _coupled(a, b, jnp.exp(gamma))), a - e, b - e, alpha, beta, gamma]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        if not isinstance(self.prior, Separate):
            return list(decorrelated)
        total, a_to_e, b_to_e, alpha, beta, gamma = decorrelated
        e = total - jnp.logaddexp(0.0, _coupled(a_to_e, b_to_e, jnp.exp(gamma)))
        return [e, e + a_to_e, e + b_to_e, alpha, beta, gamma]

    def optimal_n_params(self, params: Values, compute: FloatOrArray) -> FloatOrArray:
        """The N that makes loss least when 6·N·D = C: N* = (αA^{1/γ}/βB^{1/γ})^{γ/(α+β)} ·
        (C/6)^{β/(α+β)}.

        Parameters
        ----------
        params : mapping of arrays, in counts
        compute : array, FLOPs

        Returns
        -------
        array, parameters
        """
        c = params
        total = c["alpha"] + c["beta"]
        return (
            (c["alpha"] / c["beta"]) ** (c["gamma"] / total)
            * (c["A"] / c["B"]) ** (1 / total)
            * (compute / 6) ** (c["beta"] / total)
        )


def _coupled(a: Array, b: Array, gamma: FloatOrArray) -> Array:
    return jnp.logaddexp(a / gamma, b / gamma) * gamma
