"""Plans under bounds against brute force: a grid of sizes, in plain NumPy, for 500 random
posteriors and sets of bounds.
"""

from dataclasses import replace

import numpy as np
import pytest

from bayescale._internal.precision import float64
from bayescale.decisions.plans._optimum import (
    Limits,
    PlanObjective,
    Scenario,
    filled,
    least_cost,
    minimize_loss,
    no_worse,
)
from bayescale.decisions.plans.constraints import Repeats
from bayescale.decisions.plans.flop_models import SixND
from bayescale.laws import Chinchilla, Coupled

CASES, ENDLESS, NODES, ROUNDS = 250, 1e190, 800, 4
NO_BOUND = 0.35
LAWS = {
    "additive, no repeats": (Chinchilla(), None),
    "coupled, repeats of worth": (Coupled(), Repeats()),
}


def random_cases(law, seed):
    """Constants, and bounds of which each is missing in a third of the cases; every array of shape
    (cases, 1).
    """
    rng = np.random.default_rng(seed)

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), (CASES, 1)))

    def often(low, high):
        return np.where(rng.random((CASES, 1)) < NO_BOUND, ENDLESS, between(low, high))

    params = {
        "E": between(1.4, 2.0),
        "A": between(100, 2000),
        "B": between(100, 5000),
        "alpha": between(0.25, 0.45),
        "beta": between(0.25, 0.45),
    }
    if isinstance(law, Coupled):
        params["gamma"] = between(0.4, 1.2)
    limits = np.stack([between(1e20, 1e26), often(1e21, 1e26), often(1e2, 1e8), often(1e20, 1e26)])
    return params, {
        "limits": limits,
        "served": np.where(rng.random((CASES, 1)) < 0.5, 0.0, between(1e11, 1e14)),
        "prices": (between(1e-18, 1e-17), between(1e-18, 1e-17)),
        "max_params": often(1e9, 1e12),
        "max_tokens": often(1e11, 1e14),
        "unique": often(1e11, 1e14),
    }


class ByHand:
    """The law, its inverse and all costs in NumPy."""

    def __init__(self, params, bounds, repeats):
        self.c, self.b, self.repeats = params, bounds, repeats
        self.gamma = params.get("gamma", np.ones((CASES, 1)))
        c, g = params, self.gamma
        split = (c["alpha"] / c["beta"]) ** (g / (c["alpha"] + c["beta"])) * (c["A"] / c["B"]) ** (
            1 / (c["alpha"] + c["beta"])
        )
        with np.errstate(over="ignore"):
            self.filled = split * (bounds["unique"] * split) ** (c["beta"] / c["alpha"])

    def in_params(self, n):
        if self.repeats is not None:
            n = self.worth(n, self.filled, self.repeats.R_N)
        return (self.c["A"] * n ** -self.c["alpha"]) ** (1 / self.gamma)

    @staticmethod
    def worth(count, first, decay):
        first = np.minimum(count, first)
        return first * (1 - decay * np.expm1((1 - count / first) / decay))

    def loss(self, n, d):
        if self.repeats is not None:
            d = self.worth(d, self.b["unique"], self.repeats.R_D)
        in_tokens = (self.c["B"] * d ** -self.c["beta"]) ** (1 / self.gamma)
        return self.c["E"] + (self.in_params(n) + in_tokens) ** self.gamma

    def tokens_for(self, n, target):
        """Not a number where none will do."""
        left = (target - self.c["E"]) ** (1 / self.gamma) - self.in_params(n)
        d = (self.c["B"] / left**self.gamma) ** (1 / self.c["beta"])
        if self.repeats is None:
            return d
        unique, decay = self.b["unique"], self.repeats.R_D
        again = np.maximum(d / unique - 1, 0)
        return np.where(d > unique, unique * (1 - decay * np.log1p(-again / decay)), d)

    @property
    def takes(self):
        train, serve = self.b["prices"]
        one, none = np.ones((CASES, 1)), np.zeros((CASES, 1))
        return np.stack([one, one, train, one]), np.stack([none, one, serve, none])

    def costs(self, n, d):
        train, serve = self.takes
        return train * 6 * n * d + serve * 2 * n * self.b["served"]

    @property
    def most_tokens(self):
        return (
            self.b["max_tokens"]
            if self.repeats is not None
            else np.minimum(self.b["max_tokens"], self.b["unique"])
        )

    def tokens_left(self, n):
        train, serve = self.takes
        left = (self.b["limits"] - serve * 2 * n * self.b["served"]) / (train * 6 * n)
        return np.minimum(np.where(left > 0, left, np.nan).min(axis=0), self.most_tokens)


def least(objective):
    """The size of least objective, NaN where there is none, by grids each about the best of the
    last: shape (cases, 1).
    """
    low, high = np.full((CASES, 1), np.log(1e4)), np.full((CASES, 1), np.log(1e17))
    for _ in range(ROUNDS):
        grid = low + (high - low) * np.linspace(0, 1, NODES)
        values = objective(np.exp(grid))
        values = np.where(np.isnan(values), np.inf, values)
        best = values.argmin(axis=1)[:, None]
        low, high = (
            np.take_along_axis(grid, np.clip(best + side, 0, NODES - 1), axis=1) for side in (-1, 1)
        )
    size = np.exp(np.take_along_axis(grid, best, axis=1))
    return np.where(np.isfinite(np.take_along_axis(values, best, axis=1)), size, np.nan)


