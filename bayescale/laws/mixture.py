"""Loss on one validation set from the shares of training domains in a mixture.

    L(r) = c + k·exp(Σ_j t_j·(r_j^p − K^−p))

K domains have shares r_j that sum to one, and k is what the loss has above its floor c where all
shares are alike. A domain whose t_j is negative helps. With p = 1 it is the paper's law, whose k is
k·exp(−Σ t_j/K). A share that grows from nothing helps more than one that is large already: with
p near 0.6 the law forecasts better on public mixtures, judged by the rows that it was fitted to.

J. Ye et al., "Data Mixing Laws: Optimizing Data Mixtures by Predicting Language Modeling
Performance", 2024 (arXiv:2403.16952).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import Law, NestedModel, Parameter, Values
from bayescale.units import SHARE

_FEWEST_DOMAINS = 2


@dataclass(frozen=True)
class Mixture(Law):
    """L(r) = c + k exp(sum_j t_j (r_j^p - K^-p)) in the shares r_j of K domains.

    Parameters
    ----------
    domains : str
        Names of the domains, joined by ``+``. The share of ``web`` is the column ``share_web``; a
        share may be zero.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Mixture
    >>> law = Mixture(domains="web+code")
    >>> params = {"c": 2.0, "k": 1.0, "t_web": -2.0, "t_code": 1.0, "p": 1.0}
    >>> half = {name: np.log(0.5) for name in law.inputs}
    >>> round(float(np.exp(law.predict(params, half))), 3)
    3.0
    """

    domains: str = "web+code+books"

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "Loss falls or rises exponentially with powers of the shares of domains"
    paper: ClassVar[str] = "Ye et al. 2024, Data Mixing Laws, arXiv:2403.16952"
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel("p", lambda c: c["p"], 1.0, "the law of Ye et al., exponential in the shares"),
    )

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < max(_FEWEST_DOMAINS, len(names)) or not all(names):
            raise InputError(
                f"mixture: domains={self.domains!r} must name two domains or more, each once, such "
                f"as domains=web+code."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the domains."""
        return tuple(self.domains.split("+"))

    @property
    def formula(self) -> str:
        equal = f"{len(self.names)}^(−p)"
        effects = (f"t_{name}·({SHARE}{name}^p − {equal})" for name in self.names)
        return f"L(r) = c + k·exp({' + '.join(effects)})"

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(SHARE + name for name in self.names)

    @property
    def unscaled_inputs(self) -> tuple[str, ...]:
        """The inputs themselves, since shares have no unit."""
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        nats = "nats per token"
        effects = (
            Parameter(
                f"t_{name}",
                dist.Normal(0.0, 2.0),
                f"effect of {name} on the logarithm of the excess over c; what helps is negative",
            )
            for name in self.names
        )
        return (
            Parameter(
                "c",
                dist.LogNormal(np.log(0.8), 0.3),
                "loss that no mixture falls below",
                nats,
                "level",
            ),
            Parameter(
                "k",
                dist.LogNormal(np.log(0.15), 0.8),
                "excess where all shares are alike",
                nats,
                "level",
            ),
            *effects,
            Parameter(
                "p",
                dist.LogNormal(np.log(0.7), 0.3),
                "power of a share: below one, the first per cent helps most",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log c, log k + Σ t_j (r_j^p − K^−p)).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms of shares.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        log_excess = jnp.log(c["k"])
        equal = jnp.exp(-c["p"] * np.log(len(self.names)))
        for name, column in zip(self.names, self.inputs, strict=True):
            effect = c[f"t_{name}"]
            log_excess = log_excess + effect * (jnp.exp(c["p"] * log_inputs[column]) - equal)
        return jnp.logaddexp(jnp.log(c["c"]), log_excess)

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log(c + k) and log k/c; the rest stays."""
        floor, excess = logs[:2]
        return [jnp.logaddexp(floor, excess), excess - floor, *logs[2:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, excess_to_floor = decorrelated[:2]
        floor = total - jnp.logaddexp(0.0, excess_to_floor)
        return [floor, floor + excess_to_floor, *decorrelated[2:]]
