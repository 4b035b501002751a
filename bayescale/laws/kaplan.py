"""The first joint law: loss falls as one power of a sum of two powers, with no floor.

    L(N, D) = ((N_c/N)^{α_N/α_D} + D_c/D)^{α_D}

With endless data it is (N_c/N)^α_N, of an endless model (D_c/D)^α_D. Both leave no loss in the end,
so it can hold over some decades only; `Coupled` has the same coupling above a floor. The paper
counts N without embeddings: `without_embeddings` and `with_embeddings` convert.

J. Kaplan et al., "Scaling Laws for Neural Language Models", 2020 (arXiv:2001.08361), equation 1.5;
T. Pearce and J. Song, "Reconciling Kaplan and Chinchilla Scaling Laws", 2024 (arXiv:2406.12907),
for the count of embeddings.
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
    Parameter,
    Published,
    Values,
)

# Pearce and Song: embeddings of a model whose shape and vocabulary are like those of Kaplan and
# Chinchilla hold ω N^(1/3) parameters, with N counted without them.
_EMBEDDINGS = 47491.0


@dataclass(frozen=True)
class Kaplan(AllocatesCompute):
    """L(N, D) = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Kaplan
    >>> law = Kaplan()
    >>> at = {"n_params": np.log(1.5e9), "n_tokens": np.log(2.2e10)}
    >>> round(float(np.exp(law.predict(law.published[0].params, at))), 2)
    2.31
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls as one power of parameters and tokens together, without a floor"
    )
    paper: ClassVar[str] = (
        "Kaplan et al. 2020, Scaling Laws for Neural Language Models, arXiv:2001.08361, eq. 1.5"
    )
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "Kaplan et al. 2020, table 2; N without embeddings",
            {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103},
        ),
    )
    formula: ClassVar[str] = "L(N, D) = ((N_c/N)^{α_N/α_D} + D_c/D)^{α_D}"
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "N_c",
                dist.LogNormal(-1.0, 2.0),
                "N at which endless data leave one nat per token",
                "parameters",
                "scale",
                "n_params",
            ),
            Parameter(
                "D_c",
                dist.LogNormal(-1.0, 2.0),
                "D at which an endless model has one nat per token left",
                "tokens",
                "scale",
                "n_tokens",
            ),
            Parameter(
                "alpha_N",
                dist.LogNormal(np.log(0.1), 0.7),
                "exponent of parameters, with endless data",
                role="exponent",
            ),
            Parameter(
                "alpha_D",
                dist.LogNormal(np.log(0.1), 0.7),
                "exponent of tokens, of an endless model",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as one log-sum-exp so that no power over- or underflows.

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
        in_params = c["alpha_N"] / c["alpha_D"] * (jnp.log(c["N_c"]) - log_inputs["n_params"])
        in_tokens = jnp.log(c["D_c"]) - log_inputs["n_tokens"]
        return jnp.logaddexp(in_params, in_tokens) * c["alpha_D"]

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Loss at the centre, and by how much parameters limit it more than tokens do, over α_N:
        the two exponents stay.
        """
        n_c, d_c, alpha_n, alpha_d = logs
        in_params = jnp.exp(alpha_n - alpha_d) * n_c
        return [
            jnp.exp(alpha_d) * jnp.logaddexp(in_params, d_c),
            (in_params - d_c) * jnp.exp(-alpha_n),
            alpha_n,
            alpha_d,
        ]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, balance, alpha_n, alpha_d = decorrelated
        more = balance * jnp.exp(alpha_n)
        d_c = total * jnp.exp(-alpha_d) - jax.nn.softplus(more)
        return [(d_c + more) * jnp.exp(alpha_d - alpha_n), d_c, alpha_n, alpha_d]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """N_c·N₀·L₀^{1/α_N} and D_c·D₀·L₀^{1/α_D}; the exponents stay.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with ``n_params``, ``n_tokens``, ``loss``
        """
        c = params
        return {
            **c,
            "N_c": c["N_c"] * units["n_params"] * units["loss"] ** (1 / c["alpha_N"]),
            "D_c": c["D_c"] * units["n_tokens"] * units["loss"] ** (1 / c["alpha_D"]),
        }

    def optimal_n_params(self, params: Values, compute: FloatOrArray) -> FloatOrArray:
        """The N that makes loss least when 6·N·D = C: N* = (k·N_c^k·C/6D_c)^{1/(1+k)}, k = α_N/α_D.

        Parameters
        ----------
        params : mapping of arrays, in counts
        compute : array, FLOPs

        Returns
        -------
        array, parameters
        """
        c = params
        k = c["alpha_N"] / c["alpha_D"]
        return (k * (compute / 6) / c["D_c"]) ** (1 / (1 + k)) * c["N_c"] ** (k / (1 + k))


def with_embeddings(n_params: FloatOrArray) -> FloatOrArray:
    """Return all parameters of a model of ``n_params`` without embeddings: N + ω N^(1/3).

    T. Pearce and J. Song 2024, with ω = 47,491 for models shaped like those of Kaplan and
    Chinchilla. Models of another vocabulary have other embeddings: count them where they are known.

    Parameters
    ----------
    n_params : array, a count without embeddings

    Returns
    -------
    array, a count

    Examples
    --------
    >>> from bayescale.laws.kaplan import with_embeddings
    >>> print(f"{with_embeddings(1e9):.3g}")
    1.05e+09
    """
    return n_params + _EMBEDDINGS * n_params ** (1 / 3)


def without_embeddings(n_params: FloatOrArray) -> FloatOrArray:
    """The inverse of `with_embeddings`.

    Parameters
    ----------
    n_params : array, a count with embeddings

    Returns
    -------
    array, a count

    Examples
    --------
    >>> from bayescale.laws.kaplan import with_embeddings, without_embeddings
    >>> print(f"{without_embeddings(with_embeddings(1e6)):.6g}")
    1e+06
    """
    # The one root of r³ + ωr = N is r = 2s sinh(u) with s = √(ω/3), since then the left is 2s³
    # sinh(3u).
    scale = np.sqrt(_EMBEDDINGS / 3)
    return (2 * scale * np.sinh(np.arcsinh(np.asarray(n_params) / (2 * scale**3)) / 3)) ** 3
