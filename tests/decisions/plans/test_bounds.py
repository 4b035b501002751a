"""Every budget with every bound, alone and in pairs, against first principles in plain NumPy."""

import dataclasses
import itertools
import re

import numpy as np
import pytest

import bayescale as bs
from bayescale.decisions.plans.bounds import AMOUNTS, BOUNDS, BUDGETS, TARGET_LOSS, UNIQUE_TOKENS
from bayescale.errors import InputError
from tests.known_posteriors import known_posterior

SERVED, TRAIN_PRICE, SERVE_PRICE, SPEED = 1e12, 2e-18, 5e-18, 4e17
SAID = {
    "inference_tokens": SERVED,
    "train_price": TRAIN_PRICE,
    "serve_price": SERVE_PRICE,
    "flops_per_second": SPEED,
}
AT_A_BUDGET = {"compute": 1e24, "lifetime_compute": 1e24, "cost": 2e6, "target_loss": 1.95}
NAMES = [*(kind.name for kind in BOUNDS), UNIQUE_TOKENS.name]
SETS = [(), *itertools.combinations(NAMES, 1), *itertools.combinations(NAMES, 2)]
# A compiler may drop a NaN from a minimum over many draws and not over few.
MANY_DRAWS, CHECKED = 2000, slice(None, None, 100)
# A search for a loss is within another for its tokens.
FEW_DRAWS = 201


@pytest.fixture(scope="module")
def posterior():
    return known_posterior(bs.datasets.simulate(seed=1), shape=(1, MANY_DRAWS))


@pytest.fixture(scope="module")
def few_draws():
    return known_posterior(bs.datasets.simulate(seed=1), shape=(1, FEW_DRAWS))


def used(n, d):
    """Return how much of each limited quantity a plan uses, by the name of its bound."""
    train, serve = 6 * n * d, 2 * n * SERVED
    by_budget = {
        "compute": train,
        "lifetime_compute": train + serve,
        "cost": TRAIN_PRICE * train + SERVE_PRICE * serve,
    }
    return by_budget | {
        "max_params": n,
        "max_tokens": d,
        "unique_tokens": d,
        "max_days": train / (SPEED * 86400),
        **{f"max_{name}": amount for name, amount in by_budget.items()},
    }


def losses(posterior, n, d):
    """The law's loss in the draws that are checked, for arrays of shape (draws, ...)."""
    at = {
        p.name: posterior.draws(p.name)[CHECKED].reshape(-1, *(1,) * (n.ndim - 1))
        for p in posterior.law.parameters
    }
    return at["E"] + at["A"] * n ** -at["alpha"] + at["B"] * d ** -at["beta"]


def grid(n, d, decades):
    """Plans about one of each draw, on a grid of sizes and tokens."""
    factors = 10 ** np.linspace(-decades, decades, 101)
    n, d = n[:, None, None] * factors[:, None], d[:, None, None] * factors
    return np.broadcast_arrays(n, d)


def is_within(limits, n, d, tolerance=0.0):
    amounts = used(n, d)
    return np.all(
        [amounts[name] <= limit * (1 + tolerance) for name, limit in limits.items()], axis=0
    )


def tight_bounds(posterior, over, names, factor=0.5):
    """Bounds that each forbid the plan which would be the best without them."""
    best = bs.allocate(
        posterior, **{over: AT_A_BUDGET[over]}, constraints=bs.Constraints(**SAID)
    ).draws
    n, d = (float(np.median(best[name])) for name in ("n_params", "n_tokens"))
    return {name: factor * used(n, d)[name] for name in names}


def test_every_kind_of_bound_is_a_field_of_the_constraints_and_nothing_else_is():
    fields = [field.name for field in dataclasses.fields(bs.Constraints)]
    assert set(NAMES) <= set(fields)
    assert {name for name in fields if name.startswith("max_")} == {kind.name for kind in BOUNDS}
    assert set(NAMES) | set(BUDGETS) == set(used(1.0, 1.0))


@pytest.mark.parametrize("names", SETS, ids=" and ".join)
@pytest.mark.parametrize("over", BUDGETS)
def test_a_budget_within_bounds_is_spent_as_well_as_can_be(posterior, over, names):
    bounds = tight_bounds(posterior, over, names)
    plans = bs.allocate(
        posterior, **{over: AT_A_BUDGET[over]}, constraints=bs.Constraints(**SAID, **bounds)
    )
    n, d = (plans.draws[name].to_numpy()[:, 0] for name in ("n_params", "n_tokens"))
    limits = bounds | {over: AT_A_BUDGET[over]}
    assert is_within(limits, n, d, tolerance=1e-9).all()
    assert set(plans.binding_shares(AT_A_BUDGET[over])) == set(limits)
    assert sum(plans.binding_shares(AT_A_BUDGET[over]).values()) > 1 - 1e-9
    n, d = n[CHECKED], d[CHECKED]
    near_n, near_d = grid(n, d, decades=0.5)
    near = np.where(is_within(limits, near_n, near_d), losses(posterior, near_n, near_d), np.inf)
    assert (near.min(axis=(1, 2)) >= losses(posterior, n, d) - 1e-9).all()
    np.testing.assert_allclose(plans.draws["loss"][CHECKED, 0], losses(posterior, n, d), rtol=1e-9)


