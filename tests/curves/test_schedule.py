"""Schedules of learning rates."""

import numpy as np
import pytest

import bayescale as bs


def test_wsd_warms_up_holds_and_decays_to_zero():
    schedule = bs.Schedule.wsd(peak=2.0, total=100, decay_fraction=0.2, warmup=10)
    np.testing.assert_allclose(schedule.at(np.array([5, 50, 90, 100])), [1.0, 2.0, 1.0, 0.0])


def test_a_cosine_is_halfway_in_the_middle():
    schedule = bs.Schedule.cosine(peak=1.0, total=100, final=0.1)
    np.testing.assert_allclose(schedule.at(np.array([0, 50, 100])), [1.0, 0.55, 0.1], atol=1e-4)


def test_a_sqrt_decay_falls_fast_at_first():
    schedule = bs.Schedule.wsd(peak=1.0, total=100, decay_fraction=1.0, shape="sqrt")
    np.testing.assert_allclose(schedule.at(25.0), 0.5, atol=1e-3)


def test_no_decay_holds_the_peak():
    schedule = bs.Schedule.wsd(peak=1.0, total=100, decay_fraction=0.0)
    assert schedule.at(100.0) == 1.0


def test_what_was_logged_takes_the_place_of_the_plan():
    logged = bs.Schedule([0, 40], [0.5, 0.5])
    joined = bs.Schedule.wsd(peak=1.0, total=100, decay_fraction=0.5).after(logged)
    assert (joined.at(30.0), joined.total) == (0.5, 100)


@pytest.mark.parametrize(
    ("steps", "rates", "message"),
    [
        ([0, 1], [1.0], "as many rates as steps"),
        ([1, 1], [1.0, 1.0], "must rise"),
        ([0, 1], [1.0, -1.0], "not negative"),
        ([0, 1], [0.0, 0.0], "not negative"),
        ([0, 1], [1.0, np.nan], "finite"),
    ],
)
def test_what_is_no_schedule_is_refused(steps, rates, message):
    with pytest.raises(bs.InputError, match=message):
        bs.Schedule(steps, rates)


def test_an_unknown_shape_is_refused():
    with pytest.raises(bs.InputError, match="none of linear, cosine, sqrt"):
        bs.Schedule.wsd(peak=1.0, total=10, shape="square")
