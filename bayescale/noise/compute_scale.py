"""Scatter that depends on compute: small runs are noisier than large ones, or the other way round.

    σ_i = σ · 10^(−λ t_i),   t_i decades of compute from the mean run

A. C. Harvey, "Estimating Regression Models with Multiplicative Heteroscedasticity", 1976.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood
from bayescale.noise.student_t import StudentT
from bayescale.processes.base import Process


@dataclass(frozen=True)
class ComputeScale(Likelihood):
    """A likelihood whose σ is a power of compute.

    Parameters
    ----------
    base : Likelihood
        With a parameter ``sigma``.

    Examples
    --------
    >>> from bayescale.noise import ComputeScale, Normal
    >>> [row.name for row in ComputeScale(Normal()).parameters]
    ['sigma', 'scale_slope']
    """

    base: Likelihood = field(default=StudentT())

    title: ClassVar[str] = "Scatter that is a power of compute"
    paper: ClassVar[str] = (
        "Harvey 1976, Estimating Regression Models with Multiplicative Heteroscedasticity"
    )

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.base.parameters]
        if "sigma" not in names:
            raise InputError(
                "compute_scale: the base must have a scale sigma, as StudentT(), Normal() and "
                "Laplace() have."
            )
        if "scale_slope" in names:
            raise InputError(
                "compute_scale: the scale of its base depends on compute already; give it once."
            )

    @property
    def formula(self) -> str:
        return (
            self.base.formula.replace("σ", "σ_i")
            + "; σ_i = σ·10^(−λ t_i), t_i decades of compute from the mean run"
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        # Kept near zero: a steep slope trusts the runs of largest compute most, and they are few.
        slope = Parameter(
            "scale_slope",
            dist.Normal(0.0, 0.15),
            "λ: decades by which the scatter falls in a decade of compute",
        )
        return (*self.base.parameters, slope)

    @property
    def shared(self) -> tuple[Process, ...]:
        return self.base.shared

    @property
    def columns(self) -> tuple[str, ...]:
        return self.base.columns

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        return self.base.distribution(log_prediction, self._at(params, conditions), conditions)

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual."""
        return self.base.rho(residual, self._at(params, conditions), conditions)

    def _at(self, params: Values, conditions: Conditions) -> dict[str, FloatOrArray]:
        decades = -params["scale_slope"] * conditions.compute_decades
        return {**params, "sigma": params["sigma"] * jnp.exp(math.log(10) * decades)}
