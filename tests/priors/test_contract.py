"""Every prior keeps the contract: a new file in bayescale/priors is tested here without registering
it.
"""

import numpy as np
import numpyro.distributions as dist
import pytest

from bayescale._internal.discovery import describe, names, parse
from bayescale._internal.precision import float64
from bayescale.laws import Coupled
from bayescale.priors.base import Prior
from bayescale.sweep import Sweep

TEXTS = [*names("bayescale.priors"), "library:without=gadre2024", "at_frontier:floor_share=0.4"]
every_prior = pytest.mark.parametrize("prior", [parse("bayescale.priors", t) for t in TEXTS])
TABLE = Coupled().parameters


def drawn(prior, count=200):
    """Return coordinates at random, within two standard deviations of the middle of the prior."""
    rng = np.random.default_rng(0)
    values = {}
    for row in prior.coordinates(TABLE):
        standard = rng.uniform(-2.0, 2.0, count)
        values[row.name] = row.prior.loc + row.prior.scale * standard
        if row.prior.support is dist.constraints.positive:
            values[row.name] = np.exp(values[row.name])
    return values


@every_prior
def test_it_keeps_the_protocol(prior):
    assert isinstance(prior, Prior)
    assert prior.title


@every_prior
def test_its_text_makes_an_equal_prior_with_an_equal_hash(prior):
    again = parse("bayescale.priors", describe(prior))
    assert again == prior
    assert hash(again) == hash(prior)


@every_prior
def test_its_coordinates_have_names_of_their_own_and_say_what_they_mean(prior):
    rows = prior.coordinates(TABLE)
    assert len({row.name for row in rows}) == len(rows) == len(TABLE)
    assert all(len(row.doc) > 5 for row in rows)


@every_prior
@float64
def test_it_gives_every_parameter_of_the_law_within_its_support_and_leaves_others(prior):
    found = prior.to_parameters({**drawn(prior), "sigma": 0.02}, Sweep(1.0, -0.3))
    assert found.keys() == {row.name for row in TABLE} | {"sigma"}
    assert float(found["sigma"]) == 0.02
    assert all((np.asarray(found[row.name]) > 0).all() for row in TABLE)


@every_prior
@float64
def test_far_from_what_it_was_learnt_from_it_still_gives_numbers(prior):
    found = prior.to_parameters(drawn(prior), Sweep(1e3, -1e3))
    assert all(np.isfinite(found[row.name]).all() for row in TABLE)


@every_prior
def test_the_runs_of_its_reference_are_rows_whatever_their_number(prior):
    for count in (1, 9, 10, 400):
        rows = prior.reference_rows(np.linspace(0.0, 9.0, count))
        assert len(set(rows)) == len(rows) >= 1
        assert count - 1 in rows
