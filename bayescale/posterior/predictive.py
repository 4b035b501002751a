"""Predictions for given runs: the law, departures from it, and the density of what is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.precision import float64
from bayescale.laws.base import Law
from bayescale.noise.base import Conditions, Likelihood, is_likelihood, sample_responses
from bayescale.posterior._in_order import InOrder
from bayescale.posterior.of_runs import conditions_of
from bayescale.processes.base import (
    Basis,
    Locations,
    Process,
    decades_of_compute,
    departure,
    locate,
    padded_functions,
)

if TYPE_CHECKING:
    from numpyro.distributions import Distribution

    from bayescale.posterior.posterior import Posterior

Inputs = Mapping[str, np.ndarray]
"""Counts of runs, each of shape (runs,)."""

DRAWS_AT_ONCE = 800
"""Draws that checks at the fitted runs take: programs of one size serve them all, and arrays of
draws and runs stay small.
"""


@float64
def log_law(posterior: "Posterior", inputs: Inputs | None = None) -> np.ndarray:
    """Return the law's log loss at counts, or at the fitted runs; shape (chain, draw, runs)."""
    columns = posterior.law.inputs
    counts = posterior.runs.columns(columns) if inputs is None else inputs
    params = {name: values[..., None] for name, values in posterior.params.items()}
    log_inputs = {name: np.log(counts[name]) for name in columns}
    return np.asarray(_predict(posterior.law, params, log_inputs))


def log_departure(
    posterior: "Posterior",
    inputs: Inputs | None = None,
    seed: int = 0,
    *,
    processes: Sequence[Process] | None = None,
) -> np.ndarray:
    """Return what the processes add to log loss, shape (chain, draw, runs); zeros of shape
    (1, 1, 1) where there are none.

    What the fitted runs leave open is drawn, jointly for all new runs. With ``processes``, those of
    the noise model alone count that are among them.
    """
    shared = posterior.noise.shared
    if not shared:
        return np.zeros((1, 1, 1))
    counting = shared if processes is None else processes
    at = locate(posterior.runs, posterior.law.inputs, inputs)
    total = explained_departure(posterior, at, counting)
    if inputs is None:
        return total
    rng = np.random.default_rng(seed)
    for basis in [one for one in posterior.bases if one.process in counting]:
        amplitude = posterior.params[basis.process.amplitude.name][..., None]
        root = basis.root_of_remainder(at)
        used = root.any(axis=0)
        unit = rng.standard_normal(total.shape)[..., used] @ root[:, used].T
        total = total + amplitude * unit
    return total


def explained_departure(
    posterior: "Posterior", at: Locations, processes: Sequence[Process]
) -> np.ndarray:
    """Return what the functions of processes add to log loss at locations, without what they leave
    open; shape (chain, draw, locations).
    """
    features = [_padded(basis, at) * (basis.process in processes) for basis in posterior.bases]
    shared = posterior.noise.shared
    return np.asarray(departure(shared, posterior.params, posterior.coefficients, features))


def density(
    posterior: "Posterior", log_prediction: np.ndarray, inputs: Inputs | None = None
) -> "Distribution":
    """Return the distribution of log loss, given a prediction of shape (chain, draw, runs)."""
    return density_under(posterior, log_prediction, conditions(posterior, inputs))


def density_under(
    posterior: "Posterior", log_prediction: np.ndarray, facts: Conditions
) -> "Distribution":
    """Return the distribution of log loss under given facts about the runs."""
    noise = posterior.noise
    assert is_likelihood(noise)
    params = {p.name: posterior.params[p.name][..., None] for p in noise.parameters}
    return _distribution(noise, log_prediction, params, facts).distribution


def log_density(distribution: "Distribution", observed: np.ndarray) -> np.ndarray:
    """Return the log density of observed values."""
    return np.asarray(_log_density(InOrder(distribution), observed))


def at_fitted_runs(posterior: "Posterior", seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return log densities of the observed values, and values that the model predicts for the same
    runs, each of shape (chain, draw, runs) and on the scale of the fit.
    """
    n_draws, n_runs = posterior.n_draws, len(posterior.runs)
    log_densities, predicted = np.empty((2, n_draws, n_runs))
    at_once = np.arange(min(DRAWS_AT_ONCE, n_draws))
    rng = np.random.default_rng(seed)
    for begin in range(0, n_draws, DRAWS_AT_ONCE):
        # The last part repeats the last draw, so as to be as large as the others.
        part = some_draws(posterior, np.minimum(begin + at_once, n_draws - 1))
        distribution = part.density(part.log_law() + part.log_departure())
        here = slice(begin, begin + len(at_once))
        count = len(log_densities[here])
        log_densities[here] = log_density(distribution, part.observed)[0, :count]
        predicted[here] = sample_responses(distribution, rng)[0, :count]
    chains, per_chain = next(iter(posterior.params.values())).shape
    shape = chains, per_chain, n_runs
    return log_densities.reshape(shape), predicted.reshape(shape)


def some_draws(posterior: "Posterior", chosen: np.ndarray) -> "Posterior":
    """Return the posterior with some of its draws, in one chain."""
    params = {name: posterior.draws(name)[chosen][None] for name in posterior.params}
    chains, per_chain, functions = posterior.coefficients.shape
    coefficients = posterior.coefficients.reshape(chains * per_chain, functions)
    repeated = coefficients[chosen % len(coefficients)][None]
    return replace(posterior, params=params, coefficients=repeated, sample_stats={})


def conditions(posterior: "Posterior", inputs: Inputs | None = None) -> Conditions:
    """Return the facts about the fitted runs, or about runs that are to come."""
    runs, columns = posterior.runs, posterior.law.inputs
    if inputs is None:
        return conditions_of(runs, posterior.law)
    known = decades_of_compute(runs, columns)
    # How scatter changes with compute is not extrapolated: it would be nil a few decades on.
    decades = locate(runs, columns, inputs).compute_decades
    decades = np.clip(decades, known.min(), known.max())
    # A share that is to be measured is of as many answers as those before.
    return Conditions(0.0, decades, 0.0, np.median(runs.counts[1]))


def _padded(basis: Basis, at: Locations) -> np.ndarray:
    features = basis.features(at)
    missing = padded_functions(basis.process, basis.size) - basis.size
    return np.pad(features, ((0, 0), (0, missing)))


@jit_for(Use.OFTEN, "law")
def _predict(law: Law, params: Mapping[str, Array], log_inputs: Mapping[str, Array]) -> Array:
    return law.predict(params, log_inputs)


@jit_for(Use.BRIEF, "noise")
def _distribution(
    noise: Likelihood, log_prediction: Array, params: Mapping[str, Array], conditions: Conditions
) -> InOrder:
    return InOrder(noise.distribution(log_prediction, params, conditions))


@jit_for(Use.OFTEN)
def _log_density(ordered: InOrder, observed: Array) -> Array:
    return ordered.distribution.log_prob(observed)
