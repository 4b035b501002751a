"""From runs, a law and a noise model to what every method works on: centred data, and one objective
in unconstrained coordinates.

The coordinates are the parameters of the law and then of the noise, each mapped from its prior's
support to the real line (a logarithm, where the support is positive). For a likelihood the
objective is the negative log posterior of the coordinates, so that a point fit is a posterior mode;
for an objective such as Huber it is the objective alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions
from numpyro.distributions.transforms import biject_to
from scipy.special import digamma, polygamma

from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.laws.base import Law, Parameter, unit_of
from bayescale.noise.base import Conditions, Noise, is_likelihood, is_of_counts
from bayescale.posterior.posterior import Posterior, provenance
from bayescale.processes.base import bases, locate, padded_size
from bayescale.responses import RESPONSES
from bayescale.runs import Runs


class Method(ABC):
    """A way from a problem to draws. A method is a frozen dataclass of options that inherits from
    this class; adding one is adding a file to this folder or anywhere else.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    paper: ClassVar[str] = ""
    """Where it was published, as `Law.paper`."""
    seed: int
    """Seed of all randomness."""

    @abstractmethod
    def run(self, problem: "Problem") -> Posterior:
        """Fit."""


class BatchMethod(Method):
    """A method that fits many problems at once."""

    @abstractmethod
    def run_all(self, problems: "Sequence[Problem]") -> Iterable[Posterior]:
        """Fit problems of one law, one noise model and similar size; return their posteriors in the
        same order.
        """


class Data(NamedTuple):
    """The runs in their own units, each array of shape (runs, 1), float64; a standard error is (1,
    1) where none is known.

    ``features`` has one array for each process of the noise model, shape (runs, functions), at unit
    amplitude. Rows beyond the runs fill up to one of a few sizes (`padded_size`), so that sweeps of
    similar size share compiled programs; their weight is zero.
    """

    log_inputs: dict[str, Array]
    observed: Array
    conditions: Conditions
    features: tuple[Array, ...]


@dataclass(frozen=True)
class Target:
    """The objective of a law and a noise model, as `bayescale.kernels` takes it; equal targets
    share compiled kernels.

    Coordinates come and go as sequences of arrays of shape (batch,), law before noise.
    """

    law: Law
    noise: Noise

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The rows of both tables."""
        return (*self.law.parameters, *self.noise.parameters)

    @property
    def n_predictive(self) -> int:
        """How many coordinates move the prediction."""
        return len(self.law.parameters)

    def constrain(self, coordinates: Sequence[Array]) -> dict[str, Array]:
        """Named parameters in the units of the data."""
        return self.constrain_some(self.parameters, coordinates)

    def constrain_some(
        self, parameters: Sequence[Parameter], coordinates: Sequence[Array]
    ) -> dict[str, Array]:
        """The same for some of the parameters."""
        return {
            p.name: biject_to(p.prior.support)(c)
            for p, c in zip(parameters, coordinates, strict=True)
        }

    def residual(self, coordinates: Sequence[Array], data: Data) -> Array:
        """log loss less its prediction, shape (runs, batch)."""
        return data.observed - self.law.predict(self.constrain(coordinates), data.log_inputs)

    def rho(self, residual: Array, coordinates: Sequence[Array], data: Data) -> Array:
        """What each residual costs, shape (runs, batch)."""
        return self.noise.rho(residual, self.constrain(coordinates), data.conditions)

    def penalty(self, coordinates: Sequence[Array]) -> list[Array]:
        """The negative log prior of each coordinate for a likelihood, zeros for an objective; each
        of shape (batch,).
        """
        return self.penalty_of(self.parameters, coordinates)

    def penalty_of(
        self, parameters: Sequence[Parameter], coordinates: Sequence[Array]
    ) -> list[Array]:
        """The same for some of the parameters."""
        if not is_likelihood(self.noise):
            return [jnp.zeros_like(c) for c in coordinates]
        return [-self._log_prior(p, c) for p, c in zip(parameters, coordinates, strict=True)]

    def decorrelate(self, coordinates: Sequence[Array]) -> list[Array]:
        """Coordinates of the same volume in which posteriors are nearly Normal: the law's own, and
        the noise's as they are.
        """
        return [
            *self.law.decorrelate(coordinates[: self.n_predictive]),
            *coordinates[self.n_predictive :],
        ]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """The inverse of `decorrelate`."""
        return [
            *self.law.recorrelate(decorrelated[: self.n_predictive]),
            *decorrelated[self.n_predictive :],
        ]

    @property
    def prior_location_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Centre and width of the prior in coordinates, each of shape (coordinates,): of the
        logarithm, where support is positive.

        Starting points are drawn from there.
        """
        rows = [_centre_and_width(p.prior) for p in self.parameters]
        return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    @staticmethod
    def _log_prior(parameter: Parameter, coordinate: Array) -> Array:
        transform = biject_to(parameter.prior.support)
        constrained = transform(coordinate)
        return parameter.prior.log_prob(constrained) + transform.log_abs_det_jacobian(
            coordinate, constrained
        )


