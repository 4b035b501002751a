"""The search for a set of runs: against trying every set, and against what its aims promise."""

from itertools import combinations

import numpy as np
import pytest

from bayescale.decisions.plans._preposterior import Preposterior
from bayescale.decisions.plans._search import LeastLeft, LeastRegret, best_set

CANDIDATES, REGRET = 8, 0.3
COST = np.array([1.0, 5.0, 2.0, 4.0, 1.0, 3.0, 2.0, 6.0])
ALIKE = np.full(600, 1 / 600)


def outlook(of=slice(0, 2)):
    """Return what candidates tell of some quantities, where all hang on a few unknowns."""
    rng = np.random.default_rng(0)
    unknowns = rng.standard_normal((600, 3))
    log_losses = 0.02 * unknowns @ rng.standard_normal((3, CANDIDATES))
    quantities = unknowns @ np.array([[0.5, -0.2, 0.4], [0.0, 0.01, 0.02]]).T
    noise = np.linspace(0.01, 0.02, CANDIDATES) ** 2
    return Preposterior.of(log_losses, quantities[:, of], ALIKE, noise)


def regret_aim(charge=0.0):
    return LeastRegret(outlook(slice(0, 1)), REGRET, np.broadcast_to(charge, CANDIDATES))


def forecast_aim(toll=0.0):
    return LeastLeft(outlook(), np.ones(2), toll)


AIMS = {"regret": regret_aim(), "forecasts": forecast_aim()}


@pytest.mark.parametrize("aim", AIMS.values(), ids=AIMS)
@pytest.mark.parametrize("budget", [4.0, 9.0, 100.0])
def test_the_chosen_set_is_the_best_of_all_within_the_budget(aim, budget):
    affordable = []
    for count in range(4):
        sets = combinations(range(CANDIDATES), count)
        affordable += [each for each in sets if COST[list(each)].sum() <= budget]
    chosen = best_set(aim, COST, budget, most=3)
    assert len(chosen) <= 3 and COST[chosen].sum() <= budget
    assert aim.score(chosen) == pytest.approx(min(map(aim.score, affordable)), rel=1e-9)


@pytest.mark.parametrize("aim", AIMS.values(), ids=AIMS)
def test_the_first_run_is_the_one_that_gains_most_for_its_cost(aim):
    chosen = best_set(aim, COST, 12.0, most=4)
    gains = (aim.score([]) - aim.with_each([]))[chosen] / COST[chosen]
    assert gains.argmax() == 0


@pytest.mark.parametrize("aim", [regret_aim(0.01), forecast_aim(0.01)], ids=AIMS)
def test_scores_with_one_more_are_those_of_the_larger_sets(aim):
    larger = [aim.score([2, 6, j]) for j in range(CANDIDATES)]
    np.testing.assert_allclose(aim.with_each([2, 6]), larger, rtol=1e-9)


def test_the_regret_falls_in_proportion_to_the_variance():
    aim = regret_aim()
    share = aim.outlook.left([3, 5])[0] / aim.outlook.variances[0]
    assert aim.left([]) == pytest.approx(REGRET) and aim.left([3, 5]) == pytest.approx(
        REGRET * share
    )


def test_the_choice_for_forecasts_is_the_same_in_all_units():
    first = outlook()
    scale = np.array([1e3, 1e-6])
    other = Preposterior(
        first.covariance,
        scale[:, None] * first.with_quantities,
        scale**2 * first.variances,
        first.noise,
    )
    sets = [best_set(LeastLeft(each, np.ones(2), 0.01), COST, 9.0, 8) for each in (first, other)]
    assert sets[0] == sets[1]


def test_no_run_is_chosen_that_is_not_worth_its_charge():
    gains = REGRET - regret_aim().with_each([])
    assert best_set(regret_aim(1.01 * gains.max()), COST, 100.0, most=8) == []
    charge = 0.1 * gains.max()
    some = best_set(regret_aim(charge), COST, 100.0, most=8)
    assert 0 < len(some) < 8
    for out in some:
        rest = [j for j in some if j != out]
        assert regret_aim().score(rest) - regret_aim().score(some) > charge


def test_a_run_is_chosen_that_tells_of_one_quantity_alone():
    unknowns = np.random.default_rng(1).standard_normal((600, 2))
    first = Preposterior.of(0.02 * unknowns[:, :1], unknowns, ALIKE, np.array([1e-4]))
    assert best_set(LeastLeft(first, np.ones(2), 0.01), np.ones(1), 1.0, most=1) == [0]


def test_runs_that_tell_no_more_than_chance_are_not_chosen():
    rng = np.random.default_rng(2)
    chance = Preposterior.of(
        rng.standard_normal((600, 100)), rng.standard_normal((600, 2)), ALIKE, np.full(100, 0.1)
    )
    assert len(best_set(LeastLeft(chance, np.ones(2), 8.5 / 600), np.ones(100), 100.0, 12)) <= 2
    assert len(best_set(LeastLeft(chance, np.ones(2), 0.0), np.ones(100), 100.0, 12)) == 12


def test_a_quantity_that_is_known_does_not_count():
    first = outlook()
    known = Preposterior(
        first.covariance,
        np.vstack([first.with_quantities, np.zeros(CANDIDATES)]),
        np.append(first.variances, 0.0),
        first.noise,
    )
    aims = LeastLeft(first, np.ones(2), 0.01), LeastLeft(known, np.ones(3), 0.01)
    assert best_set(aims[0], COST, 9.0, 8) == best_set(aims[1], COST, 9.0, 8)
