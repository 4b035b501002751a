"""A law of two recipes that share exponents; the candidate multiplies parameters and tokens.

    L_r(N, D) = L(N · m_N^r, D · m_D^r),   r = 0 for the base and 1 for the candidate

Under Chinchilla's law the candidate's constants are A_1 = A/m_N^α and B_1 = B/m_D^β, so that m_N =
(A/A_1)^{1/α} and m_D = (B/B_1)^{1/β}: its N parameters and D tokens count as m_N N and m_D D of the
base's. With separate floors E_1 = k E. M. Beck et al., "xLSTM Scaling Laws", 2025
(arXiv:2510.02228), fit two architectures separately: their exponents then differ, and a ratio holds
at only one scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist

from bayescale.defaults import textbook_law
from bayescale.laws.base import Law, Parameter, Values
from bayescale.sweep import Sweep

MULTIPLIERS = {"n_params": "n_params_multiplier", "n_tokens": "n_tokens_multiplier"}
FLOOR = "floor_ratio"
RECIPE = "recipe"
"""The column of runs whose logarithm is r."""


@dataclass(frozen=True)
class RecipeLaw(Law):
    """A law of parameters and tokens with multipliers of both.

    Parameters
    ----------
    base : Law
        A law with inputs ``n_params`` and ``n_tokens``.
    own_floor : bool
        Whether the candidate has a separate irreducible loss.
    """

    base: Law = field(default=textbook_law())
    own_floor: bool = False

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "Two recipes that share exponents"
    paper: ClassVar[str] = (
        "Beck et al. 2025, xLSTM Scaling Laws, arXiv:2510.02228, for recipes compared by laws"
    )

    @property
    def formula(self) -> str:
        floor = ", E → E·k" if self.own_floor else ""
        return f"{self.base.formula}; candidate: N → N·m_N, D → D·m_D{floor}"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.base.inputs, RECIPE)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.base.decreasing_in

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.base.parameters + self._of_candidate

    @property
    def coordinates(self) -> tuple[Parameter, ...]:
        return self.base.coordinates + self._of_candidate

    @property
    def _of_candidate(self) -> tuple[Parameter, ...]:
        """The rows of what the candidate does to N, to D and to the floor."""
        of_params = Parameter(
            "n_params_multiplier",
            dist.LogNormal(0.0, 1.0),
            "what a parameter is worth in the base",
        )
        of_tokens = Parameter(
            "n_tokens_multiplier", dist.LogNormal(0.0, 1.0), "what a token is worth in the base"
        )
        if not self.own_floor:
            return (of_params, of_tokens)
        floor = Parameter(
            FLOOR, dist.LogNormal(0.0, 0.2), "irreducible loss of the candidate over the base's"
        )
        return (of_params, of_tokens, floor)

    def from_coordinates(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the base's parameters by its prior; the multipliers stay."""
        return self.base.from_coordinates(coordinates, sweep)

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the runs at which the base's prior is stated."""
        return self.base.reference_rows(log_compute)

    def predict(self, params: Values, log_inputs: Values) -> jax.Array:
        """Return the log loss of runs of either recipe."""
        r = log_inputs[RECIPE]
        effective = {}
        for name, multiplier in MULTIPLIERS.items():
            effective[name] = log_inputs[name] + jnp.log(params[multiplier]) * r
        return self.base.predict(self._with_floor(params, r), effective)

    def decorrelate(self, logs: Sequence[Any]) -> list[Any]:
        """Return the base's decorrelated coordinates, then logarithms of the multipliers."""
        k = len(self.base.coordinates)
        return list(self.base.decorrelate(logs[:k])) + list(logs[k:])

    def recorrelate(self, decorrelated: Sequence[Any]) -> list[Any]:
        """The inverse of `decorrelate`."""
        k = len(self.base.coordinates)
        return list(self.base.recorrelate(decorrelated[:k])) + list(decorrelated[k:])

    def rescale(self, params: Values, units: Values) -> dict[str, Any]:
        """Return the base's constants in counts and nats; the multipliers stay.

        The centre of the data lies between the recipes, at r̄: there N counts in units of N₀ m_N^r̄
        of the base's.
        """
        mean_r = jnp.log(units[RECIPE])
        units_of_base = dict(units)
        for name, multiplier in MULTIPLIERS.items():
            units_of_base[name] = units[name] * params[multiplier] ** mean_r
        rescaled = self.base.rescale(self._with_floor(params, -mean_r), units_of_base)
        return {**params, **rescaled}

    def _with_floor(self, params: Values, r: Any) -> Values:
        """Return the parameters with the floor E k^r."""
        if not self.own_floor:
            return params
        return {**params, "E": params["E"] * params[FLOOR] ** r}