@dataclass(frozen=True, eq=False)
class Problem:
    """What a method is given.

    Attributes
    ----------
    runs : Runs
    target : Target
    data : Data
    weights : Array, shape (runs, 1)
        Zero for rows that fill up.
    units : dict
        Geometric mean of each input and of ``loss`` over the runs; of another response, as
        `Law.rescale` has it.
    """

    runs: Runs
    target: Target
    data: Data
    weights: Array
    units: dict[str, float]

    @classmethod
    def build(cls, runs: Runs, law: Law, noise: Noise) -> "Problem":
        """Centre the data; must run in double precision.

        Raises
        ------
        InputError
            Where a column that the law needs is lacking, or there are fewer runs than parameters.
        """
        target = Target(law, noise)
        response = RESPONSES[law.response]
        if is_of_counts(noise) and law.response != "accuracy":
            raise InputError(
                f"{name_of(noise)} counts right answers, and {name_of(law)} predicts "
                f"{law.response}; use StudentT() as the "
                "noise, or a law of accuracy."
            )
        logs = {name: np.log(runs.column(name)) for name in law.inputs}
        observed = response.of(runs)
        if len(runs) < len(target.parameters):
            names = ", ".join(p.name for p in target.parameters)
            raise InputError(
                f"{runs.name} has {len(runs)} runs but {len(target.parameters)} parameters are to "
                f"be fitted ({names}); "
                "add runs or choose a smaller law."
            )
        centre = {
            name: 0.0
            if name in law.unscaled_inputs
            else float(logs[unit_of(name, law.inputs)].mean())
            for name in logs
        }
        centre[law.response] = float(observed.mean()) if response.centred else 0.0
        for name in noise.columns:
            if name not in runs.frame:
                raise InputError(
                    f"{runs.name} has no column {name}, which {name_of(noise)} needs; add it, or "
                    f"use another noise."
                )
        stand = locate(runs, law.inputs)
        data = Data(
            {name: _column(logs[name] - centre[name]) for name in law.inputs},
            _column(observed - centre[law.response]),
            Conditions(
                *map(_column_or_one, (runs.relative_loss_se, stand.compute_decades, *runs.counts))
            ),
            tuple(_block(basis.features(stand)) for basis in bases(noise.shared, stand)),
        )
        units = {name: float(np.exp(value)) for name, value in centre.items()}
        return cls(runs, target, data, _column(runs.weights), units)

    @property
    def padded_size(self) -> int:
        """Rows of the data, those that fill up included."""
        return len(self.weights)

    def resampled(self, counts: np.ndarray) -> np.ndarray:
        """The weights times how often each run was drawn; ``counts`` and the result have shape
        (runs, replicates).
        """
        return np.asarray(self.weights) * np.pad(
            counts, ((0, self.padded_size - len(counts)), (0, 0))
        )

    def require_likelihood(self, method: Method) -> None:
        """Raise InputError, saying what to do, unless the noise model has a density."""
        if not is_likelihood(self.target.noise):
            raise InputError(
                f"{name_of(method)} draws from a posterior, which needs a likelihood, and "
                f"{name_of(self.target.noise)} is an "
                "objective. Use StudentT() or Normal() as the noise (--noise student_t), or "
                "MultiStart() or Bootstrap() as the "
                "method (--method multistart)."
            )

    @property
    def n_functions(self) -> int:
        """Coefficients of the processes."""
        return sum(features.shape[1] for features in self.data.features)

    def require_independent(self, method: Method) -> None:
        """Raise InputError, saying what to do, where the noise model has processes."""
        if self.target.noise.shared:
            raise InputError(
                f"{name_of(method)} takes runs to scatter independently of each other, and "
                f"{name_of(self.target.noise)} says "
                "that they share departures. Use NUTS() as the method (--method nuts), or "
                "StudentT() as the noise."
            )

    def posterior(self, params: Mapping[str, Any], method: Method, **results: Any) -> Posterior:
        """A Posterior in counts and nats from draws of the parameters in the units of the data,
        each of shape (chain, draw).
        """
        parameters = self.target.parameters
        own = {p.name: _supported(p, np.asarray(params[p.name])) for p in parameters}
        # An exponent of forty, as of a replicate that shows a step, makes scales that no number
        # holds.
        with np.errstate(over="ignore"):
            rescaled = self.target.law.rescale(own, self.units)
        return Posterior(
            law=self.target.law,
            noise=self.target.noise,
            method=method,
            runs=self.runs,
            params={p.name: _supported(p, np.asarray(rescaled[p.name])) for p in parameters},
            provenance=provenance(self.runs, method.seed),
            **results,
        )


