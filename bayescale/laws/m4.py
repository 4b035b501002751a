"""M4: a power law that also leaves the loss of guessing behind, for learning curves from their
first point on.

    (L − E)/(E + R − L)^γ = A/x^α

L falls from E + R, where nothing has been learnt, to E. With γ = 0 it is a power law with a floor,
which knows no upper end. The equation is solved for L by Newton's method in the logit of (L − E)/R,
where it is nearly a straight line.

I. Alabdulmohsin, B. Neyshabur and X. Zhai, "Revisiting Neural Scaling Laws in Language and Vision",
2022, function M4 (arXiv:2209.06640); their M1 and M2 are `PowerLaw` without and with a floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import (
    SYMBOLS,
    FloatOrArray,
    Law,
    NestedModel,
    Parameter,
    Power,
    Values,
    check_input,
)

# From its start Newton's method never oversteps; after twelve steps nothing is left of the error
# for any γ above 1e-3.
_STEPS = 12

_Newton: TypeAlias = tuple[Array, Array, FloatOrArray]
"""The logit, the level and γ."""


@dataclass(frozen=True)
class M4(Law):
    """(L − E)/(E + R − L)^gamma = A/x^alpha in one input x.

    Parameters
    ----------
    input : str
        The column that x is: ``n_examples``, ``n_tokens``, ``flops`` …

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import M4
    >>> params = {"E": 1.0, "R": 4.0, "A": 1.0, "alpha": 0.5, "gamma": 1.0}
    >>> round(float(np.exp(M4(input="n_tokens").predict(params, {"n_tokens": 0.0}))), 3)
    3.0
    """

    input: str = "flops"

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = (
        "Loss falls from that of guessing to a floor, as a power of one variable in between"
    )
    paper: ClassVar[str] = (
        "Alabdulmohsin et al. 2022, Revisiting Neural Scaling Laws in Language and Vision, "
        "arXiv:2209.06640"
    )
    nested_models: ClassVar[tuple[NestedModel, ...]] = (
        NestedModel(
            "gamma", lambda c: c["gamma"], 0.0, "power_law: the loss of guessing plays no part"
        ),
    )

    def __post_init__(self) -> None:
        check_input("m4", self.input, self.response)

    @property
    def formula(self) -> str:
        return f"(L − E)/(E + R − L)^γ = A/{SYMBOLS.get(self.input, self.input)}^α"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E", dist.LogNormal(-0.5, 0.7), "irreducible loss", "nats per token", "level"
            ),
            Parameter(
                "R",
                dist.LogNormal(1.0, 1.0),
                "range: the loss of guessing less E",
                "nats per token",
                "level",
            ),
            Parameter(
                "A",
                dist.LogNormal(-1.0, 1.0),
                f"(L − E)/(E + R − L)^gamma at {self.input} = 1",
                role="coefficient",
                powers=(Power(self.input, "alpha"),),
            ),
            Parameter(
                "alpha",
                dist.LogNormal(np.log(0.3), 0.7),
                f"exponent of {self.input}",
                role="exponent",
            ),
            Parameter(
                "gamma",
                dist.LogNormal(np.log(0.5), 1.0),
                "power of the distance from guessing; near 0 it plays no part",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = logaddexp(log E, log R + log σ(s)), where log σ(s) − γ log σ(−s) = log A − α log
        x − (1 − γ) log R.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the input's name
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_range = params, jnp.log(params["R"])
        level = jnp.log(c["A"]) - c["alpha"] * log_inputs[self.input] - (1 - c["gamma"]) * log_range
        return jnp.logaddexp(
            jnp.log(c["E"]), log_range + jax.nn.log_sigmoid(_logit(level, c["gamma"]))
        )

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log(E + X) and log X/E with X the excess at the centre, and log A − (1 − γ) log R; the
        rest stays.
        """
        e, r, a, alpha, gamma = logs
        level = a - (1 - jnp.exp(gamma)) * r
        excess = r + jax.nn.log_sigmoid(_logit(level, jnp.exp(gamma)))
        return [jnp.logaddexp(e, excess), excess - e, level, alpha, gamma]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        total, excess_to_e, level, alpha, gamma = decorrelated
        e = total - jnp.logaddexp(0.0, excess_to_e)
        r = e + excess_to_e - jax.nn.log_sigmoid(_logit(level, jnp.exp(gamma)))
        return [e, r, level + (1 - jnp.exp(gamma)) * r, alpha, gamma]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """E·L₀, R·L₀ and A·L₀^{1−γ}·x₀^α; α and γ stay.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with the input's name and ``loss``
        """
        c, loss = params, units["loss"]
        level = c["A"] * loss ** (1 - c["gamma"]) * units[self.input] ** c["alpha"]
        return {**super().rescale(params, units), "A": level}


def _logit(level: Array, gamma: FloatOrArray) -> Array:
    """s with log σ(s) − γ log σ(−s) = level."""
    # The two asymptotes bound the curve from one side, where Newton's method moves towards the root
    # and never past it.
    start = jnp.where(level < 0, level, level / gamma)
    known = jax.lax.stop_gradient((start, *jnp.broadcast_arrays(level, gamma)))
    root, _, _ = jax.lax.fori_loop(0, _STEPS, _step, known)
    # Each step from the root has one more derivative right: objectives need two.
    for number in range(2):
        root, _, _ = _step(number, (root, level, gamma))
    return root


def _step(_: FloatOrArray, state: _Newton) -> _Newton:
    s, level, gamma = state
    missing = level - jax.nn.log_sigmoid(s) + gamma * jax.nn.log_sigmoid(-s)
    return s + missing / (jax.nn.sigmoid(-s) + gamma * jax.nn.sigmoid(s)), level, gamma
