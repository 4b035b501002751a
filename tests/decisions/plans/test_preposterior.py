"""Preposterior analysis: against Normal conditioning, and against definitions."""

import numpy as np
import pytest

from bayescale.decisions.plans._preposterior import Preposterior

CANDIDATES = 8


@pytest.fixture
def draws():
    """Log losses of candidates, two quantities and weights of draws from a few unknowns."""
    rng = np.random.default_rng(0)
    unknowns = rng.standard_normal((600, 3))
    log_losses = 0.02 * unknowns @ rng.standard_normal((3, CANDIDATES))
    slopes = np.array([[0.5, -0.2, 0.4], [0.0, 0.01, 0.02]])
    quantities = unknowns @ slopes.T + 0.1 * slopes.max(axis=1) * rng.standard_normal((600, 2))
    return log_losses, quantities, rng.dirichlet(np.ones(600))


@pytest.fixture
def noise():
    return np.linspace(0.01, 0.02, CANDIDATES) ** 2


@pytest.fixture
def outlook(draws, noise):
    return Preposterior.of(*draws, noise)


def conditioned(draws, noise, chosen):
    """Variances of the quantities given measurements, by the covariance of all."""
    log_losses, quantities, weights = draws
    both = np.column_stack([log_losses[:, chosen], quantities])
    together = np.cov(both.T, aweights=weights, ddof=0)
    count = len(chosen)
    known, cross = together[:count, :count] + np.diag(noise[chosen]), together[:count, count:]
    return np.diag(together[count:, count:] - cross.T @ np.linalg.solve(known, cross))


@pytest.mark.parametrize("chosen", [[0], [3, 5], [0, 1, 2, 4, 7]])
def test_variances_left_are_those_of_normal_conditioning(draws, noise, outlook, chosen):
    np.testing.assert_allclose(outlook.left(chosen), conditioned(draws, noise, chosen), rtol=1e-9)


def test_no_run_leaves_the_variances_of_the_draws(draws, outlook):
    _, quantities, weights = draws
    before = np.diag(np.cov(quantities.T, aweights=weights, ddof=0))
    np.testing.assert_allclose(outlook.left(), before, rtol=1e-12)


@pytest.mark.parametrize("kept", [[], [2, 6]])
def test_variances_with_one_more_are_those_of_the_larger_sets(outlook, kept):
    larger = np.column_stack([outlook.left([*kept, j]) for j in range(CANDIDATES)])
    np.testing.assert_allclose(outlook.left_with_each(kept), larger, rtol=1e-9)


def test_candidates_that_tell_nothing_leave_the_variance_as_it_is(noise):
    quantity = np.random.default_rng(2).standard_normal((200, 1))
    alike = np.full(200, 1 / 200)
    outlook = Preposterior.of(np.zeros((200, CANDIDATES)), quantity, alike, noise)
    np.testing.assert_allclose(outlook.left([0, 1]), outlook.left())
