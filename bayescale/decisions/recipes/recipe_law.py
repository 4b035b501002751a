"""Two recipes under one law: what a candidate does to parameters and tokens, with exponents that
both share.

    L_r(N, D) = L(N · m_N^r, D · m_D^r),   r = 0 for the base and 1 for the candidate

Under Chinchilla's law the candidate's constants are A_1 = A/m_N^α and B_1 = B/m_D^β, so that m_N =
(A/A_1)^{1/α} and m_D = (B/B_1)^{1/β}: its N parameters and D tokens count as m_N N and m_D D of the
base's. With a floor of its own E_1 = k E. M. Beck et al., "xLSTM Scaling Laws", 2025
(arXiv:2510.02228), fit two architectures apart: their exponents then differ, and ratios hold at one
scale alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax.numpy as jnp
from numpyro import distributions as dist

from bayescale.defaults import textbook_law
from bayescale.laws.base import Law, Parameter, Values

MULTIPLIERS = {"n_params": "n_params_multiplier", "n_tokens": "n_tokens_multiplier"}
FLOOR = "floor_ratio"
RECIPE = "recipe"
"""The column that says which: its logarithm is r."""


@dataclass(frozen=True)
class RecipeLaw(Law):
    """A law of parameters and tokens with multipliers of both.

    Parameters
    ----------
    base : Law
        Of inputs ``n_params`` and ``n_tokens``.
    own_floor : bool
        Whether the candidate has an irreducible loss of its own.
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
        multipliers = (
            Parameter(
                "n_params_multiplier",
                dist.LogNormal(0.0, 1.0),
                "what a parameter is worth in the base",
            ),
            Parameter(
                "n_tokens_multiplier", dist.LogNormal(0.0, 1.0), "what a token is worth in the base"
            ),
        )
        floor = Parameter(
            FLOOR, dist.LogNormal(0.0, 0.2), "irreducible loss of the candidate over the base's"
        )
        return (*self.base.parameters, *multipliers, *([floor] if self.own_floor else []))

    def predict(self, params: Values, log_inputs: Values) -> Any:
        """log L of a run of either recipe."""
        r = log_inputs[RECIPE]
        moved = {
            name: log_inputs[name] + jnp.log(params[multiplier]) * r
            for name, multiplier in MULTIPLIERS.items()
        }
        return self.base.predict(self._with_floor(params, r), moved)

    def decorrelate(self, logs: Sequence[Any]) -> list[Any]:
        """The base's own, and logarithms of the multipliers."""
        k = len(self.base.parameters)
        return [*self.base.decorrelate(logs[:k]), *logs[k:]]

    def recorrelate(self, decorrelated: Sequence[Any]) -> list[Any]:
        """The inverse of `decorrelate`."""
        k = len(self.base.parameters)
        return [*self.base.recorrelate(decorrelated[:k]), *decorrelated[k:]]

    def rescale(self, params: Values, units: Values) -> dict[str, Any]:
        """Return the base's constants in counts and nats; the multipliers stay.

        The centre of the data lies between the recipes, at r̄: there N counts in units of N₀ m_N^r̄
        of the base's.
        """
        mean = jnp.log(units[RECIPE])
        units_of_both = {
            name: units[name] * params[multiplier] ** mean
            for name, multiplier in MULTIPLIERS.items()
        }
        return {
            **params,
            **self.base.rescale(self._with_floor(params, -mean), {**units, **units_of_both}),
        }

    def _with_floor(self, params: Values, r: Any) -> Values:
        return {**params, "E": params["E"] * params[FLOOR] ** r} if self.own_floor else params
