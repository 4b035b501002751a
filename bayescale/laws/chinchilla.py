"""The Chinchilla law: an irreducible loss, and a power law each in parameters and in tokens that
add up.

    L(N, D) = E + A/N^α + B/D^β

J. Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022, equation 2
(arXiv:2203.15556). With ``tied=True`` the exponents are one, β = α, as in N. Muennighoff et al.,
"Scaling Data-Constrained Language Models", 2023 (arXiv:2305.16264).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
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
    Term,
    Values,
)


@dataclass(frozen=True)
class Chinchilla(AllocatesCompute):
    """L(N, D) = E + A/N^alpha + B/D^beta.

    Parameters
    ----------
    tied : bool
        Whether beta is alpha; one parameter fewer, for sweeps too small to tell them apart.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Chinchilla
    >>> hoffmann = Chinchilla.published[0].params
    >>> at = {"n_params": np.log(70e9), "n_tokens": np.log(1.4e12)}
    >>> log_loss = Chinchilla().predict(hoffmann, at)
    >>> round(float(np.exp(log_loss)), 3)
    1.937
    """

    tied: bool = False

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls as a power of parameters plus a power of tokens, down to a floor"
    )
    paper: ClassVar[str] = (
        "Hoffmann et al. 2022, Training Compute-Optimal Large Language Models, eq. 2, "
        "arXiv:2203.15556"
    )
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "Hoffmann et al. 2022, approach 3, as printed",
            {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
        ),
        Published(
            "Hoffmann et al. 2022, approach 3, before rounding",
            {
                "E": float(np.exp(0.5267228)),
                "A": float(np.exp(6.0073404)),
                "B": float(np.exp(6.0179186)),
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
        ),
        Published(
            "Besiroglu et al. 2024, arXiv:2404.10102",
            {"E": 1.81686, "A": 482.01, "B": 2085.43, "alpha": 0.34781, "beta": 0.36585},
        ),
    )

    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")

    @property
    def nested_models(self) -> tuple[NestedModel, ...]:
        tied = NestedModel(
            "beta/alpha",
            lambda c: c["beta"] / c["alpha"],
            1.0,
            "chinchilla:tied=true, one exponent for both",
        )
        return () if self.tied else (tied,)

    @property
    def formula(self) -> str:
        return "L(N, D) = E + A/N^α + B/D^α" if self.tied else "L(N, D) = E + A/N^α + B/D^β"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        table = (
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "A",
                dist.LogNormal(-2.0, 1.5),
                "excess loss of a model of one parameter",
                "nats per token",
                "level",
                powers=(Power("n_params", "alpha"),),
            ),
            Parameter(
                "B",
                dist.LogNormal(-2.0, 1.5),
                "excess loss after one token",
                "nats per token",
                "level",
                powers=(Power("n_tokens", "alpha" if self.tied else "beta"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.35), 0.4),
                "exponent of parameters",
                role="exponent",
            ),
            Parameter(
                "beta", dist.LogNormal(np.log(0.35), 0.4), "exponent of tokens", role="exponent"
            ),
        )
        return table[:-1] if self.tied else table

    @property
    def terms(self) -> tuple[Term, ...]:
        return (
            Term("E"),
            Term("A", "alpha", "n_params"),
            Term("B", "alpha" if self.tied else "beta", "n_tokens"),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = log(E + A/N^α + B/D^β), as a log-sum-exp so that no power over- or underflows.

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
        terms = (
            jnp.log(c["E"]),
            jnp.log(c["A"]) - c["alpha"] * log_inputs["n_params"],
            jnp.log(c["B"]) - self._beta(c) * log_inputs["n_tokens"],
        )
        # The shift cancels, so it needs no derivative; those of the rest are softmax weights.
        largest = jax.lax.stop_gradient(jnp.maximum(terms[0], jnp.maximum(terms[1], terms[2])))
        return largest + jnp.log(sum(jnp.exp(term - largest) for term in terms))

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Loss at the centre, A and B against E there, and the slopes in N and D there (all
        logarithms).

        t = log(E + A + B), log A/E, log B/E, log(αA) − t, log(βB) − t; with tied exponents the last
        is one, log(α(A + B)) − t.
        """
        e, a, b = logs[:3]
        excess = jnp.logaddexp(a, b)
        total = jnp.logaddexp(e, excess)
        decorrelated = [total, a - e, b - e]
        weights = [excess] if self.tied else [a, b]
        for exponent, weight in zip(logs[3:], weights, strict=True):
            decorrelated.append(exponent + weight - total)
        return decorrelated

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, a_to_e, b_to_e = decorrelated[:3]
        excess = jnp.logaddexp(a_to_e, b_to_e)
        e = total - jnp.logaddexp(0.0, excess)
        a, b = e + a_to_e, e + b_to_e
        logs = [e, a, b]
        weights = [e + excess] if self.tied else [a, b]
        for slope, weight in zip(decorrelated[3:], weights, strict=True):
            logs.append(slope - weight + total)
        return logs

    def optimal_n_params(self, params: Values, compute: FloatOrArray) -> FloatOrArray:
        """The N that makes loss least when 6·N·D = C: N* = (αA/βB)^{1/(α+β)} · (C/6)^{β/(α+β)}.

        Hoffmann et al. 2022, equation 4.

        Parameters
        ----------
        params : mapping of arrays, in counts
        compute : array, FLOPs

        Returns
        -------
        array, parameters
        """
        c, beta = params, self._beta(params)
        total = c["alpha"] + beta
        return (c["alpha"] * c["A"] / (beta * c["B"])) ** (1 / total) * (compute / 6) ** (
            beta / total
        )

    def _beta(self, params: Values) -> FloatOrArray:
        return params["alpha"] if self.tied else params["beta"]
