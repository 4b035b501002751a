"""Scatter that is least where forecasts start: at the dearest runs, and among them at the best that
compute has bought.

    σ_i = σ · 10^(λ b_i) · sqrt(1 + (e_i/e₀)²)

b_i is decades of compute below the dearest run, e_i log loss above the least that the runs bought
with no more compute. Cheap runs, and the arms of wide isoFLOP curves, are where a law fits worst;
left to themselves they drag the valley that plans are made from. A run that is to come has the
scatter of the frontier.

A. C. Harvey, "Estimating Regression Models with Multiplicative Heteroscedasticity", 1976, for
scatter that depends on what is known of a run.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood
from bayescale.noise.student_t import StudentT
from bayescale.processes.base import Process


@dataclass(frozen=True)
class FrontierScale(Likelihood):
    """A likelihood whose σ grows away from the frontier of loss against compute.

    Parameters
    ----------
    base : Likelihood
        With a parameter ``sigma``.
    slope : float
        λ, decades of σ in a decade of compute.
    excess : float
        e₀, in log loss.

    Examples
    --------
    >>> from bayescale.noise import FrontierScale, Normal
    >>> from bayescale.noise.base import Conditions
    >>> at = Conditions(decades_below=1.0, excess=0.0)
    >>> scatter = FrontierScale(Normal(), slope=1.0).distribution(0.0, {"sigma": 0.01}, at)
    >>> round(float(scatter.scale), 6)
    0.1
    """

    base: Likelihood = field(default=StudentT(nu=4.0))
    slope: float = 0.125
    excess: float = 0.05

    title: ClassVar[str] = "Scatter that grows away from the frontier"
    paper: ClassVar[str] = (
        "Harvey 1976, Estimating Regression Models with Multiplicative Heteroscedasticity"
    )

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.base.parameters]
        if "sigma" not in names:
            raise InputError(
                "frontier_scale: the base must have a scale sigma, as StudentT(), Normal() and "
                "Laplace() have."
            )
        if not (0 <= self.slope < np.inf and self.excess > 0):
            raise InputError(
                f"frontier_scale: slope={self.slope} must be zero or more, and "
                f"excess={self.excess} positive."
            )

    @property
    def formula(self) -> str:
        return (
            self.base.formula.replace("σ", "σ_i")
            + f"; σ_i = σ·10^({self.slope:g} b_i)·sqrt(1 + (e_i/{self.excess:g})²), b_i decades of "
            "compute below the dearest run, e_i log loss above the best for the compute"
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.base.parameters

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
        by_compute = jnp.exp(math.log(10) * self.slope * conditions.decades_below)
        by_excess = jnp.sqrt(1 + (conditions.excess / self.excess) ** 2)
        return {**params, "sigma": params["sigma"] * by_compute * by_excess}
