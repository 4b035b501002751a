"""Smoothed importance weights are ArviZ's, and extremes have the answer that they should."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from bayescale.posterior.importance_weights import pareto_smoothed


@pytest.mark.parametrize("size", [30, 500, 4001])
@pytest.mark.parametrize("spread", [0.1, 1.0, 4.0])
def test_weights_and_k_are_those_of_arviz(size: int, spread: float) -> None:
    ratios = spread * np.random.default_rng(size).standard_t(5, size=size)
    log_weights, k = pareto_smoothed(ratios)
    theirs, their_k = array_stats.psislw(-ratios)
    assert k == pytest.approx(float(their_k), rel=1e-9)
    expected = theirs - logsumexp(theirs)
    np.testing.assert_allclose(np.sort(log_weights), np.sort(expected), rtol=1e-9)


def test_proposals_where_the_target_is_nil_weigh_nothing() -> None:
    ratios = np.random.default_rng(0).standard_normal(100)
    among, k = pareto_smoothed(np.append(ratios, [-np.inf, np.nan]))
    alone, alone_k = pareto_smoothed(ratios)
    assert k == alone_k
    np.testing.assert_array_equal(among[:100], alone)
    assert (among[100:] == -np.inf).all()


def test_equal_ratios_have_no_tail() -> None:
    log_weights, k = pareto_smoothed(np.full(50, 3.0))
    assert k == -np.inf
    np.testing.assert_allclose(np.exp(log_weights), 1 / 50)


@pytest.mark.parametrize("ratios", [[0.0, -np.inf, -np.inf], [800.0] + [0.0] * 40])
def test_one_ratio_that_dwarfs_all_others_is_not_to_be_trusted(ratios: list[float]) -> None:
    log_weights, k = pareto_smoothed(np.array(ratios))
    assert k == np.inf
    assert log_weights[0] == pytest.approx(0.0)
