"""Weighing proposals: exact where the answer is known, honest where a proposal is too narrow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import bayescale as bs
from bayescale.inference._weighing import complaint, log_posterior, weigh
from bayescale.inference.base import Problem
from bayescale.kernels.objective import value

# A mean θ with prior Normal(0, 2²) seen six times with scatter 1.5: posterior and evidence in
# closed form.
SEEN = np.array([1.9, 0.4, 2.8, 1.1, -0.3, 2.2])
PRIOR_SD, SCATTER = 2.0, 1.5
PRECISION = 1 / PRIOR_SD**2 + len(SEEN) / SCATTER**2
MEAN, SD = SEEN.sum() / SCATTER**2 / PRECISION, PRECISION**-0.5
LOG_EVIDENCE = stats.multivariate_normal(
    np.zeros(len(SEEN)),
    SCATTER**2 * np.eye(len(SEEN)) + PRIOR_SD**2 * np.ones((len(SEEN), len(SEEN))),
).logpdf(SEEN)


def log_target(theta: np.ndarray) -> np.ndarray:
    return stats.norm(0, PRIOR_SD).logpdf(theta) + stats.norm(SEEN[:, None], SCATTER).logpdf(
        theta
    ).sum(axis=0)


@pytest.fixture(scope="module")
def proposals() -> np.ndarray:
    return stats.t(5, MEAN, 1.3 * SD).rvs(20_000, random_state=np.random.default_rng(0))


@pytest.fixture(scope="module")
def log_ratios(proposals: np.ndarray) -> np.ndarray:
    return log_target(proposals) - stats.t(5, MEAN, 1.3 * SD).logpdf(proposals)


def test_the_evidence_of_a_conjugate_model_is_exact(log_ratios: np.ndarray) -> None:
    assert weigh(log_ratios).diagnostics["log_evidence"] == pytest.approx(LOG_EVIDENCE, abs=0.01)


def test_the_posterior_of_a_conjugate_model_is_exact(
    proposals: np.ndarray, log_ratios: np.ndarray
) -> None:
    weights = np.exp(weigh(log_ratios).log_weights)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    mean = weights @ proposals
    assert mean == pytest.approx(MEAN, abs=0.03 * SD)
    assert np.sqrt(weights @ (proposals - mean) ** 2) == pytest.approx(SD, rel=0.03)


def test_resampled_draws_have_the_posterior(proposals: np.ndarray, log_ratios: np.ndarray) -> None:
    drawn = proposals[weigh(log_ratios).chosen(4000, np.random.default_rng(1))]
    assert stats.kstest(drawn, stats.norm(MEAN, SD).cdf).pvalue > 1e-3


def test_a_proposal_wider_than_the_target_is_reliable(log_ratios: np.ndarray) -> None:
    weighed = weigh(log_ratios)
    assert weighed.diagnostics["pareto_k"] < 0.3
    assert weighed.reliable
    assert complaint(weighed, "Use another.") == ()


def test_a_proposal_too_narrow_is_told_by_pareto_k() -> None:
    narrow = stats.norm(MEAN, SD / 3)
    draws = narrow.rvs(20_000, random_state=np.random.default_rng(2))
    weighed = weigh(log_target(draws) - narrow.logpdf(draws))
    # The ratio grows as exp(4 x²/SD²) of draws with the density exp(−9 x²/2SD²): a Pareto tail of
    # shape 8/9.
    assert weighed.diagnostics["pareto_k"] == pytest.approx(8 / 9, abs=0.2)
    assert not weighed.reliable
    sentence = str(complaint(weighed, "Use another.")[0])
    assert sentence.startswith("Pareto k is 0.") and sentence.endswith(
        "above 0.7: the proposal misses part of the posterior. Use another."
    )


def test_a_proposal_far_too_wide_leaves_few_effective_draws_and_says_so() -> None:
    wide = stats.norm(MEAN, 40 * SD)
    draws = wide.rvs(4000, random_state=np.random.default_rng(3))
    weighed = weigh(log_target(draws) - wide.logpdf(draws))
    # 4,000 · √2/40 · √(1 − 1/3,200): the square of the mean ratio over the mean square.
    assert weighed.diagnostics["pareto_k"] < 0.7
    assert weighed.diagnostics["ess_importance"] == pytest.approx(141, rel=0.2)
    assert not weighed.reliable
    sentence = str(complaint(weighed, "Use another.")[0])
    assert sentence.endswith(
        "of the proposals are effective draws, below 400: intervals are rough. Use another."
    )


def test_equal_weights_have_no_tail_and_all_count() -> None:
    weighed = weigh(np.full(500, 3.0))
    assert weighed.diagnostics == {
        "pareto_k": -np.inf,
        "ess_importance": pytest.approx(500),
        "log_evidence": pytest.approx(3.0),
    }
    assert np.bincount(weighed.chosen(500, np.random.default_rng(3))).tolist() == [1] * 500


def test_the_effective_number_is_that_of_kish() -> None:
    weighed = weigh(np.log([1.0, 1.0, 2.0, 4.0]))
    assert weighed.diagnostics["ess_importance"] == pytest.approx(8.0**2 / (1 + 1 + 4 + 16))


def test_too_few_proposals_to_have_a_tail_keep_their_weights_and_are_not_believed() -> None:
    weighed = weigh(np.array([0.0, -np.inf, np.log(3.0)]))
    np.testing.assert_allclose(np.exp(weighed.log_weights), [0.25, 0.0, 0.75])
    assert weighed.diagnostics["pareto_k"] == np.inf


def test_systematic_choice_takes_each_proposal_as_often_as_its_weight_says_within_one() -> None:
    log_ratios = np.random.default_rng(4).normal(size=300)
    weighed = weigh(log_ratios)
    expected = 1000 * np.exp(weighed.log_weights)
    for seed in range(5):
        taken = np.bincount(weighed.chosen(1000, np.random.default_rng(seed)), minlength=300)
        assert (np.abs(taken - expected) < 1 + 1e-9).all()


def test_systematic_choice_is_unbiased() -> None:
    weighed = weigh(np.random.default_rng(5).normal(size=40))
    rng = np.random.default_rng(6)
    taken = np.mean(
        [np.bincount(weighed.chosen(7, rng), minlength=40) for _ in range(20_000)], axis=0
    )
    np.testing.assert_allclose(
        taken, 7 * np.exp(weighed.log_weights), atol=5 * 0.5 / np.sqrt(20_000)
    )


def test_choices_come_in_no_order() -> None:
    indices = weigh(np.zeros(2000)).chosen(2000, np.random.default_rng(7))
    assert abs(stats.spearmanr(indices, np.arange(2000)).statistic) < 0.1


def test_impossible_proposals_have_no_weight_and_are_never_chosen(
    proposals: np.ndarray, log_ratios: np.ndarray
) -> None:
    half = np.where(proposals > MEAN, log_ratios, -np.inf)
    weighed = weigh(half)
    assert (weighed.log_weights[proposals <= MEAN] == -np.inf).all()
    assert (proposals[weighed.chosen(3000, np.random.default_rng(8))] > MEAN).all()
    assert weighed.diagnostics["log_evidence"] == pytest.approx(LOG_EVIDENCE - np.log(2), abs=0.03)


def test_a_single_possible_proposal_is_chosen_and_not_believed() -> None:
    log_ratios = np.full(50, -np.inf)
    log_ratios[49] = 1.0
    weighed = weigh(log_ratios)
    assert set(weighed.chosen(20, np.random.default_rng(9)).tolist()) == {49}
    assert not weighed.reliable


def test_the_log_posterior_is_the_negative_objective_and_nothing_where_that_is_not_a_number() -> (
    None
):
    with jax.enable_x64(True):
        problem = Problem.build(
            bs.datasets.simulate(seed=3), bs.laws.Chinchilla(), bs.noise.Normal()
        )
        coordinates = problem.target.prior_location_scale[0][:, None] + np.array(
            [[0.0, 0.1, np.nan]]
        )
        found = log_posterior(
            problem.target, jnp.asarray(coordinates), problem.data, problem.weights
        )
        expected = -value(
            problem.target, tuple(jnp.asarray(coordinates[:, :2])), problem.data, problem.weights
        )
        found, expected = np.asarray(found), np.asarray(expected)
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    assert found[2] == -np.inf
