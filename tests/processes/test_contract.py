"""Every process keeps the contract: a new file in bayescale/processes is tested here without
registering it.
"""

import dataclasses

import numpy as np
import numpyro.distributions as dist
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpyro.distributions import constraints

from bayescale._internal.discovery import describe, names, parse
from bayescale.processes.base import Basis, Process, locate, padded_functions

seeds = st.integers(0, 2**32 - 1)
# The fixture only holds a function.
at_random = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_it_keeps_the_protocol(any_process):
    assert isinstance(any_process, Process)


def test_it_says_what_it_is_and_whose(any_process):
    assert any_process.title
    assert any(
        year.isdecimal() and len(year) == 4
        for year in any_process.paper.replace(";", " ").replace(",", " ").split()
    )
    assert any_process.formula.startswith("δ")


def test_equal_options_make_equal_processes_so_that_they_share_compiled_programs(any_process):
    again = type(any_process)(**vars(any_process))
    assert again == any_process
    assert hash(again) == hash(any_process)


def test_its_text_makes_it_again(any_process):
    assert parse("bayescale.processes", describe(any_process)) == any_process


def test_its_amplitude_is_positive_with_a_prior_that_allows_none(any_process):
    prior = any_process.amplitude.prior
    assert isinstance(prior, dist.Distribution)
    assert prior.support in (constraints.positive, constraints.nonnegative)
    # With a density at zero that is not nil, the law by itself is always among what is considered.
    assert np.isfinite(prior.log_prob(1e-12))
    assert len(any_process.amplitude.doc) > 10


def test_amplitudes_of_different_processes_have_different_names():
    found = [
        parse("bayescale.processes", name).amplitude.name for name in names("bayescale.processes")
    ]
    assert len(set(found)) == len(found)


@at_random
@given(seed=seeds, count=st.integers(1, 20))
def test_a_covariance_is_symmetric_and_has_no_negative_eigenvalue(
    any_process, scattered, seed, count
):
    at = scattered(count, seed)
    covariance = any_process.covariance(at, at)
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-12, atol=0)
    assert np.linalg.eigvalsh(covariance).min() >= -1e-10 * max(1.0, covariance.max())


@at_random
@given(seed=seeds, count=st.integers(1, 20), others=st.integers(1, 20))
def test_a_covariance_of_two_lists_is_a_block_of_that_of_both(
    any_process, scattered, seed, count, others
):
    at = scattered(count + others, seed)
    block = any_process.covariance(at.at(np.arange(count)), at.at(np.arange(count, count + others)))
    np.testing.assert_array_equal(block, any_process.covariance(at, at)[:count, count:])


@at_random
@given(seed=seeds, count=st.integers(1, 20))
def test_the_basis_has_the_covariance_of_the_chosen_runs_exactly(
    any_process, scattered, seed, count
):
    basis = Basis.of(any_process, scattered(count, seed))
    features = basis.features(basis.chosen)
    np.testing.assert_allclose(
        features @ features.T,
        any_process.covariance(basis.chosen, basis.chosen),
        rtol=1e-8,
        atol=1e-9,
    )


def test_the_basis_loses_less_than_a_hundredth_of_the_variance_of_a_sweep_of_five_decades(
    any_process, fitted
):
    # The default length: a shorter one needs more functions than a basis has, and costs what it
    # costs.
    process = type(any_process)()
    # A process that tolerates a rest is held to as many runs as it has functions.
    at = fitted.at(range(process.functions)) if process.tolerates_rest else fitted
    features = Basis.of(process, at).features(at)
    covariance = process.covariance(at, at)
    assert np.abs(covariance - features @ features.T).max() < 1e-2 * covariance.max()


@at_random
@given(seed=seeds, count=st.integers(1, 20), new=st.integers(1, 6))
def test_functions_and_remainder_have_the_whole_covariance_of_new_runs(
    any_process, scattered, seed, count, new
):
    basis, at = Basis.of(any_process, scattered(count, seed)), scattered(new, seed + 1)
    features, root = basis.features(at), basis.root_of_remainder(at)
    whole = any_process.covariance(at, at)
    np.testing.assert_allclose(features @ features.T + root @ root.T, whole, rtol=1e-7, atol=1e-7)


def test_nothing_remains_at_the_chosen_runs(any_process, fitted):
    basis = Basis.of(any_process, fitted)
    # A standard deviation is the root of a difference, which has half its digits.
    assert np.abs(basis.root_of_remainder(basis.chosen)).max() < 1e-5 * np.sqrt(
        any_process.covariance(fitted, fitted).max()
    )


def test_one_run_needs_one_function_at_most(any_process, sweep):
    alone = locate(dataclasses.replace(sweep, frame=sweep.frame.head(1)), ("n_params", "n_tokens"))
    basis = Basis.of(any_process, alone)
    assert basis.size <= 1
    assert basis.features(alone).shape == (1, basis.size)


def test_no_runs_need_no_function(any_process, fitted):
    basis = Basis.of(any_process, fitted.at([]))
    assert basis.size == 0
    assert basis.features(fitted).shape == (len(fitted.group), 0)
    root = basis.root_of_remainder(fitted)
    np.testing.assert_allclose(root @ root.T, any_process.covariance(fitted, fitted), atol=1e-7)


def test_runs_in_one_place_share_one_function(any_process, fitted):
    together = fitted.at([7] * 5)._replace(log_size=np.full(5, 8.0))
    assert Basis.of(any_process, together).size == 1


def test_functions_fill_up_to_one_number_however_many_runs_there_are(any_process, fitted):
    some, all_runs = (Basis.of(any_process, at) for at in (fitted.at(range(5)), fitted))
    sizes = [padded_functions(any_process, basis.size) for basis in (some, all_runs)]
    assert some.size <= sizes[0] <= sizes[1] >= all_runs.size
    assert sizes[0] == sizes[1] or any_process.functions > 24


@at_random
@given(seed=seeds, count=st.integers(1, 20))
def test_a_run_has_one_function_at_most_where_a_process_says_so(
    any_process, scattered, seed, count
):
    at = scattered(count, seed)
    used = np.count_nonzero(Basis.of(any_process, at).features(at), axis=1)
    assert used.max() <= 1 or not any_process.of_identity
