"""Plans under departures that runs share, against SciPy's splines and grids of sizes."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from threadpoolctl import threadpool_limits

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.plans._departures import (
    KNOTS,
    Departures,
    at_knots,
    lattice_ends,
)
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans.constraints import Constraints
from bayescale.laws import Chinchilla
from bayescale.noise import Discrepancy, Normal
from bayescale.processes import Matern, OptimumDrift, SharedEffect, SizeEffect
from tests.conftest import with_a_size_of_two_runs

BUDGETS = np.array([1e18, 1e20, 1e22])
LAW = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}


@pytest.fixture(scope="module")
def posterior(made_posterior):
    params = {name: np.full((2, 20), value) for name, value in LAW.items()} | {
        "matern_sd": np.full((2, 20), 0.05)
    }
    return made_posterior(Chinchilla(), Discrepancy(Normal(), (Matern(),)), params)


@float64
def losses(posterior, log_n, budget):
    return np.exp(Planner.of(posterior).log_loss(log_n, np.log(budget / 6) - log_n))


@pytest.fixture(scope="module")
def plans(posterior):
    """The best plans at the three budgets."""
    return bs.allocate(posterior, BUDGETS).draws


@pytest.fixture(scope="module")
@float64
def surface(posterior):
    return Departures.of(posterior, 40, np.zeros(1), seed=3)


# As one program, and not one for each operation.
departures_at = jax.jit(lambda surface, log_n, log_d: surface.at(log_n, log_d))


def test_without_departures_there_is_no_surface(made_posterior):
    assert Planner.of(made_posterior(Chinchilla(), Normal(), LAW)).scenario.departures is None


@float64
def test_the_surface_goes_through_what_was_drawn_at_its_knots(posterior, surface):
    knots = at_knots(lattice_ends(posterior))
    log_n, log_d = np.log(knots["n_params"])[None], np.log(knots["n_tokens"])[None]
    # In as many threads as the surface: the last bits of an eigenvalue problem hang on them.
    with threadpool_limits(1, "blas"):
        drawn = posterior.log_departure(knots, 3).reshape(40, -1)
    np.testing.assert_allclose(departures_at(surface, log_n, log_d), drawn, atol=1e-12)


@float64
def test_between_knots_it_is_the_cubic_spline_of_scipy(surface):
    by_compute, by_ratio = KNOTS
    inner = surface.coefficients.reshape(40, by_compute + 2, by_ratio + 2)[:, 1:-1, 1:-1]
    rng = np.random.default_rng(0)
    indices = np.stack([rng.uniform(0, by_compute - 1, 100), rng.uniform(0, by_ratio - 1, 100)])
    log_nd, log_ratio = (surface.least[:, 0] + surface.step[:, 0] * indices)[:, None]
    found = departures_at(surface, (log_nd - log_ratio) / 2, (log_nd + log_ratio) / 2)
    expected = [
        map_coordinates(one, indices, order=3, mode="mirror", prefilter=False) for one in inner
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@float64
def test_beyond_its_lattice_it_stays_as_at_the_border(surface):
    log_nd, log_ratio = surface.least[:, 0, 0]
    log_n, log_d = (log_nd - log_ratio) / 2, (log_nd + log_ratio) / 2
    border = departures_at(surface, log_n, log_d)
    cheaper = departures_at(surface, log_n - 3, log_d - 3)
    shorter = departures_at(surface, log_n + 3, log_d - 3)
    np.testing.assert_allclose(cheaper, border, atol=1e-12)
    np.testing.assert_allclose(shorter, border, atol=1e-12)


@float64
def test_the_best_size_on_the_spline_is_that_on_what_was_drawn_there(made_posterior):
    """Under a drift of the optimum, whose path along compute is rough, and a smooth surface."""
    noise = Discrepancy(Normal(), (Matern(), OptimumDrift()))
    given = LAW | {"matern_sd": 0.03, "tilt_sd": 0.02}
    params = {name: np.full((2, 20), value) for name, value in given.items()}
    posterior = made_posterior(Chinchilla(), noise, params)
    ends = lattice_ends(posterior)
    log_n = np.linspace(np.log(1e8), np.log(1e11), 81)
    log_d = np.log(1e21 / 6) - log_n
    places = at_knots(ends)
    knots = places["n_params"].size
    drawn = posterior.log_departure(
        {
            "n_params": np.append(places["n_params"], np.exp(log_n)),
            "n_tokens": np.append(places["n_tokens"], np.exp(log_d)),
        }
    ).reshape(40, -1)
    splines = Departures.through(drawn[:, :knots].reshape(40, *KNOTS), ends)
    law = posterior.log_law({"n_params": np.exp(log_n), "n_tokens": np.exp(log_d)}).reshape(40, -1)
    direct = _vertex(log_n, law + drawn[:, knots:])
    on_splines = _vertex(log_n, law + departures_at(splines, log_n[None], log_d[None]))
    decades = (on_splines - direct) / np.log(10)
    assert np.std(direct) / np.log(10) > 0.1
    assert np.std(decades) < 0.01


def _vertex(x, y):
    """Return where a parabola through the least of each row of y and its neighbours is least."""
    place = np.clip(y.argmin(axis=1), 1, len(x) - 2)
    rows = np.arange(len(y))
    before, at, after = y[rows, place - 1], y[rows, place], y[rows, place + 1]
    return x[place] + (x[1] - x[0]) * (before - after) / (2 * (before - 2 * at + after))


def test_the_best_plan_is_the_best_of_a_fine_grid_of_sizes(posterior, plans):
    log_n = np.broadcast_to(np.linspace(np.log(1e5), np.log(1e13), 4001), (40, 4001))
    for budget in BUDGETS:
        on_grid, at = losses(posterior, log_n, budget), plans.sel(compute=budget)
        assert (at["loss"].to_numpy() <= on_grid.min(axis=1) + 1e-12).all()
        np.testing.assert_allclose(
            np.log(at["n_params"]), log_n[0, on_grid.argmin(axis=1)], atol=0.01
        )


def test_departures_move_the_best_plan_from_that_of_the_law_alone(plans, made_posterior):
    law = made_posterior(Chinchilla(), Normal(), LAW)
    alone = bs.allocate(law, BUDGETS).draws["n_params"].to_numpy()
    moved = np.log(plans["n_params"].to_numpy() / alone)
    assert (np.std(moved, axis=0) > 0.01).all()


@float64
def test_the_least_compute_for_a_loss_is_where_the_best_plan_first_reaches_it(posterior, plans):
    planner = Planner.of(posterior)
    target = float(plans["loss"].isel(compute=1).median())
    found = bs.allocate(posterior, target_loss=target).draws.isel(target_loss=0, draw=slice(5))
    compute = 6 * found["n_params"] * found["n_tokens"]
    np.testing.assert_allclose(found["loss"], target, rtol=1e-7)
    for draw, needed in enumerate(compute.to_numpy()):
        # Three at a time, as the other plans are, which compiles nothing more.
        for some in np.geomspace(needed / 100, needed * 0.999, 21).reshape(7, 3):
            below = np.exp(planner.minimize_loss({"compute": some}).log_loss[draw])
            assert (below > target).all()


def test_effects_of_a_group_and_of_a_size_make_no_plan_better_or_worse(made_posterior):
    noise = Discrepancy(Normal(), (SharedEffect(), SizeEffect()))
    given = LAW | {"group_sd": 0.05, "size_sd": 0.05}
    params = {name: np.full((2, 20), value) for name, value in given.items()}
    shared = bs.allocate(made_posterior(Chinchilla(), noise, params), BUDGETS).draws
    alone = bs.allocate(made_posterior(Chinchilla(), Normal(), LAW), BUDGETS).draws.isel(draw=0)
    for name in ("n_params", "loss"):
        expected = np.broadcast_to(alone[name], (40, 3))
        np.testing.assert_allclose(shared[name], expected, rtol=1e-12)


def test_a_forecast_of_a_named_size_has_the_effect_of_that_size(made_posterior):
    noise = Discrepancy(Normal(), (SizeEffect(),))
    given = LAW | {"size_sd": 0.05}
    params = {name: np.full((2, 20), value) for name, value in given.items()}
    posterior = with_a_size_of_two_runs(made_posterior(Chinchilla(), noise, params))
    run, sizes = 0, posterior.runs.column("n_params")
    at = {"n_params": sizes[[run]], "n_tokens": np.array([1e13])}
    of_that_size = posterior.log_departure()[..., run].reshape(-1)
    assert np.std(of_that_size) > 0.02
    np.testing.assert_allclose(posterior.log_departure(at).reshape(-1), of_that_size)


def test_a_bound_on_size_holds_under_departures(posterior):
    bounded = bs.allocate(posterior, BUDGETS, constraints=Constraints(max_params=3e8)).draws
    assert (bounded["n_params"] <= 3e8 * (1 + 1e-9)).all()


def test_the_best_plan_of_a_draw_has_no_regret_in_it(posterior, plans):
    own = plans.isel(draw=7).to_dataframe()[["n_params", "n_tokens"]]
    extra = bs.regret(posterior, own.set_index(np.array(["a", "b", "c"]))).draws["extra_loss"]
    np.testing.assert_allclose(extra.isel(draw=7), 0, atol=1e-9)
    assert (extra >= 0).all()
    assert (extra.mean("draw") > 1e-5).all()


def test_at_the_ends_of_a_flat_set_the_loss_is_epsilon_above_the_least(posterior, plans):
    found = bs.flat_set(posterior, BUDGETS, epsilon=0.01).draws
    for end in ("low", "high"):
        at_end = losses(posterior, np.log(found[end].to_numpy()), BUDGETS)
        np.testing.assert_allclose(at_end - plans["loss"], 0.01, atol=1e-6)


def test_a_point_fit_meets_every_draw_of_what_is_uncertain(posterior):
    point = replace(
        posterior,
        params={name: values[:1, :1] for name, values in posterior.params.items()},
        coefficients=posterior.coefficients[:1, :1],
    )
    served = Constraints(inference_tokens=np.geomspace(1e10, 1e12, 1000))
    assert bs.allocate(point, BUDGETS, constraints=served).draws.sizes["draw"] == 1000
