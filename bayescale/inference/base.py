"""The problem that every method solves: centred data of runs, and one objective
in unconstrained coordinates.

The coordinates are the parameters of the law and then of the noise, each mapped from its prior's
support to the real line (a logarithm, where the support is positive). For a likelihood the
objective is the negative log posterior of the coordinates, so that a point fit is a posterior mode;
for an objective such as Huber it is the objective alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.devices import hosted
from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.findings.too_few_runs import FEWEST_RUNS
from bayescale.inference._coordinates import (
    Columns,
    Parametrisation,
    ParamsInDataUnits,
    constrained,
    decorrelated,
    in_data_units,
    log_prior,
    recorrelated,
)
from bayescale.inference._data import Data, column, column_or_scalar, padded_features
from bayescale.laws.base import Law, Parameter
from bayescale.noise.base import Conditions, Noise, is_likelihood, is_of_counts
from bayescale.posterior.of_runs import bases_of, centre_of, conditions_of
from bayescale.posterior.posterior import Posterior, provenance
from bayescale.processes.base import locate
from bayescale.responses import RESPONSES
from bayescale.runs import Runs
from bayescale.sweep import Sweep


class Method(ABC):
    """A way from a problem to draws. A method is a frozen dataclass of options that inherits from
    this class; adding one is adding a file to this folder or anywhere else.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    paper: ClassVar[str] = ""
    """Where it was published, as `Law.paper`."""
    takes_departures: ClassVar[bool] = False
    """Whether it fits noise models whose runs share departures from the law."""
    seed: int
    """Seed of all randomness."""

    @abstractmethod
    def run(self, problem: "Problem") -> Posterior:
        """Return the posterior of a problem."""


class BatchMethod(Method):
    """A method that fits many problems at once."""

    @abstractmethod
    def run_all(self, problems: "Sequence[Problem]") -> Iterable[Posterior]:
        """Fit problems of one law, one noise model and similar size; return their posteriors in the
        same order.
        """


@dataclass(frozen=True)
class Target:
    """The objective of a law and a noise model, as `bayescale.kernels` takes it; equal targets
    share compiled kernels.

    This is the one adapter between points and kernels: coordinates come and go as columns, arrays
    of shape (batch,), the law's before the noise's. The maps are those of `_coordinates`.
    """

    law: Law
    noise: Noise

    @property
    def parametrisation(self) -> Parametrisation:
        """The maps between coordinate systems, for one point."""
        return Parametrisation(self.law, self.noise)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The rows that are fitted, the law's coordinates first."""
        return self.parametrisation.parameters

    @property
    def n_predictive(self) -> int:
        """Number of leading coordinates that move the prediction."""
        return len(self.law.coordinates)

    @property
    def prior_location_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the prior in unconstrained coordinates, each (k,)."""
        return self.parametrisation.prior_location_scale

    def constrain(self, columns: Columns, sweep: Sweep) -> ParamsInDataUnits:
        """Map unconstrained columns to named parameters in the units of the data."""
        return in_data_units(self.law, constrained(self.parameters, columns), sweep)

    def decorrelate(self, columns: Columns) -> list[Array]:
        """Map unconstrained columns to decorrelated ones."""
        return decorrelated(self.law, columns)

    def recorrelate(self, columns: Columns) -> list[Array]:
        """Map decorrelated columns to unconstrained ones; the inverse of `decorrelate`."""
        return recorrelated(self.law, columns)

    def residual(self, columns: Columns, data: Data) -> Array:
        """Return the response on the scale of the fit less its prediction, shape (runs, batch)."""
        params = self.constrain(columns, data.sweep)
        return data.observed - self.law.predict(params, data.log_inputs)

    def rho(self, residual: Array, columns: Columns, data: Data) -> Array:
        """Return each run's negative log-likelihood or robust loss, shape (runs, batch)."""
        return self.noise.rho(residual, self.constrain(columns, data.sweep), data.conditions)

    def penalty(self, columns: Columns) -> list[Array]:
        """Return the negative log prior of each coordinate for a likelihood, zeros for an
        objective; each of shape (batch,).
        """
        return self.penalty_of(self.parameters, columns)

    def penalty_of(self, parameters: Sequence[Parameter], columns: Columns) -> list[Array]:
        """Return the penalties of some of the parameters, as `penalty` does of all."""
        if not is_likelihood(self.noise):
            return [jnp.zeros_like(column) for column in columns]
        return [-log_prior(p, column) for p, column in zip(parameters, columns, strict=True)]


