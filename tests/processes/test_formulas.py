"""Each process against its formula, and what its options must be."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad

from bayescale.errors import InputError
from bayescale.processes import (
    IntegratedWiener,
    Matern,
    OptimumDrift,
    SharedEffect,
    SizeEffect,
)
from bayescale.processes.base import Basis, Locations
from bayescale.sweep import Sweep

decades = st.floats(-4.0, 4.0)


def on_a_line(*compute):
    """Runs at decades of compute, all on one side of the law's plane."""
    at = np.asarray(compute, dtype=float)
    none = np.zeros(len(at))
    return Locations(at[:, None], at, np.full(len(at), "a"), log_size=none, shape_decades=none)


def in_groups(labels):
    return on_a_line(*np.zeros(len(labels)))._replace(group=np.asarray(labels, dtype=object))


def of_sizes(log_size):
    return on_a_line(*np.zeros(len(log_size)))._replace(log_size=np.asarray(log_size))


def of_shapes(compute, shape_decades):
    """Runs at decades of compute from the dearest, each at some decades of size."""
    return on_a_line(*compute)._replace(shape_decades=np.asarray(shape_decades))


# Matérn


@given(distance=st.floats(1e-6, 20.0), length=st.floats(0.1, 10.0))
def test_matern_is_the_bessel_function_of_order_five_halves(distance, length):
    found = Matern(length=length).covariance(on_a_line(0.0), on_a_line(distance)).item()
    z = np.sqrt(5) * distance / length
    expected = 2 ** (1 - 2.5) / scipy.special.gamma(2.5) * z**2.5 * scipy.special.kv(2.5, z)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_matern_has_variance_one_everywhere():
    at = on_a_line(-3.0, 0.0, 1.0, 7.0)
    np.testing.assert_array_equal(np.diag(Matern().covariance(at, at)), 1.0)


@pytest.mark.parametrize(
    ("compute", "decades"), [(0.0, 0.0), (3.0, 0.0), (-2.0, 2.0), (-3.0, 3.0), (-7.0, 3.0)]
)
def test_a_matern_grows_by_decades_that_the_frontier_lies_below_1e19_flop(compute, decades):
    at = on_a_line(0.0)._replace(sweep=Sweep(compute))
    found = Matern(growth=0.35).covariance(at, at).item()
    assert np.sqrt(found) == pytest.approx(10 ** (0.35 * decades))


def test_matern_is_alike_in_all_directions():
    circle = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 9)])
    around = on_a_line(*circle.sum(axis=1))._replace(decades=circle)
    centre = on_a_line(0.0)._replace(decades=np.zeros((1, 2)))
    np.testing.assert_allclose(np.ptp(Matern().covariance(centre, around)), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [{"length": 0.0}, {"length": -1.0}, {"length": np.inf}, {"scale": 0.0}, {"scale": np.nan}],
)
def test_a_matern_whose_length_or_scale_is_not_positive_is_refused(options):
    with pytest.raises(
        InputError, match=r"matern: length=.* and scale=.* must be positive numbers"
    ):
        Matern(**options)


def test_a_matern_too_rough_for_its_functions_is_refused():
    message = (
        r"matern: these 40 runs need more than its 16 functions, .* 100% of its variance .* a "
        r"longer length"
    )
    with pytest.raises(InputError, match=message):
        Basis.of(Matern(length=0.01), on_a_line(*range(40)))


# Integrated Wiener


@given(t=decades)
def test_an_integrated_wiener_process_has_the_cube_of_the_distance_in_decades_as_its_variance(t):
    found = IntegratedWiener().covariance(on_a_line(t), on_a_line(t)).item()
    assert found == pytest.approx(abs(t) ** 3, rel=1e-12, abs=1e-300)


@given(s=st.floats(0.0, 4.0), t=st.floats(0.0, 4.0))
def test_the_two_sides_of_an_integrated_wiener_process_know_nothing_of_each_other(s, t):
    assert IntegratedWiener().covariance(on_a_line(-s), on_a_line(t)).item() == 0.0


@pytest.mark.parametrize(("s", "t"), [(0.4, 1.1), (2.0, 0.7), (1.5, 1.5), (-0.4, -1.1)])
def test_an_integrated_wiener_process_is_the_integral_of_a_wiener_process(s, t):
    # Along the diagonal min(u, v) has a kink, so the two triangles are integrated one by one.
    near, far = sorted((abs(s), abs(t)))
    below, _ = dblquad(lambda v, u: v, 0.0, near, 0.0, lambda u: u)
    above, _ = dblquad(lambda v, u: u, 0.0, near, lambda u: u, far)
    found = IntegratedWiener().covariance(on_a_line(s), on_a_line(t)).item()
    assert found == pytest.approx(3 * (below + above), rel=1e-8)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_an_integrated_wiener_process_whose_scale_is_not_positive_is_refused(scale):
    with pytest.raises(InputError, match=r"integrated_wiener: scale=.* must be a positive number"):
        IntegratedWiener(scale)


