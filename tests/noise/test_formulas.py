"""Each noise model against a plain twin from SciPy or from its paper, and its options."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.noise import (
    AsymmetricStudentT,
    ComputeScale,
    Discrepancy,
    FrontierScale,
    GroupEffects,
    Huber,
    KnownError,
    Laplace,
    Normal,
    StudentT,
)
from bayescale.noise.base import Conditions, is_likelihood, sample_responses
from bayescale.processes import IntegratedWiener, Matern, SharedEffect

residuals = np.linspace(-0.5, 0.5, 41)
scales = st.floats(1e-3, 1.0)
degrees = st.floats(0.5, 200.0)


@given(sigma=scales)
@float64
def test_normal_is_scipys(sigma):
    expected = -scipy.stats.norm.logpdf(residuals, scale=sigma)
    np.testing.assert_allclose(
        Normal().rho(residuals, {"sigma": sigma}, Conditions()), expected, rtol=1e-10, atol=1e-10
    )


@given(sigma=scales, nu=degrees)
@float64
def test_student_t_is_scipys(sigma, nu):
    expected = -scipy.stats.t.logpdf(residuals, nu, scale=sigma)
    found = StudentT().rho(residuals, {"sigma": sigma, "nu": nu}, Conditions())
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@float64
def test_degrees_of_freedom_that_are_given_are_no_parameter():
    fixed, params = StudentT(nu=4.0), {"sigma": 0.02}
    assert [parameter.name for parameter in fixed.parameters] == ["sigma"]
    expected = StudentT().rho(0.05, {**params, "nu": 4.0}, Conditions())
    assert float(fixed.rho(0.05, params, Conditions())) == float(expected)


@pytest.mark.parametrize("nu", [0.0, -1.0, np.inf, np.nan])
def test_degrees_of_freedom_that_are_none_are_refused(nu):
    with pytest.raises(InputError, match=r"student_t: nu=.* must be a positive number"):
        StudentT(nu=nu)


@given(sigma=scales)
@float64
def test_laplace_is_scipys(sigma):
    expected = -scipy.stats.laplace.logpdf(residuals, scale=sigma)
    np.testing.assert_allclose(
        Laplace().rho(residuals, {"sigma": sigma}, Conditions()), expected, rtol=1e-10, atol=1e-10
    )


@given(delta=st.floats(1e-4, 1.0))
@float64
def test_huber_is_scipys(delta):
    found = Huber(delta).rho(residuals, {}, Conditions())
    np.testing.assert_allclose(found, scipy.special.huber(delta, residuals), rtol=1e-12)


@float64
def test_huber_far_below_the_scatter_is_least_absolute_deviation():
    np.testing.assert_allclose(
        Huber(1e-9).rho(residuals, {}, Conditions()) / 1e-9, np.abs(residuals), atol=1e-9
    )


def test_huber_knows_no_measurement_error():
    assert float(Huber().rho(0.1, {}, Conditions())) == float(
        Huber().rho(0.1, {}, Conditions(log_loss_se=5.0))
    )


@given(sigma=scales, nu=degrees)
@float64
def test_asymmetric_student_t_of_skewness_one_is_student_t(sigma, nu):
    params = {"sigma": sigma, "nu": nu}
    found = AsymmetricStudentT().rho(residuals, params | {"kappa": 1.0}, Conditions())
    np.testing.assert_allclose(
        found, StudentT().rho(residuals, params, Conditions()), rtol=1e-12, atol=1e-12
    )


@given(sigma=scales, nu=degrees, kappa=st.floats(0.2, 5.0))
@float64
def test_asymmetric_student_t_is_a_student_t_stretched_by_kappa_above_and_shrunk_by_it_below(
    sigma, nu, kappa
):
    stretched = residuals / np.where(residuals >= 0, kappa, 1 / kappa)
    expected = -np.log(2 / (kappa + 1 / kappa)) - scipy.stats.t.logpdf(stretched, nu, scale=sigma)
    found = AsymmetricStudentT().rho(
        residuals, {"sigma": sigma, "nu": nu, "kappa": kappa}, Conditions()
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(sigma=scales, nu=degrees, kappa=st.floats(0.2, 5.0))
@float64
def test_the_other_skewness_is_the_mirror_image(sigma, nu, kappa):
    one, other = ({"sigma": sigma, "nu": nu, "kappa": k} for k in (kappa, 1 / kappa))
    found = AsymmetricStudentT().rho(residuals, one, Conditions())
    np.testing.assert_allclose(
        found, AsymmetricStudentT().rho(-residuals, other, Conditions()), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("kappa", [0.5, 1.0, 2.0])
@float64
def test_draws_of_asymmetric_student_t_follow_its_distribution_function(kappa):
    density = AsymmetricStudentT().distribution(
        np.full(5000, 0.3), {"sigma": 0.1, "nu": 3.0, "kappa": kappa}, Conditions()
    )
    drawn = sample_responses(density, seed=1)

    def below(values):
        share, ends = 1 / (1 + kappa**2), np.where(values >= 0.3, kappa, 1 / kappa)
        tail = scipy.stats.t.cdf((values - 0.3) / (0.1 * ends), 3.0)
        return np.where(values >= 0.3, share + (1 - share) * (2 * tail - 1), share * 2 * tail)

    # By chance once in a thousand, with a key that is always the same.
    assert scipy.stats.kstest(drawn, below).pvalue > 1e-3


@pytest.mark.parametrize(
    "base", [Normal(), Laplace(), StudentT(), AsymmetricStudentT()], ids=lambda b: type(b).__name__
)
@given(decades=st.floats(-5.0, 5.0), se=st.floats(0.0, 1.0))
@float64
def test_compute_scale_of_no_slope_is_its_base(base, decades, se):
    params = {p.name: float(p.prior.mean) for p in base.parameters}
    conditions = Conditions(se, decades)
    found = ComputeScale(base).rho(residuals, params | {"scale_slope": 0.0}, conditions)
    np.testing.assert_allclose(found, base.rho(residuals, params, conditions), rtol=1e-13)


@given(decades=st.floats(-5.0, 5.0), slope=st.floats(-1.0, 1.0))
@float64
def test_compute_scale_divides_the_scale_by_ten_to_the_slope_for_each_decade_of_compute(
    decades, slope
):
    scale = (
        ComputeScale(Normal())
        .distribution(0.0, {"sigma": 0.1, "scale_slope": slope}, Conditions(0.0, decades))
        .scale
    )
    assert float(scale) == pytest.approx(0.1 / 10 ** (slope * decades), rel=1e-12)


@given(below=st.floats(0.0, 5.0), excess=st.floats(0.0, 0.5), slope=st.floats(0.0, 1.0))
@float64
def test_frontier_scale_grows_with_decades_below_the_dearest_run_and_with_excess(
    below, excess, slope
):
    noise = FrontierScale(Normal(), slope=slope, excess=0.04)
    conditions = Conditions(decades_below=below, excess=excess)
    found = float(noise.distribution(0.0, {"sigma": 0.1}, conditions).scale)
    expected = 0.1 * 10 ** (slope * below) * np.sqrt(1 + (excess / 0.04) ** 2)
    assert found == pytest.approx(expected, rel=1e-12)


@float64
def test_a_run_that_is_to_come_scatters_as_the_base_of_frontier_scale_says():
    params = {"sigma": 0.02}
    base = StudentT(4.0)
    found = FrontierScale(base).rho(residuals, params, Conditions())
    np.testing.assert_array_equal(found, base.rho(residuals, params, Conditions()))


@pytest.mark.parametrize("options", [{"slope": -0.1}, {"slope": np.inf}, {"excess": 0.0}])
def test_a_frontier_scale_whose_options_are_out_of_range_is_refused(options):
    message = r"frontier_scale: slope=.* must be zero or more, and excess=.* positive"
    with pytest.raises(InputError, match=message):
        FrontierScale(**options)


@given(se=scales)
@float64
def test_known_error_is_a_normal_of_that_scale(se):
    expected = -scipy.stats.norm.logpdf(residuals, scale=se)
    np.testing.assert_allclose(
        KnownError().rho(residuals, {}, Conditions(se)), expected, rtol=1e-10, atol=1e-10
    )


@float64
def test_known_error_takes_a_new_run_to_be_measured_well():
    assert float(KnownError().distribution(0.0, {}, Conditions()).scale) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "whole", [Discrepancy(Laplace()), GroupEffects(Laplace())], ids=lambda n: type(n).__name__
)
@float64
def test_given_the_processes_runs_scatter_as_the_base_says(whole):
    params = {p.name: 0.1 for p in whole.parameters}
    np.testing.assert_array_equal(
        whole.rho(residuals, params, Conditions()),
        Laplace().rho(residuals, params, Conditions()),
    )


def test_processes_and_their_columns_add_up_whatever_is_within_what():
    noise = Discrepancy(GroupEffects(KnownError()), (Matern(), IntegratedWiener()))
    assert noise.shared == (SharedEffect(), Matern(), IntegratedWiener())
    assert noise.columns == ("loss_se", "group")
    assert [p.name for p in noise.parameters] == ["group_sd", "matern_sd", "drift_sd"]
    scaled = ComputeScale(GroupEffects(Normal()))
    assert (scaled.shared, scaled.columns) == ((SharedEffect(),), ("group",))
    assert [p.name for p in scaled.parameters] == ["sigma", "group_sd", "scale_slope"]


def test_only_huber_is_an_objective_without_a_density(any_noise):
    assert is_likelihood(any_noise) != isinstance(any_noise, Huber)


@pytest.mark.parametrize("delta", [0.0, -1e-3, float("nan"), float("inf")])
def test_a_delta_that_is_not_positive_is_refused(delta):
    with pytest.raises(
        InputError, match=f"huber: delta={delta} must be a positive number, such as 0.001"
    ):
        Huber(delta)


@pytest.mark.parametrize("whole", [ComputeScale, FrontierScale])
@pytest.mark.parametrize("base", [KnownError(), Huber()], ids=lambda b: type(b).__name__)
def test_a_scale_that_changes_needs_a_base_with_a_scale(whole, base):
    with pytest.raises(InputError, match="_scale: the base must have a scale sigma, as StudentT"):
        whole(base)


@pytest.mark.parametrize("whole", [Discrepancy, GroupEffects])
def test_an_objective_is_no_base_of_processes(whole):
    with pytest.raises(
        InputError,
        match="huber is an objective without a density; give a likelihood, such as StudentT",
    ):
        whole(Huber())


def test_a_scale_depends_on_compute_once():
    with pytest.raises(
        InputError, match="the scale of its base depends on compute already; give it once"
    ):
        ComputeScale(GroupEffects(ComputeScale(Normal())))


def test_a_process_is_given_once():
    with pytest.raises(
        InputError,
        match="its parameters are sigma, matern_sd, matern_sd; give each process and the base once",
    ):
        Discrepancy(Normal(), (Matern(1.0), Matern(2.0)))


def test_group_effects_of_group_effects_are_refused():
    with pytest.raises(InputError, match="give each process and the base once"):
        GroupEffects(GroupEffects(Normal()))


def test_a_discrepancy_without_processes_is_refused():
    with pytest.raises(
        InputError, match=r"discrepancy: give at least one process, such as Matern\(\)"
    ):
        Discrepancy(Normal(), ())