def _supported(parameter: Parameter, values: np.ndarray) -> np.ndarray:
    # Where data want none of a parameter a fit without priors runs until its exponential is zero or
    # endless to rounding.
    if parameter.prior.support is not distributions.constraints.positive:
        return values
    numbers = np.finfo(values.dtype)
    return np.clip(values, numbers.tiny, numbers.max)


def _column(values: np.ndarray) -> Array:
    # Zeros are the centre of the data, where every law is finite.
    return jax.device_put(np.pad(values, (0, padded_size(len(values)) - len(values)))[:, None])


def _column_or_one(values: np.ndarray) -> Array:
    return _column(values) if len(values) > 1 else jax.device_put(values[:, None])


def _block(features: np.ndarray) -> Array:
    # Functions that fill up are zero, and so share compiled programs; their coefficients keep to
    # their prior.
    runs, functions = features.shape
    return jax.device_put(
        np.pad(features, ((0, padded_size(runs) - runs), (0, padded_size(functions) - functions)))
    )


def _centre_and_width(prior: Any) -> tuple[float, float]:
    # By SciPy: NumPyro's moments are JAX operations, and compiling each on its own costs more than
    # the whole search.
    if isinstance(prior, distributions.LogNormal | distributions.Normal):
        return float(prior.loc), float(prior.scale)
    if isinstance(prior, distributions.Gamma):
        shape, rate = float(prior.concentration), float(prior.rate)
        return float(digamma(shape) - np.log(rate)), float(np.sqrt(polygamma(1, shape)))
    if isinstance(prior, distributions.HalfNormal):
        return float(np.log(prior.scale) - (np.euler_gamma + np.log(2)) / 2), float(
            np.pi / np.sqrt(8)
        )
    mean, variance = float(prior.mean), float(prior.variance)
    if prior.support is distributions.constraints.positive:
        log_variance = np.log1p(variance / mean**2)
        return float(np.log(mean) - log_variance / 2), float(np.sqrt(log_variance))
    return mean, float(np.sqrt(variance))
