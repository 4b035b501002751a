"""Learning a prior from draws of many sweeps."""

import library_em
import numpy as np
import pytest
from library_em import Coordinate, Shrinkage, View

WEAK = {"z": Coordinate(0.0, 2.0)}
BY_HAND = {"z": Coordinate(0.0, 1.0)}
NONE = {"z": Shrinkage(0.0, 1e-9, 0.0)}
BLUR = 0.3


def view(family, truth, *, is_ladder=False, blur=BLUR, **facts):
    """A view whose likelihood is Normal about a truth; draws are of its product with the prior."""
    rng = np.random.default_rng(int(1e6 * abs(truth)) + is_ladder)
    measured = truth + blur * rng.standard_normal()
    precision = 1 / blur**2 + 1 / WEAK["z"].sd ** 2
    mean, sd = measured / blur**2 / precision, precision**-0.5
    return View(family, is_ladder, facts, {"z": rng.normal(mean, sd, 500)})


@pytest.fixture(scope="module")
def views():
    truths = np.random.default_rng(1).normal(0.8, 0.5, 200)
    return [view(str(place), truth) for place, truth in enumerate(truths)]


def test_mean_and_sd_over_sweeps_are_found_without_the_width_of_their_posteriors(views):
    learnt = library_em.learn(views, WEAK, BY_HAND, NONE)["z"]
    assert learnt.mean == pytest.approx(0.8, abs=0.1)
    assert learnt.sd == pytest.approx(0.5, abs=0.08)


def test_a_slope_along_a_fact_of_the_sweep_is_found():
    rng = np.random.default_rng(2)
    facts = rng.uniform(-2, 2, 100)
    views = [view(str(c), 0.5 * c + 0.2 * rng.standard_normal(), c=float(c)) for c in facts]
    along = {"z": Coordinate(0.0, 1.0, along="c")}
    learnt = library_em.learn(views, WEAK, along, NONE)["z"]
    assert learnt.slope == pytest.approx(0.5, abs=0.06)
    assert learnt.mean == pytest.approx(0.0, abs=0.1)


def test_few_families_stay_near_what_a_hand_had_set(views):
    little = library_em.learn(views[:1], WEAK, BY_HAND, {"z": Shrinkage(9.0, 9.0, 9.0)})["z"]
    assert abs(little.mean) < 0.2
    assert little.sd == pytest.approx(1.0, abs=0.1)


def test_a_family_has_one_vote_half_of_it_for_ladders():
    many = [view("a", 0.1 * k) for k in range(6)]
    ladders = [view("a", 0.1, is_ladder=True), view("b", 0.2, is_ladder=True)]
    weights = library_em.votes([*many, *ladders])
    np.testing.assert_allclose(weights[:6], 1 / 12)
    np.testing.assert_allclose(weights[6:], [0.5, 1.0])


def test_many_sweeps_of_one_family_count_no_more_than_one(views):
    crowd = [view("crowd", -1.0) for _ in range(50)]
    with_one = library_em.learn([*views[:20], crowd[0]], WEAK, BY_HAND, NONE)["z"]
    with_all = library_em.learn([*views[:20], *crowd], WEAK, BY_HAND, NONE)["z"]
    assert with_all.mean == pytest.approx(with_one.mean, abs=1e-6)
