"""Draw parameters from their priors, losses from those and the model, and sample: the truth's rank among draws must be uniform.

S. Talts et al., "Validating Bayesian Inference Algorithms with Simulation-Based Calibration", 2018 (arXiv:1804.06788). Whatever
is wrong with a density, its priors, the coordinates it is sampled in or the sampler, shows.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

import bayescale as bs
from bayescale.discovery import describe, entry, names
from bayescale.inference.base import Problem
from bayescale.noise.base import Likelihood, is_likelihood
from bayescale.precision import float64
from bayescale.processes.base import departure

SIMULATIONS, THINNED = 60, 10
METHOD = bs.NUTS(chains=2, draws=250)
# By chance a likelihood whose sampler is perfect fails once in a hundred.
FALSE_ALARMS = 0.01


def likelihoods() -> list[Any]:
    """Every noise model with a density, as its name alone makes it."""
    made = [entry("bayescale.noise", name)() for name in names("bayescale.noise")]
    return [pytest.param(noise, id=describe(noise)) for noise in made if is_likelihood(noise)]


def design() -> bs.Runs:
    """24 runs at four budgets; their losses are not looked at."""
    runs = bs.datasets.simulate(0, budgets=(1e18, 1e19, 1e20, 1e21), sizes_per_budget=6)
    return bs.Runs.from_frame(runs.frame.assign(loss_se=0.01 * runs.frame["loss"]))


def in_its_own_units(noise: Likelihood) -> Problem:
    """A problem whose data are as they stand: simulated losses are not divided by their mean, of which priors know nothing."""
    runs = design() if "loss_se" in noise.columns else bs.Runs(design().frame.drop(columns="loss_se"))
    problem = Problem.build(runs, bs.laws.Chinchilla(), noise)
    return replace(problem, units=dict.fromkeys(problem.units, 1.0))


def prediction(problem: Problem, constants: dict[str, Any], coefficients: Any) -> Any:
    """Of law and processes, shape (…, runs)."""
    log_inputs = {name: values[:, 0] for name, values in problem.data.log_inputs.items()}
    law = problem.target.law.log_loss({name: values[..., None] for name, values in constants.items()}, log_inputs)
    return law + departure(problem.target.noise.shared, constants, coefficients, problem.data.features)


def density(problem: Problem, constants: dict[str, Any], coefficients: Any) -> Any:
    """Of the log losses of all runs, those that fill up included."""
    noise = problem.target.noise
    assert is_likelihood(noise)
    conditions = type(problem.data.conditions)(*(values[:, 0] for values in problem.data.conditions))
    each = {name: values[..., None] for name, values in constants.items()}
    return noise.distribution(prediction(problem, constants, coefficients), each, conditions)


def log_likelihood(problem: Problem, log_loss: Any, constants: dict[str, Any], coefficients: Any) -> Any:
    return jnp.sum(problem.weights[:, 0] * density(problem, constants, coefficients).log_prob(log_loss), axis=-1)


@float64
def ranks(noise: Likelihood, simulation: int) -> dict[str, float]:
    """Of the truth among thinned draws, as a number between 0 and 1, for each parameter and for the likelihood."""
    problem, rng = in_its_own_units(noise), np.random.default_rng(simulation)
    keys = iter(jax.random.split(jax.random.key(simulation), 100))
    truth = {p.name: p.prior.sample(next(keys)) for p in problem.target.parameters}
    coefficients = jax.random.normal(next(keys), (problem.n_functions,))
    log_loss = density(problem, truth, coefficients).sample(next(keys)) * (problem.weights[:, 0] > 0)
    simulated = replace(problem, data=problem.data._replace(log_loss=log_loss[:, None]))
    posterior = replace(METHOD, seed=simulation).run(simulated)
    thinned = {name: values[:, ::THINNED].reshape(-1) for name, values in posterior.constants.items()}
    functions = posterior.coefficients[:, ::THINNED].reshape(len(thinned["E"]), -1)
    true = {**truth, "likelihood": log_likelihood(problem, log_loss, truth, coefficients)}
    drawn = {**thinned, "likelihood": log_likelihood(problem, log_loss, thinned, functions)}
    # A whole rank would be uniform on a few values alone; within its step any place is as good.
    return {name: (np.sum(drawn[name] < true[name]) + rng.uniform()) / (len(thinned["E"]) + 1) for name in true}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("noise", likelihoods())
def test_the_truth_has_any_rank_among_draws_as_often_as_any_other(noise: Any) -> None:
    found = [ranks(noise, simulation) for simulation in range(SIMULATIONS)]
    together = {name: np.array([each[name] for each in found]) for name in found[0]}
    # Draws to one side fail the first test, draws too narrow or too wide the second.
    tests = {(name, "side"): kstest(u, "uniform").pvalue for name, u in together.items()}
    tests |= {(name, "width"): kstest(np.abs(2 * u - 1), "uniform").pvalue for name, u in together.items()}
    for what, chance in tests.items():
        assert chance > FALSE_ALARMS / len(tests), f"{what}: by chance {chance:.2g}"
