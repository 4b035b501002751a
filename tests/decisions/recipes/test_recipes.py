"""Two recipes compared: known multipliers found again, against formulas written out, and what may
be asked.
"""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.recipes.recipe_law import RecipeLaw
from bayescale.decisions.recipes.recipes import Recipes
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, Coupled, PowerLaw
from bayescale.noise import GroupEffects, Huber, Normal
from bayescale.sweep import Sweep

N_MULTIPLIER, D_MULTIPLIER, FLOOR = 2.0, 1.5, 0.97
BASE = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
BETTER = BASE | {
    "E": FLOOR * 1.69,
    "A": 406.4 / N_MULTIPLIER**0.34,
    "B": 410.7 / D_MULTIPLIER**0.28,
}
SWEEP = {"budgets": (1e18, 1e19, 1e20), "sizes_per_budget": 5}


def sweeps(noise=0.01, seed=1, candidate=BETTER, **base):
    """Runs of both in one frame, and of a third that matters to no one."""
    old, new, other = (
        bs.datasets.simulate(seed + i, noise=noise, **SWEEP, **params).frame
        for i, params in enumerate((BASE | base, candidate, BASE))
    )
    parts = [old.assign(group="old"), new.assign(group="new"), other.assign(group="other")]
    return bs.Runs.from_frame(pd.concat(parts, ignore_index=True))


@pytest.fixture(scope="module")
def exact():
    """A point fit of runs with almost no noise."""
    return bs.recipes(
        sweeps(noise=1e-5), "old", "new", noise=Normal(), method=bs.MultiStart(starts=100)
    )


def at_the_truth(compute, floor=FLOOR):
    """The result where every draw is the truth; nothing is fitted."""
    truth = {
        **BASE,
        "n_params_multiplier": N_MULTIPLIER,
        "n_tokens_multiplier": D_MULTIPLIER,
        "sigma": 0.01,
    }
    law = RecipeLaw(own_floor=floor is not None)
    truth |= {} if floor is None else {"floor_ratio": floor}
    params = {name: np.full(3, value) for name, value in truth.items()}
    return Recipes(
        "old",
        "new",
        sweeps(),
        law,
        Normal(),
        bs.NUTS(),
        params,
        np.atleast_1d(np.asarray(compute, dtype=float)),
    )


def best_loss(params, compute):
    """Return the least loss of Chinchilla's law at a budget, by search."""
    n = np.geomspace(1e6, 1e14, 200_001)
    return np.min(
        params["E"]
        + params["A"] / n ** params["alpha"]
        + params["B"] / (compute / 6 / n) ** params["beta"]
    )


def test_known_multipliers_are_found_again(exact):
    median = exact.summary()["q50"].droplevel("compute")
    assert median["n_params_multiplier"] == pytest.approx(N_MULTIPLIER, rel=0.01)
    assert median["n_tokens_multiplier"] == pytest.approx(D_MULTIPLIER, rel=0.01)
    assert median["floor_ratio"] == pytest.approx(FLOOR, rel=0.002)
    for name, value in BASE.items():
        assert np.median(exact.params[name]) == pytest.approx(value, rel=0.05)


def test_the_law_of_each_recipe_is_that_of_its_own_constants():
    params = {
        **BASE,
        "n_params_multiplier": N_MULTIPLIER,
        "n_tokens_multiplier": D_MULTIPLIER,
        "floor_ratio": FLOOR,
    }
    at = {"n_params": np.log([1e8, 1e10]), "n_tokens": np.log([1e10, 1e11])}
    law = RecipeLaw(own_floor=True)
    for recipe, own in ((0.0, BASE), (1.0, BETTER)):
        np.testing.assert_allclose(
            law.predict(params, {**at, "recipe": recipe}),
            Chinchilla().predict(own, at),
            rtol=1e-6,
        )


@pytest.mark.parametrize(
    "law", [RecipeLaw(own_floor=True), RecipeLaw(Coupled())], ids=["own_floor", "coupled"]
)
def test_its_formula_holds_in_any_units(law):
    rng = np.random.default_rng(0)
    inside = {p.name: rng.uniform(0.5, 1.5, size=4) for p in law.parameters}
    units = {"n_params": 1e9, "n_tokens": 2e10, "recipe": np.e**0.4, "loss": 3.0}
    counts = law.rescale(inside, units)
    log_inputs = {"n_params": np.log(3e8), "n_tokens": np.log(5e9), "recipe": 1.0}
    centred = {name: value - np.log(units[name]) for name, value in log_inputs.items()}
    np.testing.assert_allclose(
        law.predict(counts, log_inputs), law.predict(inside, centred) + np.log(3.0), rtol=1e-5
    )


def test_the_joint_prior_of_the_base_holds_for_the_base_of_two_recipes():
    base, law = Coupled(), RecipeLaw(Coupled(), own_floor=True)
    middle = {row.name: 0.1 * i for i, row in enumerate(law.coordinates)}
    found, expected = (one.from_coordinates(middle, Sweep(1.0)) for one in (law, base))
    assert {name: float(value) for name, value in found.items()} == {
        name: float(value) for name, value in expected.items()
    }
    assert set(found) == {row.name for row in law.parameters}
    compute = np.arange(20.0)
    np.testing.assert_array_equal(law.reference_rows(compute), base.reference_rows(compute))


