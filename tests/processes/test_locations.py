"""Runs have locations, and processes add departures there."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.processes import IntegratedWiener, Matern, SharedEffect
from bayescale.processes.base import (
    bases,
    decades_below,
    departure,
    excess_of_best,
    locate,
    padded_functions,
    padded_size,
    sweep_of,
)
from bayescale.sweep import Sweep, dearest_rows

INPUTS = ("n_params", "n_tokens")


def test_places_are_decades_from_the_mean_run(fitted, sweep):
    np.testing.assert_allclose(fitted.decades.mean(axis=0), 0.0, atol=1e-12)
    expected = np.log10(sweep.column("n_tokens")) - np.log10(sweep.column("n_tokens")).mean()
    np.testing.assert_allclose(fitted.decades[:, 1], expected)


def test_compute_is_the_product_of_parameters_and_tokens(fitted, sweep):
    log_compute = np.log10(sweep.column("n_params") * sweep.column("n_tokens"))
    np.testing.assert_allclose(fitted.compute_decades, log_compute - log_compute.mean(), atol=1e-12)


def test_for_a_law_in_one_variable_that_variable_is_compute(sweep):
    log_flops = np.log10(sweep.column("flops"))
    np.testing.assert_allclose(
        locate(sweep, ("flops",)).compute_decades, log_flops - log_flops.mean(), atol=1e-12
    )


@given(params=st.floats(1e-6, 1e6), tokens=st.floats(1e-6, 1e6))
def test_units_of_the_inputs_move_no_run(fitted, sweep, params, tokens):
    scaled = sweep.frame.assign(
        n_params=sweep.frame["n_params"] * params, n_tokens=sweep.frame["n_tokens"] * tokens
    )
    moved = locate(dataclasses.replace(sweep, frame=scaled), INPUTS)
    np.testing.assert_allclose(moved.decades, fitted.decades, atol=1e-11)
    np.testing.assert_allclose(moved.compute_decades, fitted.compute_decades, atol=1e-11)


def test_new_runs_stand_relative_to_those_that_were_fitted(fitted, sweep):
    new = locate(sweep, INPUTS, {name: sweep.column(name)[:3] * 10 for name in INPUTS})
    np.testing.assert_allclose(new.decades, fitted.decades[:3] + 1, atol=1e-12)
    np.testing.assert_allclose(new.compute_decades, fitted.compute_decades[:3] + 2, atol=1e-12)


def test_every_new_run_has_a_group_of_its_own(fitted, sweep):
    new = locate(sweep, INPUTS, {name: np.full(4, 1e9) for name in INPUTS})
    assert not set(new.group) & set(fitted.group)
    np.testing.assert_array_equal(SharedEffect().covariance(new, new), np.eye(4))


def test_a_group_without_a_name_is_a_group_like_others(sweep):
    unnamed = dataclasses.replace(sweep, frame=sweep.frame.assign(group=""))
    new = locate(unnamed, INPUTS, {name: np.full(1, 1e9) for name in INPUTS})
    assert SharedEffect().covariance(locate(unnamed, INPUTS), new).max() == 0.0


def test_groups_that_are_numbers_are_labels(sweep):
    numbered = dataclasses.replace(sweep, frame=sweep.frame.assign(group=np.arange(45) // 9))
    assert set(locate(numbered, INPUTS).group) == set("01234")


def test_a_size_of_several_runs_is_decades_of_parameters_and_that_of_one_run_is_none(sweep):
    first, second = sweep.column("n_params")[:2]
    frame = sweep.frame.head(3).assign(n_params=[first, second, first])
    runs = dataclasses.replace(sweep, frame=frame)
    found = np.sort(locate(runs, INPUTS).log_size)
    np.testing.assert_allclose(found, [np.log10(first)] * 2 + [np.nan], atol=1e-4)
    new = locate(runs, INPUTS, {name: np.full(2, 1e9) for name in INPUTS})
    np.testing.assert_allclose(new.log_size, 9.0)


def test_no_run_has_a_size_where_none_repeats(sweep):
    runs = dataclasses.replace(sweep, frame=sweep.frame.head(3).assign(n_params=[1e8, 2e8, 3e8]))
    new = {name: np.full(2, 1e9) for name in INPUTS}
    assert np.isnan(locate(runs, INPUTS).log_size).all()
    assert np.isnan(locate(runs, INPUTS, new).log_size).all()


def test_shapes_are_decades_of_parameters_at_constant_compute(fitted, sweep):
    log_n, log_d = (np.log10(sweep.column(name)) for name in INPUTS)
    np.testing.assert_allclose(
        fitted.shape_decades, (log_n - log_d) / 2 - (log_n - log_d).mean() / 2, atol=1e-12
    )


def test_runs_without_parameters_have_no_size_and_no_shape(sweep):
    at = locate(sweep, ("flops",))
    assert np.isnan(at.log_size).all()
    assert not at.shape_decades.any()
    assert at.sweep == Sweep()


def test_new_runs_know_the_dearest_run_and_the_frontier_of_those_that_were_fitted(fitted, sweep):
    new = locate(sweep, INPUTS, {name: np.full(4, 1e12) for name in INPUTS})
    assert new.dearest == fitted.dearest == pytest.approx(fitted.compute_decades.max())
    assert new.sweep == fitted.sweep


def table(**columns):
    return bs.Runs(pd.DataFrame(columns), "by hand")


def test_the_frontier_is_the_mean_of_the_dearest_fifth():
    n, d = 10.0 ** np.arange(5, 15), 20 * 10.0 ** np.arange(5, 15)
    runs = table(n_params=n, n_tokens=d, loss=np.linspace(4, 2, 10))
    # Of ten runs two: 6·20·10²⁶ and 6·20·10²⁸ FLOP.
    found = sweep_of(runs, INPUTS)
    assert found.compute == pytest.approx(np.log10(120) + 27 - 19)
    assert found.tokens_per_param == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (9, 1), (10, 2), (24, 4), (200, 5)])
def test_the_frontier_is_of_one_run_at_least_and_of_five_at_most(count, expected):
    rows = dearest_rows(np.random.default_rng(0).permutation(count).astype(float))
    assert len(rows) == expected


def test_the_dearest_run_lies_no_decade_below_itself():
    runs = table(n_params=[1e8, 1e8, 1e9], n_tokens=[1e9, 1e10, 1e10], loss=[4.0, 3.5, 3.0])
    np.testing.assert_allclose(decades_below(runs, INPUTS), [2.0, 1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("flops", "log_loss", "expected"),
    [
        # Each is the best so far.
        ([1e17, 1e18, 1e19], [1.2, 1.1, 1.0], [0.0, 0.0, 0.0]),
        # A dearer run is worse than a cheaper one.
        ([1e17, 1e18, 1e19], [1.1, 1.2, 1.0], [0.0, 0.1, 0.0]),
        # Of one budget the best counts, wherever it stands in the table.
        ([1e18, 1e18, 1e18], [1.3, 1.0, 1.1], [0.3, 0.0, 0.1]),
        # A run of a tenth more compute is of the same budget, one of a third more is not.
        ([1.1e18, 1e18], [1.0, 1.1], [0.0, 0.1]),
        ([1.3e18, 1e18], [1.0, 1.1], [0.0, 0.0]),
        ([1e18], [1.1], [0.0]),
    ],
    ids=["best", "dearer", "one budget", "nearly one budget", "two budgets", "one run"],
)
def test_the_excess_of_a_run_is_above_the_best_that_no_more_compute_bought(
    flops, log_loss, expected
):
    runs = table(flops=flops, loss=np.exp(log_loss))
    found = excess_of_best(runs, ("flops",), np.array(log_loss))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(count=st.integers(0, 5000))
def test_arrays_fill_up_to_one_of_two_sizes_an_octave(count):
    size = padded_size(count)
    assert size >= max(count, 8)
    assert size == 8 or size < 1.5 * count
    assert padded_size(size) == size
    assert size & (size - 1) == 0 or (size // 3) & (size // 3 - 1) == 0


@float64
def test_departures_are_the_sum_of_functions_times_amplitude_and_coefficient(fitted):
    processes = (Matern(), IntegratedWiener())
    features = [basis.features(fitted) for basis in bases(processes, fitted)]
    rng = np.random.default_rng(0)
    params = {"matern_sd": rng.uniform(size=(2, 3)), "drift_sd": rng.uniform(size=(2, 3))}
    coefficients = rng.standard_normal((2, 3, sum(f.shape[1] for f in features)))
    found = np.asarray(departure(processes, params, coefficients, features))
    first = features[0].shape[1]
    one = params["matern_sd"][1, 2] * features[0] @ coefficients[1, 2, :first]
    other = params["drift_sd"][1, 2] * features[1] @ coefficients[1, 2, first:]
    assert found.shape == (2, 3, 45)
    np.testing.assert_allclose(found[1, 2], one + other, rtol=1e-12)


@pytest.mark.parametrize(
    "law", [bs.laws.Chinchilla(), bs.laws.PowerLaw()], ids=["two inputs", "one input"]
)
@float64
def test_functions_that_fill_up_are_zero_as_rows_are(sweep, law):
    from bayescale.inference.base import Problem

    problem = Problem.build(
        sweep, law, bs.noise.Discrepancy(bs.noise.Normal(), (Matern(), SharedEffect()))
    )
    held = bases(problem.target.noise.shared, locate(sweep, law.inputs))
    for functions, basis in zip(problem.data.features, held, strict=True):
        assert functions.shape == (padded_size(45), padded_functions(basis.process, basis.size))
        assert np.abs(functions[45:]).max() == 0.0
        assert np.abs(functions[:, basis.size :]).max(initial=0.0) == 0.0
