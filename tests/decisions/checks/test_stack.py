"""Stacking: weights against what they are defined by, and forecasts that mix draws."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import bayescale as bs
from bayescale.decisions.checks._stacked import Stack
from bayescale.errors import InputError
from bayescale.laws import PowerLaw
from bayescale.noise import Huber, StudentT
from bayescale.posterior.diagnostics import stacking_weights
from tests.known_posteriors import known_posterior

AT = {"n_params": 70e9, "n_tokens": 1.4e12}


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="module")
def free(runs):
    return known_posterior(runs, shape=(1, 1000), diagnostics={"log_evidence": -20.0})


@pytest.fixture(scope="module")
def heavy(free):
    """Return the posterior as if it were fitted under another likelihood."""
    tails = {**free.params, "nu": np.full_like(free.params["sigma"], 5.0)}
    evidence = free.diagnostics["log_evidence"] - 1.5
    return replace(free, noise=StudentT(), params=tails, diagnostics={"log_evidence": evidence})


@pytest.fixture(scope="module")
def power(runs):
    return known_posterior(runs, PowerLaw(input="n_params"), shape=(1, 1000))


def test_two_weights_are_those_at_the_maximum_of_their_definition():
    scores = np.random.default_rng(0).normal(size=(50, 2))
    best = minimize_scalar(
        lambda w: -np.log(np.exp(scores) @ [w, 1 - w]).sum(), bounds=(0, 1), method="bounded"
    )
    np.testing.assert_allclose(stacking_weights(scores), [best.x, 1 - best.x], atol=2e-3)


def test_runs_that_no_model_foresaw_leave_the_weights_finite():
    scores = np.random.default_rng(0).normal(size=(50, 2))
    scores[0] = -5000.0
    np.testing.assert_allclose(stacking_weights(scores), stacking_weights(scores[1:]), atol=1e-3)


def test_by_loo_a_law_that_misses_an_input_gets_hardly_any_weight(free, power):
    stack = bs.stack([power, free])
    assert stack.summary().index.tolist() == [
        "chinchilla, normal",
        "power_law:input=n_params, normal",
    ]
    assert stack.summary()["weight"].iloc[0] > 0.9
    assert stack.scores.shape == (45, 2)


def test_scores_are_those_of_loo(free, heavy):
    frame = bs.stack([free, heavy]).frame
    assert frame["score"].tolist() == pytest.approx([bs.loo(free).elpd, bs.loo(heavy).elpd])
    assert frame["behind"].min() == 0
    assert frame["weight"].sum() == pytest.approx(1)


def test_by_future_the_scored_runs_are_the_fifth_of_largest_compute(runs, free, power):
    stack = bs.stack([free, power], by="future")
    largest = runs.frame.index[np.argsort(runs.column("flops"))[-9:]]
    assert set(stack.scores.index) == set(largest)
    assert stack.weights[0] > 0.9


def test_by_future_any_holdout_may_be_hidden(free):
    stack = bs.stack([free, free], by="future", holdout=bs.LargestCompute(0.1))
    assert len(stack.scores) == 5


def test_by_evidence_weights_are_posterior_probabilities_of_the_models(free, heavy):
    stack = bs.stack([free, heavy], by="evidence")
    assert stack.weights[0] == pytest.approx(1 / (1 + np.exp(-1.5)))
    assert stack.frame["behind_se"].isna().all()


def test_without_evidence_it_says_what_to_do(free, heavy):
    without = replace(heavy, diagnostics={})
    with pytest.raises(
        InputError,
        match=r"chinchilla, student_t came without evidence. Fit with Grid\(\) or Importance\(\)",
    ):
        bs.stack([free, without], by="evidence")


def test_models_of_one_name_are_numbered(free):
    assert bs.stack([free, free], by="evidence").models == (
        "chinchilla, normal",
        "chinchilla, normal (2)",
    )


def mixture(posteriors, weights):
    return Stack(
        tuple(posteriors), tuple(map(str, range(len(weights)))), np.array(weights), "loo", None
    )


def test_a_model_of_all_weight_forecasts_as_if_alone(free, heavy):
    mixed, alone = bs.forecast(mixture([free, heavy], [1.0, 0.0]), **AT), bs.forecast(free, **AT)
    np.testing.assert_array_equal(mixed.draws, alone.draws)
    np.testing.assert_array_equal(mixed.law_draws, alone.law_draws)


def test_draws_are_mixed_in_proportion_to_the_weights(free, heavy):
    indices = mixture([free, heavy], [0.3, 0.7]).draw_indices(seed=0)
    assert len(indices) == 1000 and abs((indices < free.n_draws).sum() - 300) <= 1


def test_a_small_posterior_counts_by_its_weight_and_not_by_its_draws(free):
    small = replace(free, params={name: values[:, :200] for name, values in free.params.items()})
    indices = mixture([small, free], [0.5, 0.5]).draw_indices(seed=0)
    assert len(indices) == 1000 and abs((indices < 200).sum() - 500) <= 1


def test_mixing_depends_on_the_seed_alone(free, heavy):
    stack = mixture([free, heavy], [0.5, 0.5])
    one, same, other = (bs.forecast(stack, seed=seed, **AT).draws for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_stack_takes_the_inputs_of_all_its_laws(free, power):
    stack = mixture([free, replace(power, law=PowerLaw())], [0.5, 0.5])
    assert bs.forecast(stack, **AT, flops=5.88e23).draws.shape == (1000, 1)
    with pytest.raises(
        InputError,
        match="The stack of 0, 1 takes n_params, n_tokens, flops; n_params, n_tokens was given",
    ):
        bs.forecast(stack, **AT)


def test_problems_of_the_scores_are_told_of_each_model(free):
    # Few draws leave Pareto's k high for some runs.
    few = replace(free, params={name: values[:, :100] for name, values in free.params.items()})
    told = bs.stack([free, few]).problems
    assert any(
        str(problem).startswith("chinchilla, normal (2): Pareto k is above 0.50 at")
        for problem in told
    )


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        (lambda one: [one], {}, "give two or more"),
        (
            lambda one: [one, one],
            {"by": "waic"},
            "by='waic' must be one of 'loo', 'future', 'evidence'",
        ),
        (lambda one: [one, one], {"holdout": bs.LargestCompute()}, 'a holdout is for by="future"'),
        (lambda one: [one, replace(one, noise=Huber())], {}, "has none; fit with a likelihood"),
        (
            lambda one: [one, replace(one, runs=bs.datasets.simulate(seed=2))],
            {},
            "fit all models to the same runs",
        ),
    ],
)
def test_what_cannot_be_weighed_is_refused_with_what_to_do(free, change, options, told):
    with pytest.raises(InputError, match=told):
        bs.stack(change(free), **options)