@pytest.fixture(scope="module", params=LAWS, ids=list(LAWS))
def case(request):
    law, repeats = LAWS[request.param]
    params, bounds = random_cases(law, seed=len(request.param))
    hand = ByHand(params, bounds, repeats)
    objective = PlanObjective(law, repeats, SixND())
    train, serve = hand.takes
    log_unique = np.log(np.minimum(bounds["unique"], np.exp(200)))
    most_params, most_tokens = (
        np.minimum(np.log(most), 200.0) for most in (bounds["max_params"], hand.most_tokens)
    )
    limits = Limits(bounds["limits"], most_params, most_tokens)
    scenario = Scenario(
        params, bounds["served"], log_unique, np.full_like(log_unique, 200.0), train, serve
    )
    if repeats is not None:
        scenario = replace(scenario, log_filled=float64(filled)(objective, scenario))
    return hand, objective, limits, scenario


@float64
def found_least_loss(objective, limits, scenario):
    return minimize_loss(objective, limits, scenario)


def within_params(values, hand, n):
    return np.where(n <= hand.b["max_params"], values, np.nan)


@pytest.mark.filterwarnings(
    "ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning"
)
def test_the_plan_of_least_loss_is_that_of_a_grid(case):
    hand, objective, limits, scenario = case
    plans = found_least_loss(objective, limits, scenario)
    expected = least(lambda n: within_params(hand.loss(n, hand.tokens_left(n)), hand, n))
    np.testing.assert_allclose(
        np.exp(plans.log_loss), hand.loss(expected, hand.tokens_left(expected)), rtol=1e-9
    )
    # Where data run out, parameters may be worth nothing over decades, and every size there is the
    # best.
    sharp = (
        hand.loss(2 * expected, hand.tokens_left(expected))
        < hand.loss(expected, hand.tokens_left(expected)) - 1e-9
    )
    assert sharp.mean() > 0.95
    np.testing.assert_allclose(np.exp(plans.log_n)[sharp], expected[sharp], rtol=1e-3)
    np.testing.assert_allclose(
        np.exp(plans.log_d)[sharp], hand.tokens_left(expected)[sharp], rtol=1e-3
    )


def test_the_plan_of_least_loss_keeps_to_every_bound(case):
    hand, objective, limits, scenario = case
    plans = found_least_loss(objective, limits, scenario)
    n, d = np.exp(plans.log_n), np.exp(plans.log_d)
    assert (hand.costs(n, d) <= hand.b["limits"] * (1 + 1e-9)).all()
    assert (n <= hand.b["max_params"] * (1 + 1e-9)).all()
    assert (d <= hand.most_tokens * (1 + 1e-9)).all()


@pytest.mark.filterwarnings(
    "ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning"
)
def test_the_cheapest_plan_for_a_loss_is_that_of_a_grid_and_there_is_none_where_the_grid_has_none(
    case,
):
    hand, objective, limits, scenario = case
    reached = np.exp(found_least_loss(objective, limits, scenario).log_loss)
    # A fifth asks for less than the bounds allow.
    harder = np.random.default_rng(7).random((CASES, 1)) < 0.2
    target = hand.c["E"] + (reached - hand.c["E"]) * np.where(harder, 0.97, 1.08)

    def cost(n):
        d = hand.tokens_for(n, target)
        good = (
            (hand.costs(n, d) <= hand.b["limits"]).all(axis=0)
            & (n <= hand.b["max_params"])
            & (d <= hand.most_tokens)
        )
        return np.where(good, hand.costs(n, d)[2], np.nan)

    expected = least(cost)
    plans = float64(least_cost)(objective, limits, scenario, np.log(target), np.array(2))
    np.testing.assert_array_equal(np.asarray(plans.feasible), np.isfinite(expected))
    assert 0.75 < np.mean(plans.feasible) < 0.85
    there = np.asarray(plans.feasible)
    np.testing.assert_allclose(np.exp(plans.log_n)[there], expected[there], rtol=1e-3)
    np.testing.assert_allclose(np.exp(plans.log_loss)[there], target[there], rtol=1e-9)


def test_sizes_that_are_no_worse_end_where_the_loss_is_the_bound(case):
    hand, objective, limits, scenario = case
    best = found_least_loss(objective, limits, scenario)
    allowed = np.exp(best.log_loss) + 0.01
    ends = float64(no_worse)(objective, limits, scenario, best.log_n, np.log(allowed))
    for end, side in zip(ends, (-1, 1), strict=True):
        n = np.exp(end)
        outside = (
            np.log(n) >= np.asarray(limits.log_params) - 1e-9
            if side > 0
            else np.zeros_like(n, dtype=bool)
        )
        at_end = hand.loss(n, hand.tokens_left(n))
        np.testing.assert_allclose(at_end[~outside], allowed[~outside], rtol=1e-6)
        assert (at_end <= allowed * (1 + 1e-9)).all()
