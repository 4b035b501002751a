"""Draw parameters from their priors, losses from those and the model, and sample: the truth's rank
among draws must be uniform.

S. Talts et al., "Validating Bayesian Inference Algorithms with Simulation-Based Calibration", 2018
(arXiv:1804.06788). Whatever is wrong with a density, its priors, the coordinates it is sampled in
or the sampler, shows.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

import bayescale as bs
from bayescale import defaults
from bayescale._internal.discovery import describe, entry, names
from bayescale._internal.precision import float64
from bayescale.inference.base import Problem
from bayescale.laws.base import Law
from bayescale.noise import Discrepancy
from bayescale.noise.base import Likelihood, is_likelihood, is_of_counts, sample_responses
from bayescale.processes.base import departure
from tests.conftest import with_every_column

SIMULATIONS, RANKED = 60, 50
METHOD = bs.NUTS(chains=2, draws=250)
# By chance a model whose sampler is perfect fails once in a hundred.
FALSE_ALARMS = 0.01
# Simulated sweeps of each size.
OF_THE_DEFAULT = 170


def models() -> list[Any]:
    """The textbook's law with every noise model that has a density, and every other law with Normal
    scatter.

    A model takes a minute and more. Laws share the sampler and all that is said of Normal scatter,
    and each has a fit by every method: only the full product of options asks them here.
    """
    laws, noises = (
        [entry(f"bayescale.{kind}", name)() for name in names(f"bayescale.{kind}")]
        for kind in ("laws", "noise")
    )
    textbook = bs.laws.Chinchilla()
    slow = [
        (textbook, noise) for noise in noises if is_likelihood(noise) and not is_of_counts(noise)
    ]
    slow += [(law, bs.noise.Binomial()) for law in laws if law.response == "accuracy"]
    exhaustive = [(law, bs.noise.Normal()) for law in laws if law != textbook]
    return [
        pytest.param(law, noise, id=f"{describe(law)}-{describe(noise)}", marks=mark)
        for mark, pairs in ((pytest.mark.slow, slow), (pytest.mark.exhaustive, exhaustive))
        for law, noise in pairs
    ]


def in_its_own_units(law: Law, noise: Likelihood, sizes_per_budget: int = 6) -> Problem:
    """Make a problem of four budgets, 24 runs by default.

    Responses are not looked at, and stand as they are: what is simulated is not divided by its
    mean, of which priors know nothing.
    """
    runs = with_every_column(
        bs.datasets.simulate(0, budgets=(1e18, 1e19, 1e20, 1e21), sizes_per_budget=sizes_per_budget)
    )
    problem = Problem.build(
        runs if "loss_se" in noise.columns else bs.Runs(runs.frame.drop(columns="loss_se")),
        law,
        noise,
    )
    return replace(problem, units=dict.fromkeys(problem.units, 1.0))


def prediction(problem: Problem, params: dict[str, Any], coefficients: Any) -> Any:
    """Return the prediction of law and processes, shape (…, runs)."""
    log_inputs = {name: values[:, 0] for name, values in problem.data.log_inputs.items()}
    law = problem.target.law.predict(
        {name: values[..., None] for name, values in params.items()}, log_inputs
    )
    shared = problem.target.noise.shared
    if not shared:
        return law
    return law + departure(shared, params, coefficients, problem.data.features)


def density(problem: Problem, params: dict[str, Any], coefficients: Any) -> Any:
    """Return the distribution of the observed responses of all runs, padding included."""
    noise = problem.target.noise
    assert is_likelihood(noise)
    conditions = type(problem.data.conditions)(
        *(values[:, 0] for values in problem.data.conditions)
    )
    each = {name: values[..., None] for name, values in params.items()}
    return noise.distribution(prediction(problem, params, coefficients), each, conditions)


def log_likelihood(
    problem: Problem, measured: Any, params: dict[str, Any], coefficients: Any
) -> Any:
    return jnp.sum(
        problem.weights[:, 0] * density(problem, params, coefficients).log_prob(measured),
        axis=-1,
    )


def with_measured(problem: Problem, measured: Any) -> Problem:
    """The problem with other responses, and the counts of right answers that make them."""
    data, column = problem.data, measured[:, None]
    counts = (data.conditions.n_samples + 1) * jax.nn.sigmoid(column) - 0.5
    return replace(
        problem,
        data=data._replace(observed=column, conditions=data.conditions._replace(n_correct=counts)),
    )


@float64
def ranks(problem: Problem, method: bs.NUTS | bs.Importance, simulation: int) -> dict[str, float]:
    """Return the rank of the truth among thinned draws, as a number between 0 and 1, for each
    parameter and for the likelihood.
    """
    rng = np.random.default_rng(simulation)
    keys = iter(jax.random.split(jax.random.key(simulation), 100))
    drawn_truth = {p.name: p.prior.sample(next(keys)) for p in problem.target.parameters}
    truth = dict(problem.target.law.from_coordinates(drawn_truth, problem.data.sweep))
    coefficients = jax.random.normal(next(keys), (problem.n_functions,))
    generator = np.random.default_rng((simulation, 1))
    scattered = sample_responses(density(problem, truth, coefficients), generator)
    measured = jnp.asarray(scattered * (problem.weights[:, 0] > 0))
    posterior = replace(method, seed=simulation).run(with_measured(problem, measured))
    step = posterior.n_draws // RANKED
    thinned = {name: values[:, ::step].reshape(-1) for name, values in posterior.params.items()}
    n_draws = len(next(iter(thinned.values())))
    functions = posterior.coefficients[:, ::step].reshape(n_draws, -1)
    true = {**truth, "likelihood": log_likelihood(problem, measured, truth, coefficients)}
    drawn = {**thinned, "likelihood": log_likelihood(problem, measured, thinned, functions)}
    # A whole rank would be uniform on a few values alone; within its step any place is as good.
    return {
        name: (np.sum(drawn[name] < true[name]) + rng.uniform()) / (n_draws + 1) for name in true
    }


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("law", "noise"), models())
def test_the_truth_has_any_rank_among_draws_as_often_as_any_other(
    law: Law, noise: Likelihood
) -> None:
    problem = float64(in_its_own_units)(law, noise)
    found = [ranks(problem, METHOD, simulation) for simulation in range(SIMULATIONS)]
    assert_uniform(found)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("sizes_per_budget", [1, 3, 8, 60])
def test_the_default_is_calibrated_on_few_and_on_many_runs(sizes_per_budget: int) -> None:
    law, noise = defaults.law(), Discrepancy()
    problem = float64(in_its_own_units)(law, noise, sizes_per_budget)
    method = bs.Importance(draws=2000)
    found = [ranks(problem, method, simulation) for simulation in range(OF_THE_DEFAULT)]
    assert_uniform(found)


def assert_uniform(found: list[dict[str, float]]) -> None:
    """Assert that ranks of the truth are uniform for each parameter."""
    together = {name: np.array([each[name] for each in found]) for name in found[0]}
    # Draws to one side fail the first test, draws too narrow or too wide the second.
    tests = {(name, "side"): kstest(u, "uniform").pvalue for name, u in together.items()}
    tests |= {
        (name, "width"): kstest(np.abs(2 * u - 1), "uniform").pvalue for name, u in together.items()
    }
    for what, chance in tests.items():
        assert chance > FALSE_ALARMS / len(tests), f"{what}: by chance {chance:.2g}"
