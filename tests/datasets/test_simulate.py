"""Simulated sweeps: their truth, their noise, their seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from bayescale import datasets
from bayescale.errors import InputError


def test_the_same_seed_gives_the_same_runs():
    assert_frame_equal(datasets.simulate(7).frame, datasets.simulate(7).frame)


def test_another_seed_gives_other_losses():
    assert not np.array_equal(
        datasets.simulate(7).column("loss"), datasets.simulate(8).column("loss")
    )


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
@given(
    E=st.floats(0.5, 3.0),
    A=st.floats(100.0, 1000.0),
    B=st.floats(100.0, 1000.0),
    alpha=st.floats(0.25, 0.45),
    beta=st.floats(0.25, 0.45),
    seed=st.integers(0, 2**32),
)
def test_without_noise_every_run_lies_on_the_law(E, A, B, alpha, beta, seed):
    runs = datasets.simulate(
        seed,
        E=E,
        A=A,
        B=B,
        alpha=alpha,
        beta=beta,
        noise=0.0,
        budgets=(1e21, 1e22, 1e23),
        sizes_per_budget=5,
        spread=2.0,
    )
    n_params, n_tokens = runs.column("n_params"), runs.column("n_tokens")
    np.testing.assert_allclose(
        runs.column("loss"), E + A / n_params**alpha + B / n_tokens**beta, rtol=1e-14
    )


def test_compute_is_six_n_d_at_the_budgets_given():
    runs = datasets.simulate(0, budgets=(1e18, 3e19), sizes_per_budget=4)
    np.testing.assert_allclose(
        6 * runs.column("n_params") * runs.column("n_tokens"), runs.column("flops"), rtol=1e-14
    )
    assert runs.frame["group"].value_counts().to_dict() == {"C1e+18": 4, "C3e+19": 4}


def test_the_middle_size_of_each_budget_has_the_lowest_loss():
    frame = datasets.simulate(0, noise=0.0, sizes_per_budget=9).frame
    for _, slice_ in frame.groupby("group"):
        by_size = slice_.sort_values("n_params")["loss"].to_numpy()
        assert by_size.argmin() == 4


def test_sizes_spread_as_far_as_asked():
    frame = datasets.simulate(0, spread=3.0, budgets=(1e21,)).frame
    assert frame["n_params"].max() / frame["n_params"].min() == pytest.approx(9.0)


def test_noise_is_the_standard_deviation_of_log_loss():
    exact = datasets.simulate(
        0, noise=0.0, budgets=(1e21,), sizes_per_budget=4000
    ).frame.sort_values("n_params")
    noisy = datasets.simulate(
        0, noise=0.02, budgets=(1e21,), sizes_per_budget=4000
    ).frame.sort_values("n_params")
    errors = np.log(noisy["loss"].to_numpy() / exact["loss"].to_numpy())
    assert errors.std() == pytest.approx(0.02, rel=0.05)
    assert errors.mean() == pytest.approx(0.0, abs=0.001)


def test_few_degrees_of_freedom_give_heavier_tails():
    normal = datasets.simulate(0, budgets=(1e21,), sizes_per_budget=2000, spread=1.1).column("loss")
    heavy = datasets.simulate(
        0, budgets=(1e21,), sizes_per_budget=2000, spread=1.1, degrees_of_freedom=2.5
    ).column("loss")
    assert np.ptp(np.log(heavy)) > 2 * np.ptp(np.log(normal))


def test_the_truth_stands_in_the_notes():
    (note,) = datasets.simulate(0, alpha=0.4, degrees_of_freedom=3).notes
    assert note.startswith("Truth: E 1.69, A 406.4, B 410.7, alpha 0.4, beta 0.28;")
    assert "Student-t with 3 degrees of freedom" in note


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"alpha": -0.3}, "alpha is -0.3"),
        ({"E": float("nan")}, "E is nan"),
        ({"budgets": (1e18, 0.0)}, r"budgets\[1\] is 0.0"),
        ({"budgets": ()}, "has no rows"),
        ({"sizes_per_budget": 0}, "sizes_per_budget is 0"),
        ({"spread": 0.5}, "spread is 0.5"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"degrees_of_freedom": 0.0}, "degrees_of_freedom is 0.0"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(options, what):
    with pytest.raises(InputError, match=what):
        datasets.simulate(0, **options)
