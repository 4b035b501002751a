"""What lies between a law and a measured loss.

Residuals are differences of log loss, so a scale of 0.01 is one per cent of the loss and does not
depend on units. An *objective* scores a residual and is enough for a point fit; a *likelihood* also
says how residuals scatter, which a posterior and a predictive distribution need. A likelihood may
have *processes*, departures from the law that runs share; given those, runs are independent.
"""

from typing import Any, ClassVar, NamedTuple, Protocol, TypeGuard, runtime_checkable

import jax
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Parameter, Values
from bayescale.processes.base import Process


class Conditions(NamedTuple):
    """What a noise model may know of a run before its loss is measured; arrays that broadcast
    against the prediction.

    Attributes
    ----------
    log_loss_se : array
        The known standard error of log loss, zero where none was given.
    compute_decades : array
        log10 of compute, less its mean over the fitted runs.
    n_correct, n_samples : array
        How many answers were right, and of how many; zero where none were counted.
    """

    log_loss_se: Any = 0.0
    compute_decades: Any = 0.0
    n_correct: Any = 0.0
    n_samples: Any = 0.0


@runtime_checkable
class Noise(Protocol):
    """An objective. A noise model is a frozen dataclass; adding one is adding a file to this
    folder.
    """

    title: ClassVar[str]
    paper: ClassVar[str]

    @property
    def formula(self) -> str:
        """In Greek, for people."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table; empty for an objective."""

    @property
    def shared(self) -> tuple[Process, ...]:
        """What runs share; empty where they are independent. The amplitudes are among the
        parameters.
        """

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the runs must have, besides the law's."""

    def rho(self, residual: Any, params: Values, conditions: Conditions) -> Array:
        """What a residual costs, least at zero; for a likelihood its negative log density."""


@runtime_checkable
class Likelihood(Noise, Protocol):
    """A noise model with a density."""

    def distribution(
        self, log_prediction: Any, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Of log loss, given the prediction of the law and of the processes; everything broadcasts.

        A known standard error adds to the scale in quadrature.
        """


def is_of_counts(noise: Noise) -> bool:
    """Whether the noise model is of right answers that were counted, so that what it gives are
    probabilities.
    """
    return "n_correct" in noise.columns


def is_likelihood(noise: Noise) -> TypeGuard[Likelihood]:
    """Whether the noise model has a density, which posterior methods need."""
    return isinstance(noise, Likelihood)


def sample_responses(density: dist.Distribution, seed: int) -> np.ndarray:
    """One value of each element of a distribution, of its batch's shape.

    Student-t's are NumPy's: JAX takes seconds to compile the gamma in them, and draws it forty
    times as slowly.

    Examples
    --------
    >>> from numpyro.distributions import StudentT
    >>> from bayescale.noise.base import sample_responses
    >>> sample_responses(StudentT(4.0, loc=1.0, scale=0.01), seed=0).round(1).item()
    1.0
    """
    if isinstance(density, dist.StudentT):
        standard = np.random.default_rng(seed).standard_t(
            np.broadcast_to(density.df, density.batch_shape)
        )
        return np.asarray(density.loc) + np.asarray(density.scale) * standard
    return np.asarray(density.sample(jax.random.key(seed)))
