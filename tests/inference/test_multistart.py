"""`MultiStart`: the global minimum, against SciPy, and what it says of itself."""

import numpy as np
import pytest
import scipy.optimize

import bayescale as bs
from bayescale.inference.base import Problem
from bayescale.noise.base import Conditions
from tests.inference.conftest import BLOCK

# Starts that fill one block of the program that more starts go through block by block.
QUICK = bs.MultiStart(starts=BLOCK)


@pytest.fixture(scope="module")
def point(sweep: bs.Runs) -> bs.Posterior:
    """A point fit with the default number of starts."""
    return bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(), method=bs.MultiStart())


def test_it_ends_where_scipy_ends(sweep: bs.Runs, point: bs.Posterior) -> None:
    law, noise = bs.laws.Chinchilla(), bs.noise.Huber()
    log_inputs = {name: np.log(sweep.column(name)) for name in law.inputs}

    def objective(v: np.ndarray) -> float:
        params = dict(zip(("E", "A", "B", "alpha", "beta"), np.exp(v), strict=True))
        residual = np.log(sweep.column("loss")) - np.asarray(law.predict(params, log_inputs))
        return float(np.sum(noise.rho(residual, {}, Conditions())))

    start = np.log([point.draws(name).item() for name in ("E", "A", "B", "alpha", "beta")])
    assert objective(start) == pytest.approx(
        point.objective, rel=1e-4
    )  # JAX is in single precision here
    found = scipy.optimize.minimize(
        objective, start + 0.01, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12}
    )
    assert point.objective <= found.fun * (1 + 1e-4)


def test_noise_free_runs_give_back_every_parameter() -> None:
    runs = bs.datasets.simulate(seed=0, noise=0.0)
    point = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(), method=QUICK)
    for name, value in {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}.items():
        assert point.draws(name).item() == pytest.approx(value, rel=1e-6)


def test_it_counts_the_starts_that_reach_the_best_basin(point: bs.Posterior) -> None:
    says = point.diagnostics
    assert 1125 <= says["starts_in_best_basin"] <= says["starts"] == 4500
    assert says["second_basin_gap"] > 0
    # In double precision F is flat to its last digit where the gradient is some 1e-6 of it.
    assert says["gradient_norm"] < 1e-5
    assert says["failed_starts"] == 0


def test_a_floor_that_the_data_do_not_want_is_reported() -> None:
    runs = bs.datasets.simulate(seed=0, noise=1e-4, E=1e-9)
    with pytest.warns(
        bs.FitWarning, match=r"E ran to the end of its range.*Choose a law without it"
    ):
        bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(), method=QUICK)


def test_a_parameter_that_ran_beyond_what_numbers_hold_stays_in_its_support(sweep: bs.Runs) -> None:
    problem = Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.Huber())
    ended = {name: np.array([[0.5]]) for name in ("E", "B", "beta")} | {
        "A": np.array([[np.inf]]),
        "alpha": np.array([[0.0]]),
    }
    point = problem.posterior(ended, bs.MultiStart())
    assert point.draws("alpha").item() > 0
    assert np.isfinite(point.draws("A").item())


def test_an_exponent_whose_scale_in_counts_no_number_holds_stays_within_numbers(
    sweep: bs.Runs,
) -> None:
    problem = Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.StudentT())
    step = {name: np.array([[0.5]]) for name in ("E", "A", "alpha", "B", "sigma", "nu")} | {
        "beta": np.array([[42.0]])
    }
    point = problem.posterior(step, bs.MultiStart())
    assert np.isfinite(point.draws("B").item())
    assert point.draws("beta").item() == 42.0


def test_a_parameter_of_which_the_runs_say_nothing_is_reported() -> None:
    runs = bs.datasets.simulate(seed=0, noise=1e-3)
    one_size = runs.frame.assign(n_params=1e9)
    with pytest.warns(bs.FitWarning, match="never left its start|ran to the end"):
        bs.fit(
            bs.Runs(one_size),
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Huber(),
            method=QUICK,
        )


def test_no_start_is_bad_input(sweep: bs.Runs) -> None:
    with pytest.raises(bs.InputError, match="starts=0 and steps=30 must be at least 1"):
        bs.fit(
            sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(), method=bs.MultiStart(starts=0)
        )