@dataclass(frozen=True, eq=False)
class Problem:
    """Runs, law and noise, made ready for a method.

    Attributes
    ----------
    runs : Runs
    target : Target
    data : Data
    weights : Array, shape (runs, 1)
        Zero for rows that fill up.
    units : dict
        Geometric mean of each input and of ``loss`` over the runs at which the law's prior is
        stated; of another response, as `Law.rescale` has it.
    """

    runs: Runs
    target: Target
    data: Data
    weights: Array
    units: dict[str, float]

    @classmethod
    @hosted
    def build(cls, runs: Runs, law: Law, noise: Noise) -> "Problem":
        """Centre the data of runs; must run in double precision.

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
        _require_enough_runs(runs, target)
        centre = centre_of(runs, law)
        _require_inputs(law, noise)
        for name in noise.columns:
            if name not in runs.frame:
                raise InputError(
                    f"{runs.name} has no column {name}, which {name_of(noise)} needs; add it, or "
                    f"use another noise."
                )
        locations = locate(runs, law.inputs)
        conditions = conditions_of(runs, law)
        data = Data(
            {name: column(logs[name] - centre[name]) for name in law.inputs},
            column(observed - centre[law.response]),
            Conditions(*map(column_or_scalar, conditions)),
            tuple(padded_features(b, locations) for b in bases_of(runs, law.inputs, noise.shared)),
            locations.sweep.on_device(),
        )
        units = {name: float(np.exp(value)) for name, value in centre.items()}
        return cls(runs, target, data, column(runs.weights), units)

    @property
    def padded_size(self) -> int:
        """Number of rows of the data, those that fill up included."""
        return len(self.weights)

    def resampled(self, counts: np.ndarray) -> np.ndarray:
        """Return the weights times how often each run was drawn.

        ``counts`` and the result have shape (runs, replicates).
        """
        return np.asarray(self.weights) * np.pad(
            counts, ((0, self.padded_size - len(counts)), (0, 0))
        )

    def thinned(self, count: int) -> "Problem":
        """Return the problem of some of the runs, evenly spaced in order of compute, each weighed
        for all that it stands for.

        Parameters
        ----------
        count : int
            Runs that are kept: a size that `padded_size` returns, and fewer than there are.
        """
        compute = np.broadcast_to(self.data.conditions.compute_decades, self.weights.shape)
        order = np.argsort(compute[: len(self.runs), 0], kind="stable")
        rows = order[np.linspace(0, len(order) - 1, count).round().astype(int)]

        def kept(array: Array) -> Array:
            return array[rows] if array.ndim and len(array) == self.padded_size else array

        weights = self.weights[rows]
        share = weights.sum() / self.weights.sum()
        return replace(self, data=jax.tree.map(kept, self.data), weights=weights / share)

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
        """Number of coefficients of the processes."""
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
        """Return a Posterior in counts and nats from draws of the parameters in the units of the
        data, each of shape (chain, draw).
        """
        return Posterior(
            law=self.target.law,
            noise=self.target.noise,
            method=method,
            runs=self.runs,
            params=self.target.parametrisation.in_counts(params, self.units),
            provenance=provenance(self.runs, method.seed),
            **results,
        )


def _require_inputs(law: Law, noise: Noise) -> None:
    """Raise InputError, saying what to do, where a process looks at an input that the law lacks."""
    for process in noise.shared:
        lacking = [name for name in process.inputs if name not in law.inputs]
        if lacking:
            raise InputError(
                f"{name_of(process)} looks at {' and '.join(lacking)}, which {name_of(law)} does "
                f"not have; leave the process out (processes=integrated_wiener+matern), or leave "
                f"out noise to let fit choose."
            )


def _require_enough_runs(runs: Runs, target: Target) -> None:
    """Raise InputError, saying what is missing, where runs are too few to be fitted.

    Priors make up what few runs do not say; an objective has none.
    """
    needed = len(target.parameters)
    if is_likelihood(target.noise):
        needed = min(needed, FEWEST_RUNS)
    if len(runs) < needed:
        inputs = " or ".join(target.law.inputs)
        raise InputError(
            f"{runs.name} has {len(runs)} runs, and {name_of(target.law)} with "
            f"{name_of(target.noise)} needs {needed}: add {needed - len(runs)} of other {inputs}."
        )
