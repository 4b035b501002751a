"""Counts of right answers, seen as their empirical log odds."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.noise.base import Conditions, sample_responses

N = 15


def log_odds(counts, n=N):
    return np.log((counts + 0.5) / (n - counts + 0.5))


@float64
def test_log_densities_are_scipys_log_probabilities_of_the_counts():
    counts = np.arange(N + 1)
    density = bs.noise.Binomial().distribution(0.7, {}, Conditions(n_samples=float(N)))
    expected = scipy.stats.binom(N, 1 / (1 + np.exp(-0.7))).logpmf(counts)
    np.testing.assert_allclose(density.log_prob(log_odds(counts)), expected, rtol=1e-10)


@float64
def test_a_count_costs_what_it_does_at_log_odds_that_far_below_its_own():
    counts, residual = np.arange(N + 1.0), 0.4
    cost = bs.noise.Binomial().rho(residual, {}, Conditions(n_correct=counts, n_samples=float(N)))
    expected = -scipy.stats.binom(N, 1 / (1 + np.exp(-(log_odds(counts) - residual)))).logpmf(
        counts
    )
    np.testing.assert_allclose(cost, expected, rtol=1e-10)


@float64
def test_samples_are_log_odds_of_counts_as_often_as_these_are_probable():
    density = bs.noise.Binomial().distribution(np.full(20_000, -1.0), {}, Conditions(n_samples=4.0))
    drawn = sample_responses(density, seed=0)
    counts = np.round(5 / (1 + np.exp(-drawn)) - 0.5)
    found = np.bincount(counts.astype(int), minlength=5) / len(counts)
    np.testing.assert_allclose(found, scipy.stats.binom(4, 1 / (1 + np.e)).pmf(range(5)), atol=0.02)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_law_of_loss_is_refused():
    with pytest.raises(
        bs.InputError, match=r"binomial counts right answers, and chinchilla predicts loss"
    ):
        bs.fit(counted(0), law=bs.laws.Chinchilla(), noise=bs.noise.Binomial())


def test_more_right_answers_than_answers_are_refused():
    table = pd.DataFrame({"thinking_tokens": [1e3, 1e4], "n_correct": [3, 9], "n_samples": [8, 8]})
    with pytest.raises(bs.InputError, match=r"row 2: n_correct is 9 of n_samples 8"):
        bs.Runs.from_frame(table, required=("thinking_tokens",))


def counted(seed, n=40, a=0.02, b=0.5):
    """Right answers of n each, at eight budgets of thinking tokens."""
    rng = np.random.default_rng(seed)
    tokens = np.geomspace(300.0, 30_000.0, 8)
    odds = a * tokens**b
    table = {
        "thinking_tokens": tokens,
        "n_correct": rng.binomial(n, odds / (1 + odds)),
        "n_samples": n,
    }
    columns = {"n_params": 1e9, "n_tokens": 1e11, "loss": 2.0}
    return bs.Runs.from_frame(pd.DataFrame(table | columns), required=("thinking_tokens",))


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_logistic_fit_has_the_posterior_that_a_grid_has():
    runs = counted(1)
    post = bs.fit(
        runs, law=bs.laws.AccuracyInTokens(), noise=bs.noise.Binomial(), method=bs.NUTS(draws=500)
    )
    assert not post.problems
    k, n = runs.counts
    x = np.log(runs.column("thinking_tokens"))
    x = x - x.mean()
    a, log_b = np.meshgrid(np.linspace(-2.5, 2.5, 400), np.linspace(-4.0, 1.5, 400), indexing="ij")
    logits = a[..., None] + np.exp(log_b)[..., None] * x
    log_posterior = scipy.stats.binom(n, 1 / (1 + np.exp(-logits))).logpmf(k).sum(axis=-1)
    log_posterior += scipy.stats.norm(0.0, 1.5).logpdf(a) + scipy.stats.norm(
        np.log(0.5), 0.8
    ).logpdf(log_b)
    weights = np.exp(log_posterior - log_posterior.max())
    mean = (weights * np.exp(log_b)).sum() / weights.sum()
    sd = np.sqrt((weights * np.exp(log_b) ** 2).sum() / weights.sum() - mean**2)
    assert post.draws("b").mean() == pytest.approx(
        mean, abs=4 * sd / np.sqrt(post.diagnostics["ess_bulk_min"])
    )
    assert post.draws("b").std() == pytest.approx(sd, rel=0.1)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_forecasts_of_a_share_lie_between_none_and_all_and_scatter_as_counts_do():
    post = bs.fit(
        counted(2),
        law=bs.laws.AccuracyInTokens(),
        noise=bs.noise.Binomial(),
        method=bs.NUTS(draws=500),
    )
    predicted = bs.forecast(post, thinking_tokens=[1e3, 1e6])
    assert predicted.frame.columns[1].startswith("accuracy_")
    assert (predicted.draws >= 0).all() and (predicted.draws <= 1).all()
    share = predicted.law_draws[:, 0]
    expected = np.sqrt(share.var() + (share * (1 - share)).mean() / 40)
    # Half an answer is added on either side, which shrinks the share by a fortieth.
    assert predicted.draws[:, 0].std() == pytest.approx(expected * 40 / 41, rel=0.05)
    assert bs.loo(post).frame["good"].all()
