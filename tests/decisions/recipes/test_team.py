"""Partial pooling of the groups of a team, against closed forms and simulated teams."""

import numpy as np
import pytest

from bayescale.decisions.recipes import _team
from bayescale.decisions.recipes._team import Known, by_others

LIBRARY = Known(np.array([1.0, -0.5]), np.diag([0.5**2, 0.2**2]))


def seen(mean: list[float], sd: float) -> Known:
    """Return the posterior of a group whose runs say a mean with a standard deviation, in units of
    the library's.
    """
    prior = np.linalg.inv(LIBRARY.covariance)
    runs = prior / sd**2
    covariance = np.linalg.inv(prior + runs)
    told = LIBRARY.mean + np.sqrt(np.diag(LIBRARY.covariance)) * np.array(mean)
    return Known(covariance @ (prior @ LIBRARY.mean + runs @ told), covariance)


def widths(known: Known) -> np.ndarray:
    return np.sqrt(np.diag(known.covariance) / np.diag(LIBRARY.covariance))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_one_other_group_moves_a_group_as_the_closed_form_says(share, monkeypatch):
    monkeypatch.setattr(_team, "SHARES", (share,))
    first, _ = by_others(LIBRARY, [seen([0.0, 0.0], 1.0), seen([1.0, -2.0], 0.3)])
    common = (1 - share**2) / (1 + 0.3**2)
    sd = np.sqrt(np.diag(LIBRARY.covariance))
    np.testing.assert_allclose(first.mean, LIBRARY.mean + common * sd * np.array([1.0, -2.0]))
    expected = 1 - common * (1 - share**2)
    np.testing.assert_allclose(widths(first), np.sqrt(expected))


def test_for_a_given_share_a_group_has_no_part_in_what_the_others_say_of_it(monkeypatch):
    monkeypatch.setattr(_team, "SHARES", (0.3,))
    others = [seen([0.5, 0.5], 0.2), seen([0.4, 0.7], 0.2)]
    one = by_others(LIBRARY, [seen([3.0, 3.0], 0.1), *others])[0]
    two = by_others(LIBRARY, [others[0], *others])[0]
    np.testing.assert_allclose(one.mean, two.mean)
    np.testing.assert_allclose(one.covariance, two.covariance)


def test_groups_that_are_alike_say_more_of_each_other_than_groups_that_are_not():
    alike = by_others(LIBRARY, [seen([x, x], 0.1) for x in (0.9, 1.0, 1.1, 1.0)])[0]
    apart = by_others(LIBRARY, [seen([x, x], 0.1) for x in (-1.5, 1.0, 0.0, -0.5)])[0]
    assert (widths(alike) < 0.35).all()
    assert (widths(apart) > 2 * widths(alike)).all()


def test_a_group_that_is_unlike_the_others_keeps_to_itself():
    others = [seen([x, x], 0.2) for x in (0.9, 1.0, 1.1, 1.0)]
    like, unlike = (by_others(LIBRARY, [seen([x, x], 0.2), *others])[0] for x in (1.0, -2.0))
    assert (widths(unlike) > 1.5 * widths(like)).all()


def test_groups_whose_runs_say_nothing_leave_what_the_library_says():
    for known in by_others(LIBRARY, [LIBRARY] * 4):
        np.testing.assert_allclose(known.mean, LIBRARY.mean)
        np.testing.assert_allclose(widths(known), 1.0, atol=1e-4)


def test_a_coordinate_that_is_wider_than_the_library_has_it_says_nothing():
    wide = Known(LIBRARY.mean + 5.0, 1.02 * LIBRARY.covariance)
    first, _ = by_others(LIBRARY, [LIBRARY, wide])
    np.testing.assert_allclose(first.mean, LIBRARY.mean)


def test_over_simulated_teams_intervals_hold_a_group_as_often_as_they_claim_and_are_nearer():
    rng = np.random.default_rng(0)
    sd = np.sqrt(np.diag(LIBRARY.covariance))
    inside, nearer = [], []
    for _ in range(400):
        share = rng.choice(_team.SHARES)
        common = np.sqrt(1 - share**2) * rng.standard_normal(2)
        truths = common + share * rng.standard_normal((4, 2))
        told = truths + 0.4 * rng.standard_normal((4, 2))
        known = by_others(LIBRARY, [seen(list(row), 0.4) for row in told])[0]
        # With the group's own runs, as its second fit has them.
        own = np.eye(2) / (0.4 * sd) ** 2
        prior = np.linalg.inv(known.covariance)
        covariance = np.linalg.inv(own + prior)
        mean = covariance @ (own @ (LIBRARY.mean + sd * told[0]) + prior @ known.mean)
        away = (LIBRARY.mean + sd * truths[0] - mean) / sd
        inside.append(np.abs(away) < 1.645 * np.sqrt(np.diag(covariance)) / sd)
        alone = told[0] / (1 + 0.4**2) - truths[0]
        nearer.append(away**2 - alone**2)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)
    assert np.mean(nearer) < 0
