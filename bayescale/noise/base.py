"""The abstract noise model, which lies between a law and a measured loss.

Residuals are differences of log loss, so a scale of 0.01 is one per cent of the loss and does not
depend on units. An *objective* scores a residual and is enough for a point fit; a *likelihood* also
says how residuals scatter, which a posterior and a predictive distribution need. A likelihood may
have *processes*, departures from the law that runs share; given those, runs are independent.
"""

from abc import ABC, abstractmethod
from dataclasses import Field
from typing import ClassVar, NamedTuple, Protocol, TypeGuard, runtime_checkable

import jax
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.processes.base import Process

_SEEDS = 2**32


class Conditions(NamedTuple):
    """Facts about a run that a noise model may use, known before its loss is measured; arrays that
    broadcast against the prediction.

    Attributes
    ----------
    log_loss_se : array
        The known standard error of log loss, zero where none was given.
    compute_decades : array
        log10 of compute, less its mean over the fitted runs.
    n_correct, n_samples : array
        How many answers were right, and of how many; zero where none were counted.
    decades_below : array
        Decades of compute below the dearest fitted run; zero for runs that are to come.
    excess : array
        Log loss above the least that the fitted runs bought with no more compute; zero for runs
        that are to come.
    """

    log_loss_se: FloatOrArray = 0.0
    compute_decades: FloatOrArray = 0.0
    n_correct: FloatOrArray = 0.0
    n_samples: FloatOrArray = 0.0
    decades_below: FloatOrArray = 0.0
    excess: FloatOrArray = 0.0


class Noise(ABC):
    """An objective. A noise model is a frozen dataclass that inherits from this class, or from
    `Likelihood` where it has a density; adding one is adding a file to this folder or anywhere
    else.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    paper: ClassVar[str] = ""
    """Where it was published, as `Law.paper`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One line for people."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """The formula in Greek, for people."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table of parameters; empty for an objective."""
        return ()

    @property
    def shared(self) -> tuple[Process, ...]:
        """Processes that runs share; empty where runs are independent. The amplitudes are among the
        parameters.
        """
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the runs must have, besides the law's."""
        return ()

    @abstractmethod
    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the objective of each residual, least at zero; for a likelihood its negative log
        density.
        """


class Likelihood(Noise):
    """A noise model with a density."""

    @abstractmethod
    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the prediction of the law and of the
        processes; everything broadcasts.

        A known standard error adds to the scale in quadrature.
        """

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual."""
        return -self.distribution(0.0, params, conditions).log_prob(residual)


def is_of_counts(noise: Noise) -> bool:
    """Return whether the noise model is one of counted right answers, so that it gives
    probabilities.
    """
    return "n_correct" in noise.columns


def is_likelihood(noise: Noise) -> TypeGuard[Likelihood]:
    """Return whether the noise model has a density, which posterior methods need."""
    return isinstance(noise, Likelihood)


@runtime_checkable
class DrawnByNumPy(Protocol):
    """A distribution that draws with NumPy, where JAX's draws take seconds to compile."""

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """Draw one value of each element, of the batch's shape."""


def sample_responses(density: dist.Distribution, seed: int | np.random.Generator) -> np.ndarray:
    """Draw one value of each element of a distribution, of its batch's shape; calls with one
    generator draw one after the other.

    Student-t's are NumPy's: JAX takes seconds to compile the gamma in them, and draws it forty
    times as slowly. So are those of distributions that draw with NumPy themselves.

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
    if isinstance(density, DrawnByNumPy):
        return density.drawn(np.random.default_rng(seed))
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(_SEEDS))
    return np.asarray(density.sample(jax.random.key(seed)))
