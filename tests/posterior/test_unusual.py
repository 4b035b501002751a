"""Sweeps that the library prior does not expect."""

from dataclasses import dataclass, replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import bayescale as bs
from bayescale import defaults
from bayescale._internal.precision import float64
from bayescale.inference.base import Method
from bayescale.posterior.unusual import (
    Quantity,
    log_law_at_reference,
    quantities,
    unlike_library,
    widened,
)
from bayescale.sweep import Sweep

LAW = bs.laws.Coupled()
NOISE = defaults.noise(LAW)


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=0)


def steeper(runs, power):
    """Return runs whose losses fall as a power of what they fell."""
    loss = runs.frame["loss"]
    return replace(runs, frame=runs.frame.assign(loss=loss.min() * (loss / loss.min()) ** power))


def test_a_usual_sweep_has_no_finding(runs):
    assert unlike_library(runs, LAW, NOISE) == ()


@pytest.mark.parametrize("power", [0.02, 6.0], ids=["hardly falls", "falls steeply"])
def test_losses_that_fall_far_less_or_more_are_a_doubtful_finding(runs, power):
    (finding,) = unlike_library(steeper(runs, power), LAW, NOISE)
    assert (finding.code, finding.severity) == ("unlike_library", "doubtful")
    assert "The library has no sweep like this: losses" in finding.sentence
    assert finding.figures["p"] < 0.01


def test_a_fall_is_told_apart_from_those_that_are_likely() -> None:
    likely = np.linspace(0.066, 0.071, 100)
    said = Quantity("losses fall", 0.074, likely).sentence
    assert said == "losses fall by 7.1%, where nine in ten of its prior do by 6.4% to 6.8%"


def test_units_of_the_loss_do_not_matter(runs):
    in_bits = replace(runs, frame=runs.frame.assign(loss=runs.frame["loss"] / np.log(2)))
    prior = bs.priors.Library()
    first, second = quantities(runs, prior, NOISE), quantities(in_bits, prior, NOISE)
    assert [q.probability for q in first] == [q.probability for q in second]


def test_laws_with_another_prior_have_no_finding(runs):
    steep = steeper(runs, 6.0)
    assert unlike_library(steep, bs.laws.Coupled(prior=bs.priors.AtFrontier()), NOISE) == ()
    assert unlike_library(steep, bs.laws.Chinchilla(), NOISE) == ()


def test_the_law_of_an_unusual_sweep_has_twice_the_standard_deviations():
    wide, usual = widened(LAW).prior.learnt, LAW.prior.learnt
    assert wide.floor_share_sd == pytest.approx(2 * usual.floor_share_sd)
    assert wide.exponent_sd == pytest.approx(2 * usual.exponent_sd)
    assert (wide.exponent, wide.level_sd) == (usual.exponent, usual.level_sd)


@float64
def test_sweeps_are_made_up_by_the_formula_of_the_law():
    rng = np.random.default_rng(0)
    drawn = {}
    for row in LAW.coordinates:
        drawn[row.name] = rng.normal(float(row.prior.loc), float(row.prior.scale), (7, 1))
    drawn["log_level"] = np.zeros((7, 1))
    log_n, log_d = rng.normal(size=(2, 5))
    params = LAW.from_coordinates(drawn, Sweep())
    expected = LAW.predict(params, {"n_params": jnp.array(log_n), "n_tokens": jnp.array(log_d)})
    np.testing.assert_allclose(log_law_at_reference(drawn, log_n, log_d), expected)


@dataclass(frozen=True)
class Unfitted(Method):
    """A method that returns one draw that nobody looked for."""

    seed: int = 0
    takes_departures: ClassVar[bool] = True

    def run(self, problem):
        """Return the posterior of a problem."""
        rows = (*problem.target.law.parameters, *problem.target.noise.parameters)
        params = {row.name: np.full((1, 1), 0.5) for row in rows}
        return problem.posterior(params, self)


def test_the_default_law_of_an_unusual_sweep_is_wider_and_says_so(runs):
    with pytest.warns(bs.RunsWarning) as told:
        posterior = bs.fit(steeper(runs, 0.02), method=Unfitted())
    assert any("no sweep like this" in str(each.message) for each in told)
    assert posterior.law.prior.sd_factor == 2.0
    assert posterior.findings[0].code == "unlike_library"


def test_a_law_that_was_given_stays_as_it_is(runs):
    with pytest.warns(bs.RunsWarning):
        posterior = bs.fit(steeper(runs, 0.02), law=LAW, method=Unfitted())
    assert posterior.law == LAW


def test_the_default_law_of_a_usual_sweep_is_the_library(runs):
    assert bs.fit(runs, method=Unfitted()).law == LAW
