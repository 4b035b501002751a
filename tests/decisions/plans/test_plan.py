"""Plans of one posterior under departures: every verb has the same best size."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.cli._outlook import outlook
from bayescale.decisions.plans.plan import Plan
from bayescale.laws import Chinchilla
from bayescale.noise import Discrepancy, Normal
from bayescale.processes import OptimumDrift, SizeEffect
from tests.conftest import with_a_size_of_two_runs

LAW = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}
# The outlook has it: a hundred times the dearest run.
COMPUTE = 6e22


@pytest.fixture(scope="module")
def posterior(made_posterior):
    noise = Discrepancy(Normal(), (OptimumDrift(), SizeEffect()))
    given = LAW | {"tilt_sd": 0.02, "size_sd": 0.01}
    params = {name: np.full((2, 50), value) for name, value in given.items()}
    return with_a_size_of_two_runs(made_posterior(Chinchilla(), noise, params))


@pytest.fixture(scope="module")
def planned(posterior) -> Plan:
    return bs.plan(posterior, COMPUTE)


def test_plan_allocate_and_the_outlook_of_a_fit_have_the_same_best_sizes(posterior, planned):
    own = planned.allocation.draws["n_params"].sel(compute=COMPUTE)
    allocated = bs.allocate(posterior, COMPUTE).draws["n_params"].sel(compute=COMPUTE)
    plans = outlook(posterior).plans
    assert plans is not None
    in_outlook = plans.draws["n_params"].sel(compute=COMPUTE, method="nearest")
    assert in_outlook["compute"].item() == COMPUTE
    np.testing.assert_array_equal(own, allocated)
    np.testing.assert_allclose(in_outlook, own, rtol=1e-6)


def test_the_planned_size_is_good_over_all_draws_of_the_same_surface(planned):
    sizes = planned.allocation.draws["n_params"]
    assert sizes.min() < planned.n_params < sizes.max()
    extra = planned.regret.summary().loc["least expected regret", "extra_loss"]
    least = planned.flat_set.least_regret["expected_regret"].iloc[0]
    assert extra == pytest.approx(least, rel=1e-6)


def test_the_forecast_of_the_planned_run_has_what_its_size_may_add(planned):
    forecast = planned.forecast.frame.iloc[0]
    at_best = planned.allocation.summary().xs("loss", level="quantity").iloc[0]
    assert forecast["loss_sd"] > at_best["sd"] > 0