@pytest.mark.parametrize("factor", [0.97, 0.3])
@pytest.mark.parametrize("names", SETS, ids=" and ".join)
def test_a_loss_is_reached_within_bounds_at_the_least_cost_or_said_to_be_out_of_reach(
    few_draws, names, factor
):
    over, target = TARGET_LOSS.name, AT_A_BUDGET[TARGET_LOSS.name]
    bounds = tight_bounds(few_draws, over, names, factor)
    constraints = bs.Constraints(**SAID, **bounds)
    n = np.full(len(few_draws.draws("E")[CHECKED]), 1e10)
    anywhere = grid(n, 10 * n, decades=4)
    reached = is_within(bounds, *anywhere) & (losses(few_draws, *anywhere) <= target)
    try:
        plans = bs.allocate(few_draws, target_loss=target, constraints=constraints)
    except InputError as refusal:
        assert re.match(rf"No draw reaches a loss of {target:g}(:| within)", str(refusal))
        assert any(name in str(refusal) for name in names)
        assert not reached.any()
        return
    n, d = (plans.draws[name].to_numpy()[:, 0] for name in ("n_params", "n_tokens"))
    feasible = plans.draws["feasible"].to_numpy()[:, 0] == 1
    assert is_within(bounds, n[feasible], d[feasible], tolerance=1e-6).all()
    n, d, feasible = n[CHECKED], d[CHECKED], feasible[CHECKED]
    assert not reached[~feasible].any()
    np.testing.assert_allclose(losses(few_draws, n, d)[feasible], target, rtol=1e-9)
    near_n, near_d = grid(n, d, decades=0.5)
    good = is_within(bounds, near_n, near_d) & (losses(few_draws, near_n, near_d) <= target)
    near = np.where(good, used(near_n, near_d)["cost"], np.inf)[feasible]
    assert (near.min(axis=(1, 2)) >= used(n, d)["cost"][feasible] * (1 - 1e-9)).all()


def test_all_sets_of_bounds_share_their_programs(posterior):
    from bayescale.decisions.plans import _optimum
    from bayescale.decisions.plans._planning import Planner

    def shapes(names):
        bounds = tight_bounds(posterior, "compute", names)
        limits = Planner.of(posterior, bs.Constraints(**SAID, **bounds)).limits(
            {"compute": np.array([1e24])}
        )
        assert isinstance(limits, _optimum.Limits)
        return [np.shape(array) for array in vars(limits).values()]

    assert all(shapes(names) == shapes(()) for names in SETS[:8])


def test_draws_that_cannot_serve_within_a_budget_have_no_plan_and_are_told(posterior):
    served = np.array([1e12, 1e24])
    plans = bs.allocate(
        posterior, lifetime_compute=1e24, constraints=bs.Constraints(inference_tokens=served)
    )
    feasible = plans.draws["feasible"].to_numpy()[:, 0] == 1
    assert 0.4 < feasible.mean() < 0.6
    assert np.isnan(plans.draws["n_params"].to_numpy()[~feasible]).all()
    assert (plans.draws["n_params"].to_numpy()[feasible] > 1e9).all()


@pytest.mark.parametrize("verb", [bs.flat_set, bs.returns])
def test_sizes_are_not_compared_where_some_draws_have_no_plan(posterior, verb):
    served = bs.Constraints(inference_tokens=np.array([1e12, 1e24]))
    with pytest.raises(InputError, match=r"Within lifetime_compute there is no plan in 0\.\d+ of"):
        verb(posterior, lifetime_compute=1e24, constraints=served)


@pytest.mark.parametrize("name", ["max_params", "max_tokens"])
def test_a_bound_below_one_leaves_no_plan_and_is_named(posterior, name):
    with pytest.raises(InputError, match=rf"Within compute, {name} not even a model of one param"):
        bs.allocate(posterior, 1e24, constraints=bs.Constraints(**{name: 0.5}))


def test_a_model_beyond_all_that_are_looked_at_is_refused(posterior):
    with pytest.raises(InputError, match="more parameters than any that is looked at"):
        bs.allocate(posterior, 1e300, constraints=bs.Constraints(max_tokens=1e12))


def test_every_amount_that_can_be_asked_for_is_an_argument():
    assert set(AMOUNTS) == set(AT_A_BUDGET)
