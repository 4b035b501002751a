"""What lies between a law and a measured loss.

Residuals are differences of log loss, so a scale of 0.01 is one per cent of the loss and does not depend on units. An
*objective* scores a residual and is enough for a point fit; a *likelihood* also says how residuals scatter, which a posterior
and a predictive distribution need.
"""

from typing import Any, ClassVar, Protocol, TypeGuard, runtime_checkable

from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Parameter, Values


@runtime_checkable
class Noise(Protocol):
    """An objective. A noise model is a frozen dataclass; adding one is adding a file to this folder."""

    title: ClassVar[str]
    paper: ClassVar[str]

    @property
    def formula(self) -> str:
        """In Greek, for people."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table; empty for an objective."""

    def rho(self, residual: Any, constants: Values, log_loss_se: Any) -> Array:
        """What a residual costs: symmetric, least at zero; for a likelihood its negative log density."""


@runtime_checkable
class Likelihood(Noise, Protocol):
    """A noise model with a density."""

    def distribution(self, log_prediction: Any, constants: Values, log_loss_se: Any) -> dist.Distribution:
        """Of log loss, given the law's prediction; everything broadcasts.

        ``log_loss_se`` is the known standard error of each run's log loss, zero where none was given; it adds to the scale in
        quadrature.
        """


def is_likelihood(noise: Noise) -> TypeGuard[Likelihood]:
    """Whether the noise model has a density, which posterior methods need."""
    return isinstance(noise, Likelihood)
