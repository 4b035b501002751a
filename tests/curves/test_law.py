"""The law of loss along a schedule."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.curves.law import Coefficients, Track, sums_of

AT = Coefficients(
    floor=2.0, gap=0.3, exponent=0.5, drop=0.2, speed=50.0, shape=0.7, power=0.6, growth=0.1
)


def two_stages(high: float, low: float, change: float, total: float) -> bs.Schedule:
    return bs.Schedule([0, change, change + 1e-6, total], [high, high, low, low])


def test_the_formula_at_a_change_of_two_stages():
    schedule = two_stages(1e-3, 4e-4, 1000, 2000)
    loss = Track.of(schedule, np.array([500.0, 2000.0]), 1e-3, 2000.0).loss(AT)
    # Written out: S is 500 and 1400 steps at the peak, S_k is 1000, and rates are 1 and .4.
    # S_ref is 2000.
    left = (1 + 50.0 * 0.4) ** -0.7
    dropped = 0.2 * 0.5**0.1 * (1 - 0.4**0.6) * (1 - left)
    expected = [2 + 0.3 * 0.25**-0.5, 2 + 0.3 * 0.7**-0.5 - dropped]
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_a_decay_over_the_same_share_of_a_longer_run_drops_as_far():
    drops = []
    for total in (1_000.0, 50_000.0):
        schedule = bs.Schedule.wsd(peak=1e-3, total=total, decay_fraction=0.2)
        drops.append(Track.of(schedule, np.array([total]), 1e-3, total).drop(AT)[0])
    np.testing.assert_allclose(drops[0], drops[1], rtol=1e-6)


def test_the_unit_of_learning_rates_does_not_matter():
    losses = []
    for unit in (1.0, 1e-3):
        schedule = bs.Schedule.cosine(peak=unit, total=1000)
        losses.append(Track.of(schedule, np.array([300.0, 1000.0]), unit, 1000.0).loss(AT))
    np.testing.assert_allclose(losses[0], losses[1])


def test_a_warm_up_adds_no_drop():
    schedule = bs.Schedule.wsd(peak=1.0, total=1000, decay_fraction=0.0, warmup=100)
    assert Track.of(schedule, np.array([1000.0]), 1.0, 1000.0).drop(AT) == 0


def test_many_small_changes_are_joined_with_little_error():
    steps = np.linspace(0, 1000, 5001)
    fine = bs.Schedule(steps, bs.Schedule.cosine(peak=1.0, total=1000).at(steps))
    few = bs.Schedule.cosine(peak=1.0, total=1000)
    losses = [Track.of(one, np.array([1000.0]), 1.0, 1000.0).loss(AT)[0] for one in (fine, few)]
    assert losses[0] == pytest.approx(losses[1], abs=2e-4)


def test_sums_start_from_step_zero():
    np.testing.assert_allclose(sums_of(bs.Schedule([10, 20], [1.0, 1.0]), 1.0), [0, 10, 20])