# Groups


def test_runs_share_an_effect_with_their_group_alone():
    found = SharedEffect().covariance(in_groups(["a", "b"]), in_groups(["b", "a", "c"]))
    assert found.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


@given(labels=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40))
def test_each_group_has_one_function_and_none_of_its_effect_is_lost(labels):
    at = in_groups(labels)
    basis = Basis.of(SharedEffect(), at)
    features = basis.features(at)
    assert basis.size == len(set(labels))
    np.testing.assert_array_equal(features @ features.T, SharedEffect().covariance(at, at))


def test_sixty_four_groups_are_not_too_many():
    assert Basis.of(SharedEffect(), in_groups([f"g{i}" for i in range(64)])).size == 64


def test_more_groups_than_functions_are_refused():
    message = r"shared_effect: these 70 runs need more than its 64 functions, .* Use fewer groups"
    with pytest.raises(InputError, match=message):
        Basis.of(SharedEffect(), in_groups([f"g{i}" for i in range(70)]))


# Sizes


def test_runs_share_an_effect_with_their_size_alone():
    found = SizeEffect().covariance(of_sizes([8.0, 9.0]), of_sizes([9.0, 8.0, 8.001]))
    assert found.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


@given(steps=st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_sizes_that_are_nearly_the_same_are_a_matter_of_yes_or_no(steps):
    at = of_sizes(9.0 + 3e-7 * np.array(steps))
    assert np.linalg.eigvalsh(SizeEffect().covariance(at, at)).min() >= -1e-9


def test_sizes_beyond_the_functions_are_left_to_scatter():
    at = of_sizes(np.linspace(7.0, 10.0, 40))
    basis = Basis.of(SizeEffect(), at)
    assert basis.size == SizeEffect.functions
    assert basis.features(at).sum() == SizeEffect.functions


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_size_effect_whose_scale_is_not_positive_is_refused(scale):
    with pytest.raises(InputError, match=r"size_effect: scale=.* must be a positive number"):
        SizeEffect(scale)


# Drift of the optimum


@given(shape=decades, compute=st.floats(0.1, 4.0))
def test_a_drift_of_the_optimum_is_nil_at_the_dearest_run_and_at_the_mean_shape(shape, compute):
    at = of_shapes([0.0, compute, compute], [shape, 0.0, shape])
    covariance = OptimumDrift().covariance(at, at)
    assert np.abs(covariance[:2]).max() == 0.0
    assert covariance[2, 2] > 0 or abs(shape) < 1e-6


@given(shape=st.floats(0.01, 4.0))
def test_a_drift_of_the_optimum_tilts_the_two_sides_of_the_size_alike(shape):
    at = of_shapes([1.0, 1.0], [shape, -shape])
    covariance = OptimumDrift().covariance(at, at)
    assert covariance[0, 1] == pytest.approx(-covariance[0, 0])
    variance_along = 2 * np.exp(-1)
    assert covariance[0, 0] == pytest.approx(variance_along * shape**2 / (1 + shape**2 / 4))


@pytest.mark.parametrize(("s", "t"), [(0.4, 1.1), (2.0, 0.7), (-0.4, -1.1), (-0.5, 1.5)])
def test_a_drift_of_the_optimum_is_the_integral_of_an_ornstein_uhlenbeck_process(s, t):
    nodes, weights = np.polynomial.legendre.leggauss(400)
    u, v = (end / 2 * (1 + nodes) for end in (s, t))
    kernel = np.exp(-np.abs(u[:, None] - v) / 0.8)
    expected = s * t / 4 * weights @ kernel @ weights
    at = of_shapes([s, t], [1.0, 1.0])
    tilt = 1 / np.sqrt(1 + 1 / 4)
    found = OptimumDrift(length=0.8).covariance(at, at)[0, 1] / tilt**2
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("options", [{"length": 0.0}, {"length": np.inf}, {"scale": np.nan}])
def test_a_drift_whose_length_or_scale_is_not_positive_is_refused(options):
    message = r"optimum_drift: scale=.* and length=.* must be positive numbers"
    with pytest.raises(InputError, match=message):
        OptimumDrift(**options)
