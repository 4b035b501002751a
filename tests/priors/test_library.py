"""The library prior: its numbers are in a file, for all families and without each."""

import json
from pathlib import Path

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.discovery import parse
from bayescale.errors import InputError
from bayescale.priors import AtFrontier, Library
from bayescale.sweep import Sweep

FILE = Path(bs.priors.__file__).with_name("library.json")
PRIORS = json.loads(FILE.read_text(encoding="utf-8"))["priors"]
FAMILIES = sorted(filter(None, PRIORS))


def test_there_is_a_prior_of_all_families_and_one_without_each_of_ten():
    assert "" in PRIORS
    assert len(FAMILIES) == 10


@pytest.mark.parametrize("family", ["", *FAMILIES])
def test_the_file_gives_every_number_of_a_prior_that_may_be(family):
    assert set(PRIORS[family]) == set(vars(AtFrontier()))
    assert Library(family).learnt == AtFrontier(**PRIORS[family])


def test_without_a_family_the_prior_is_another():
    assert len({Library(family).learnt for family in ["", *FAMILIES]}) == 11


def test_a_family_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"without=kaplan2020 is no family of it.*gadre2024"):
        Library("kaplan2020")


def test_it_is_the_prior_at_the_frontier_with_its_numbers():
    library, learnt = Library(), Library().learnt
    middle = {row.name: float(row.prior.loc) for row in library.coordinates(())}
    sweep = Sweep(1.0, -0.5)
    found, expected = (prior.to_parameters(middle, sweep) for prior in (library, learnt))
    assert {name: float(value) for name, value in found.items()} == {
        name: float(value) for name, value in expected.items()
    }


def test_a_family_that_is_left_out_is_not_among_the_families():
    everything = Library().families
    assert "porian2024" in everything
    assert set(Library(without="porian2024").families) == set(everything) - {"porian2024"}


def test_numbers_without_a_family_lie_within_the_spread():
    for family in Library().families:
        prior = Library(without=family).learnt
        for name, (low, high) in Library().spread.items():
            assert low <= getattr(prior, name) <= high


def test_where_the_numbers_come_from_can_be_read():
    provenance = Library().provenance
    assert provenance["views"] > 100
    assert "exponent_ratio_sd" in provenance["set_by_hand"]


def test_a_factor_that_is_not_positive_is_refused():
    with pytest.raises(bs.InputError, match=r"sd_factor=0\.0 must be a positive number"):
        Library(sd_factor=0.0)


def test_a_factor_multiplies_the_standard_deviations_of_shares_exponents_and_coupling_alone():
    usual, wide = vars(Library().learnt), vars(Library(sd_factor=2.0).learnt)
    widened = {name for name, value in usual.items() if wide[name] == 2 * value}
    shares = {"floor_share_sd", "params_share_sd"}
    assert widened == shares | {"exponent_sd", "exponent_ratio_sd", "gamma_sd"}
    assert all(wide[name] == usual[name] for name in usual.keys() - widened)


def test_runs_of_a_sweep_of_more_compute_scatter_by_the_slope_of_the_library():
    scatter = Library().scatter
    usual, larger = (
        scatter.draw(Sweep(decades), np.random.default_rng(0), 5) for decades in (0.0, 2.0)
    )
    np.testing.assert_allclose(np.log(larger / usual), 2 * scatter.sigma_slope)


def test_the_command_line_can_turn_it_off_and_widen_it():
    assert parse("bayescale.laws", "coupled:prior=separate").prior == bs.priors.Separate()
    assert parse("bayescale.laws", "coupled:prior=library:sd_factor=2.0").prior.sd_factor == 2.0
