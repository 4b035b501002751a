"""Runs of a group share a departure: those of a budget, of a training run, of a model family.

    log L_i = log L(x_i) + δ_g(i) + ε_i,   δ_g ~ Normal(0, τ²)

Checkpoints of one training run are not independent runs, and this says so. A new run belongs to a
new group. D. V. Lindley and A. F. M. Smith, "Bayes Estimates for the Linear Model", 1972.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood
from bayescale.noise.discrepancy import Discrepancy
from bayescale.noise.student_t import StudentT
from bayescale.processes.base import Process
from bayescale.processes.shared_effect import SharedEffect


@dataclass(frozen=True)
class GroupEffects(Likelihood):
    """A likelihood with one departure for each value of the column ``group``.

    Parameters
    ----------
    base : Likelihood
        How runs scatter within their group.

    Examples
    --------
    >>> from bayescale.noise import GroupEffects, Normal
    >>> [row.name for row in GroupEffects(Normal()).parameters]
    ['sigma', 'group_sd']
    """

    base: Likelihood = field(default=StudentT())

    title: ClassVar[str] = (
        "One departure from the law for each group of runs, and the scatter of each run"
    )
    paper: ClassVar[str] = "Lindley and Smith 1972, Bayes Estimates for the Linear Model"

    def __post_init__(self) -> None:
        # A base that cannot be is refused now, not at first use.
        _ = self._whole

    @property
    def formula(self) -> str:
        return self._whole.formula

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._whole.parameters

    @property
    def shared(self) -> tuple[Process, ...]:
        return self._whole.shared

    @property
    def columns(self) -> tuple[str, ...]:
        return self._whole.columns

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction and the group's
        departure.
        """
        return self.base.distribution(log_prediction, params, conditions)

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual."""
        return self.base.rho(residual, params, conditions)

    @property
    def _whole(self) -> Discrepancy:
        return Discrepancy(self.base, (SharedEffect(),))