def test_straight_coordinates_go_back():
    law = RecipeLaw(own_floor=True)
    logs = list(np.linspace(-0.5, 0.6, len(law.parameters)))
    np.testing.assert_allclose(law.recorrelate(law.decorrelate(logs)), logs, atol=1e-6)


def test_gain_is_the_difference_of_the_two_frontiers():
    compute = np.array([1e20, 1e24])
    gain = at_the_truth(compute).draws["gain"].to_numpy()
    np.testing.assert_allclose(
        gain, [[best_loss(BASE, c) - best_loss(BETTER, c) for c in compute]] * 3, rtol=1e-6
    )


def test_the_base_reaches_the_candidates_loss_with_the_effective_compute():
    compute = np.array([1e20, 1e22])
    effective = at_the_truth(compute).draws["compute_multiplier"].to_numpy()[0] * compute
    for ours, theirs in zip(effective, compute, strict=True):
        assert best_loss(BASE, ours) == pytest.approx(best_loss(BETTER, theirs), rel=1e-8)


def test_effective_compute_is_infinite_where_no_compute_takes_the_base_so_far():
    found = at_the_truth([1e20, 1e28], floor=0.9)
    assert np.isfinite(found.draws["compute_multiplier"].isel(compute=0)).all()
    assert np.isinf(found.draws["compute_multiplier"].isel(compute=1)).all()
    assert found.summary().loc[("compute_multiplier", 1e28), "q50"] == np.inf
    assert "∞" in found.sentences[0]


def test_with_one_floor_effective_compute_is_the_product_of_the_multipliers_at_every_scale():
    draws = at_the_truth([1e18, 1e22, 1e26], floor=None).draws
    np.testing.assert_allclose(draws["compute_multiplier"], N_MULTIPLIER * D_MULTIPLIER)
    assert "floor_ratio" not in draws


def test_the_two_ways_to_effective_compute_agree_where_floors_are_equal():
    closed, searched = (
        at_the_truth([1e21], floor=floor).draws["compute_multiplier"] for floor in (None, 1.0)
    )
    np.testing.assert_allclose(closed, searched, rtol=1e-9)


def test_swapped_recipes_have_inverse_multipliers(exact):
    turned = bs.recipes(
        sweeps(noise=1e-5), "new", "old", noise=Normal(), method=bs.MultiStart(starts=100)
    )
    for name in ("n_params_multiplier", "n_tokens_multiplier", "floor_ratio"):
        assert np.median(turned.params[name]) * np.median(exact.params[name]) == pytest.approx(
            1.0, rel=0.01
        )


def test_better_is_the_probability_that_the_candidate_is_better(exact):
    better = exact.frame.set_index("quantity")["better"]
    assert (better == 1.0).all()


def test_recipes_are_compared_at_the_largest_compute_and_a_hundred_times_that(exact):
    np.testing.assert_allclose(exact.compute, [1e20, 1e22])


def test_other_groups_are_left_out(exact):
    assert set(exact.runs.frame["group"]) == {"old", "new"} and len(exact.runs) == 30


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"candidate": "newest"}, "no group 'newest'; it has new, old, other"),
        ({"candidate": "old"}, "both 'old'"),
        ({"law": PowerLaw(input="n_params")}, "needs a law of N and D"),
        ({"noise": Huber()}, "has no density"),
        ({"noise": GroupEffects()}, "groups are the recipes"),
        ({"compute": [1e20, -1.0]}, "positive numbers of FLOPs"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    with pytest.raises(InputError, match=message):
        bs.recipes(sweeps(), **{"base": "old", "candidate": "new", **asked})


def test_runs_without_recipes_are_refused():
    with pytest.raises(InputError, match="has no column group"):
        bs.recipes(sweeps().frame.drop(columns="group"), "old", "new")


@pytest.mark.slow
def test_intervals_hold_what_was_simulated():
    """Six pairs of sweeps; by chance a count is below its bound about once in a thousand."""
    truth = {
        "n_params_multiplier": N_MULTIPLIER,
        "n_tokens_multiplier": D_MULTIPLIER,
        "compute_multiplier": N_MULTIPLIER * D_MULTIPLIER,
    }
    held = dict.fromkeys(truth, 0)
    candidate = BETTER | {"E": BASE["E"]}
    for pair in range(6):
        runs, method = sweeps(seed=10 * pair, candidate=candidate), bs.Importance(draws=1000)
        table = bs.recipes(
            runs, "old", "new", compute=1e20, shared_floor=True, noise=Normal(), method=method
        ).frame
        for row in table[table["quantity"].isin(truth)].to_dict("records"):
            held[row["quantity"]] += int(row["q05"] <= truth[row["quantity"]] <= row["q95"])
    assert min(held.values()) >= 3
