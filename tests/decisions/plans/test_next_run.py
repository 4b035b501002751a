"""One more run: what it would change, against refits, and where there is no answer."""

from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.plans import next_run as module
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans.next_run import (
    AS_DEAR,
    LARGER,
    SMALL,
    has_next_run,
    next_run_to,
)
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import Huber, Normal
from tests.known_posteriors import known_posterior

BUDGETS, TARGET = (1e18, 1e19, 1e20), 1e21


@pytest.fixture(scope="module")
def posterior():
    runs = bs.datasets.simulate(seed=1, budgets=BUDGETS, sizes_per_budget=4, noise=0.02)
    return known_posterior(runs, shape=(2, 500))


@float64
def best_at_target(posterior):
    """The best size and the loss of each draw at the target."""
    plans = Planner.of(posterior).minimize_loss({"compute": np.array([TARGET])})
    return np.exp(np.asarray(plans.log_n))[:, 0], np.exp(np.asarray(plans.log_loss))[:, 0]


@pytest.fixture(scope="module")
def found(posterior):
    return next_run_to(posterior, TARGET, *best_at_target(posterior))


def sd_of_logs(posterior):
    return np.array([np.log(values).std() for values in best_at_target(posterior)])


def test_what_is_left_is_that_of_a_normal_that_has_been_conditioned_on_a_run():
    rng = np.random.default_rng(0)
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    draws = rng.multivariate_normal([0, 0], covariance, size=200_000)
    error = np.array([0.3])
    exact = np.sqrt(1 - 0.6**2 / (2.0 * (0.5 + 0.3)))
    left = module._share_left(draws[:, 1:], draws[:, 0], error)
    assert left == pytest.approx(exact, rel=0.01)


def test_runs_that_tell_nothing_leave_all():
    draws = np.random.default_rng(0).standard_normal((10_000, 2))
    left = module._share_left(draws[:, 1:], draws[:, 0], np.array([0.1]))
    assert left == pytest.approx(1.0, abs=0.002)
    assert module._share_left(draws[:, 1:], np.ones(10_000), np.array([0.1])) == 1.0


def test_a_run_is_as_dear_as_it_says(posterior, found):
    rows = found.summary()
    np.testing.assert_allclose(rows["flops"], 6 * rows["n_params"] * rows["n_tokens"])
    dearest = posterior.runs.six_nd.max()
    assert rows.loc[LARGER, "flops"] == pytest.approx(3 * dearest)
    assert rows.loc[AS_DEAR, "flops"] == pytest.approx(dearest)
    assert rows.loc[SMALL, "flops"] == pytest.approx(0.03 * dearest)
    assert rows.loc[SMALL, "runs"] == 100
    spent = rows.loc[SMALL, "flops"] * rows.loc[SMALL, "runs"]
    assert 0.9 < spent / rows.loc[LARGER, "flops"] <= 1


def test_intervals_narrow_on_average_as_much_as_refits_with_the_run_say(posterior, found):
    row = found.summary().loc[LARGER]
    size = {name: np.array([row[name]]) for name in ("n_params", "n_tokens")}
    expected = posterior.log_law(size).reshape(-1)
    rng = np.random.default_rng(2)
    sigma = posterior.draws("sigma")
    left = []
    for truth in rng.choice(posterior.n_draws, 30, replace=False):
        measured = np.exp(expected[truth] + sigma[truth] * rng.standard_normal())
        frame = posterior.runs.frame[["n_params", "n_tokens", "loss"]].reset_index(drop=True)
        frame.loc[len(frame)] = [row["n_params"], row["n_tokens"], measured]
        refitted = known_posterior(bs.Runs(frame), shape=(2, 500))
        left.append(sd_of_logs(refitted) ** 2)
    size_left, loss_left = np.sqrt(np.mean(left, axis=0)) / sd_of_logs(posterior)
    assert row["loss_left"] == pytest.approx(loss_left, abs=0.1)
    assert row["n_params_left"] == pytest.approx(size_left, abs=0.1)


def test_small_runs_tell_what_the_mean_of_their_losses_does(posterior, found):
    row = found.summary().loc[SMALL]
    size = {name: np.array([row[name]]) for name in ("n_params", "n_tokens")}
    expected = posterior.log_law(size).reshape(-1)
    log_size = np.log(best_at_target(posterior)[0])
    together = np.cov(expected, log_size)
    error = np.mean(posterior.draws("sigma") ** 2) / row["runs"]
    explained = together[0, 1] ** 2 / (together[1, 1] * (together[0, 0] + error))
    assert row["n_params_left"] == pytest.approx(np.sqrt(1 - explained), abs=0.01)


def test_a_larger_run_tells_more_than_the_same_compute_on_the_smallest(found):
    left = found.summary()["loss_left"]
    assert left[LARGER] < left[AS_DEAR] < 1
    assert left[LARGER] < left[SMALL]


def test_the_sentences_have_the_intervals_now_and_then(found):
    half = 50 * np.log(found.loss["q95"] / found.loss["q05"])
    then = half * found.summary().loc[LARGER, "loss_left"]
    first, second = found.sentences
    assert f"from ±{half:.2g} % to ±{then:.2g} %" in first
    assert "3 times the compute of the dearest" in first
    assert "A run that costs as much as the dearest" in second


def test_it_says_where_no_run_would_change_much(found):
    frame = found.frame.assign(loss_left=0.99, n_params_left=1.0)
    (said,) = replace(found, frame=frame).sentences
    assert "would hardly narrow the loss or the best size at 1e+21 FLOPs" in said
    (first, _) = replace(found, frame=found.frame.assign(n_params_left=1.0)).sentences
    assert "and hardly that of the best size" in first


def test_the_verb_asks_of_ten_times_the_dearest_run_unless_told(posterior, found):
    asked = bs.next_run(posterior)
    assert asked.compute == pytest.approx(TARGET, rel=0.01)
    left, expected = asked.summary()["loss_left"], found.summary()["loss_left"]
    np.testing.assert_allclose(left, expected, atol=0.02)


def test_without_an_answer_it_says_why(posterior, made_posterior):
    one_input = made_posterior(PowerLaw(input="n_params"), Normal())
    few = made_posterior(Chinchilla(), Normal())
    objective = replace(posterior, noise=Huber())
    for lacking, message in (
        (objective, "use a likelihood"),
        (one_input, "no best size"),
        (few, "needs 100 draws and has 6"),
    ):
        assert not has_next_run(lacking)
        with pytest.raises(InputError, match=message):
            bs.next_run(lacking)
    with pytest.raises(InputError, match="compute = -1"):
        bs.next_run(posterior, -1.0)


def test_a_sweep_of_one_budget_has_no_answer():
    one = known_posterior(bs.datasets.simulate(seed=1, budgets=(1e20,)), shape=(2, 60))
    assert not has_next_run(one)
    with pytest.raises(InputError, match="one budget"):
        bs.next_run(one, 1e21)
