"""The data-constrained law: a token read again is worth less each time, and so are parameters
beyond what the data can fill.

    L(N, D, U) = E + A/n^α + B/d^β
    d = u·(1 + R_D·(1 − exp(−(D/u − 1)/R_D))),   u = min(D, U)
    n = m·(1 + R_N·(1 − exp(−(N/m − 1)/R_N))),   m = min(N, N*(U))

U counts unique tokens, and N*(U) is the N whose best D is U under the law without repeats. R_D is
by how many epochs a repeated token has lost all but a third of its worth. With U endless it is
Chinchilla's law.

N. Muennighoff et al., "Scaling Data-Constrained Language Models", 2023, equations 5 and 6
(arXiv:2305.16264).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Law, NestedModel, Parameter, Published, Values
from bayescale.laws.chinchilla import Chinchilla


@dataclass(frozen=True)
class DataConstrained(Law):
    """L(N, D, U) = E + A/n^alpha + B/d^beta with effective counts n and d, where U of the D tokens
    are unique.

    Parameters
    ----------
    tied : bool
        Whether beta is alpha, as in the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import DataConstrained
    >>> paper = DataConstrained.published[0].params
    >>> at = {"n_params": np.log(6.34e9), "n_tokens": np.log(242e9), "unique_tokens": np.log(25e9)}
    >>> round(float(np.exp(DataConstrained().predict(paper, at))), 4)
    2.2256
    """

    tied: bool = True

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Chinchilla's law in effective parameters and tokens, where repeated tokens count less and "
        "less"
    )
    paper: ClassVar[str] = (
        "Muennighoff et al. 2023, Scaling Data-Constrained Language Models, eq. 5-6, "
        "arXiv:2305.16264"
    )
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens", "unique_tokens")
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens", "unique_tokens")

    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "Muennighoff et al. 2023, 182 runs",
            {
                "E": float(np.exp(0.6254804)),
                "A": float(np.exp(6.255414)),
                "B": float(np.exp(7.3049974)),
                "alpha": 0.3526596,
                "beta": 0.3526596,
                "R_D": 15.387756,
                "R_N": 5.309743,
            },
        ),
    )

    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel(
            "R_D", lambda c: c["R_D"], np.inf, "chinchilla: a token read again is worth a new one"
        ),
    )

    @property
    def formula(self) -> str:
        beta = "α" if self.tied else "β"
        return (
            f"L(N, D, U) = E + A/n^α + B/d^{beta}; "
            "d = u·(1 + R_D·(1 − exp((1 − D/u)/R_D))); u = min(D, U); "
            f"n = m·(1 + R_N·(1 − exp((1 − N/m)/R_N))); m = min(N, "
            f"(α·A·U^{beta}/({beta}·B))^{{1/α}})"
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            *Chinchilla(self.tied).parameters,
            Parameter(
                "R_D",
                dist.LogNormal(np.log(10.0), 1.0),
                "repeats until a token has lost all but 1/e of its worth",
            ),
            Parameter(
                "R_N",
                dist.LogNormal(np.log(5.0), 1.0),
                "the same of parameters beyond those that unique tokens fill",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L, as Chinchilla's in log n and log d.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_params``, ``n_tokens`` and ``unique_tokens``
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, beta = params, params["alpha"] if self.tied else params["beta"]
        unique = log_inputs["unique_tokens"]
        log_filled = (jnp.log(c["alpha"] * c["A"]) - jnp.log(beta * c["B"]) + beta * unique) / c[
            "alpha"
        ]
        worth = {
            "n_params": effective(log_inputs["n_params"], log_filled, c["R_N"]),
            "n_tokens": effective(log_inputs["n_tokens"], unique, c["R_D"]),
        }
        return Chinchilla(self.tied).predict(c, worth)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Chinchilla's, which is the loss at the centre with endless unique tokens; R_D and R_N
        stay.
        """
        without_repeats = Chinchilla(self.tied).decorrelate(logs[:-2])
        return without_repeats + list(logs[-2:])

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        without_repeats = Chinchilla(self.tied).recorrelate(decorrelated[:-2])
        return without_repeats + list(decorrelated[-2:])


def effective(log_count: FloatOrArray, log_first: FloatOrArray, decay: FloatOrArray) -> Array:
    """log of the count that is worth as much with no repeats: first·(1 + R(1 − exp(−r/R))), with r
    = count/first − 1.

    Parameters
    ----------
    log_count, log_first : array
        Logarithms of what there is, and of what of it is new; all are new where there are fewer.
    decay : array
        R, repeats until one has lost all but 1/e of its worth.

    Returns
    -------
    array, shape by broadcasting
    """
    log_first = jnp.minimum(log_count, log_first)
    again = jnp.expm1(log_count - log_first)
    return log_first + jnp.log1p(-decay * jnp.expm1(-again / decay))
