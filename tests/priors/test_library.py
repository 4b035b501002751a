"""The library prior: its numbers, and where they come from."""

import pytest

import bayescale as bs
from bayescale._internal.discovery import parse
from bayescale.priors import Library


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


def test_a_family_that_is_unknown_is_refused_with_the_names_of_the_others():
    with pytest.raises(bs.InputError, match=r"no family of it; there are .*porian2024"):
        Library(without="nobody2030")


def test_a_factor_that_is_not_positive_is_refused():
    with pytest.raises(bs.InputError, match=r"sd_factor=0\.0 must be a positive number"):
        Library(sd_factor=0.0)


def test_the_command_line_can_turn_it_off_and_widen_it():
    assert parse("bayescale.laws", "coupled:prior=separate").prior == bs.priors.Separate()
    assert parse("bayescale.laws", "coupled:prior=library:sd_factor=2.0").prior.sd_factor == 2.0
