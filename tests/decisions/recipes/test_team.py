"""Partial pooling of the groups of a team by a linear model, against closed forms."""

import numpy as np
import pytest

from bayescale.decisions.recipes._team import RECIPES, SCORES, Common, Group, together

RNG = np.random.default_rng(0)
DRAWS = 4000


def common(count: int) -> Common:
    """Return prior covariances of one coordinate and one coefficient, of unit variance."""
    of_law, of_departures = np.zeros((2, count, count, 2, 2))
    of_law[..., 0, 0] = of_departures[..., 1, 1] = 1.0
    return Common(np.eye(2), of_law, of_departures)


def group(seen: tuple[float, float], scatter: float = 0.1, runs: str = "own") -> Group:
    """Return a group of which two runs have seen the coordinate and the coefficient."""
    precision = 1 / scatter**2
    mean = np.array(seen) * precision / (1 + precision)
    draws = mean + RNG.standard_normal((DRAWS, 2)) / np.sqrt(1 + precision)
    names = np.array([f"{runs} {run}" for run in range(2)])
    return Group(np.array(seen), np.eye(2), np.full(2, scatter), names, draws)


def shares(law: float, departures: float, scatter: float = 0.0) -> np.ndarray:
    return np.array([[law, departures, scatter]])


def test_where_nothing_is_shared_draws_stay_as_they_are():
    groups = [group((0.3, -0.2)), group((-1.0, 0.4))]
    found = together(groups, common(2), shares(1.0, 1.0), seed=0)
    for one, draws in zip(groups, found.draws, strict=True):
        np.testing.assert_allclose(draws, one.draws, atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_two_groups_move_towards_each_other_as_the_closed_form_says(share):
    groups = [group((1.0, 0.0)), group((-1.0, 0.0))]
    found = together(groups, common(2), shares(share, 1.0), seed=0)
    prior = np.array([[1.0, 1 - share**2], [1 - share**2, 1.0]])
    seen = prior + 0.1**2 * np.eye(2)
    mean = prior @ np.linalg.solve(seen, [1.0, -1.0])
    covariance = prior - prior @ np.linalg.solve(seen, prior)
    moved = np.stack([draws[:, 0] for draws in found.draws])
    np.testing.assert_allclose(moved.mean(axis=1), mean, atol=0.01)
    np.testing.assert_allclose(np.cov(moved), covariance, atol=0.001)


def test_a_group_has_no_part_in_what_the_others_say_of_it():
    others = [group((0.5, 0.5)), group((0.4, 0.7))]
    far, near = (
        together([group(seen), *others], common(3), shares(0.3, 0.3), seed=0).of_others[0]
        for seen in ((3.0, 3.0), (0.4, 0.6))
    )
    np.testing.assert_allclose(far, near)


def test_groups_that_are_alike_are_found_to_be_alike():
    alike = [group((value, value)) for value in (0.9, 1.0, 1.1, 1.0)]
    apart = [group((value, value)) for value in (-1.5, 1.0, 0.0, -0.5)]
    near, far = (together(one, common(4), RECIPES, seed=0).likeness for one in (alike, apart))
    assert near.law.mean() < 0.4
    assert far.law.mean() > 1.5 * near.law.mean()
    assert far.departures.mean() > 1.5 * near.departures.mean()


def test_scores_of_the_same_runs_keep_floor_and_exponents_to_themselves():
    groups = [group((1.0, 0.0), runs="same"), group((-1.0, 0.0), runs="same")]
    found = together(groups, common(2), SCORES, seed=0)
    assert (found.likeness.law == 1.0).all()


def test_scatter_that_two_scores_of_a_run_share_cancels_in_their_difference():
    pair = [group((0.4, 0.0), 0.5, runs="same"), group((0.4, 0.0), 0.5, runs="same")]
    own, shared = (
        together(pair, common(2), shares(1.0, 1.0, correlation), seed=0).draws
        for correlation in (0.0, 0.9)
    )
    assert np.std(shared[0] - shared[1]) < 0.6 * np.std(own[0] - own[1])


def test_draws_of_a_simulated_team_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    ranks = []
    for _ in range(60):
        share, departures = rng.choice(RECIPES)[:2]
        covariance = [(1 - own**2) + own**2 * np.eye(3) for own in (share, departures)]
        truth = np.stack([rng.multivariate_normal(np.zeros(3), one) for one in covariance], axis=1)
        groups = [group(tuple(row + 0.5 * rng.standard_normal(2)), 0.5) for row in truth]
        found = together(groups, common(3), RECIPES, seed=0).draws
        ranks += [(draws < value).mean(axis=0) for draws, value in zip(found, truth, strict=True)]
    held = np.mean(np.abs(np.array(ranks) - 0.5) < 0.45)
    assert 0.85 < held < 0.95


@pytest.mark.parametrize("options", [RECIPES, SCORES])
def test_groups_may_share_nothing(options):
    assert (options == [1.0, 1.0, 0.0]).all(axis=1).any()
