"""Sensitivity: which variants there are, what is told of them, and that they are fitted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.batches.task import Outcome
from bayescale.decisions.checks import sensitivity as parts
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, Coupled, PowerLaw
from bayescale.noise import Discrepancy, Huber, Laplace, Normal, StudentT
from bayescale.results import Complaint

NEAR = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}


def scattered(made_posterior, noise=None, **changed):
    rng = np.random.default_rng(0)
    draws = {
        name: value * np.exp(0.01 * rng.standard_normal((2, 100)))
        for name, value in (NEAR | changed).items()
    }
    return made_posterior(Chinchilla(), noise or Normal(), draws)


@pytest.fixture
def refits(monkeypatch, made_posterior):
    """Replace fits: record the arguments, and return a posterior whose β is larger; fits of Laplace
    noise fail.
    """
    asked = []

    def fit_here(share, folder, report):
        for task in share:
            asked.append(task)
            fitted = scattered(made_posterior, beta=0.30)
            failed = isinstance(task.noise, Laplace)
            report(
                Outcome(
                    task.position, {"message": "No." if failed else ""}, None if failed else fitted
                )
            )

    monkeypatch.setattr(parts, "fit_here", fit_here)
    return asked


def test_each_variant_changes_one_thing(refits, made_posterior):
    posterior = scattered(made_posterior)
    bs.sensitivity(posterior)
    likelihoods, forms, runs = [], [], []
    for task in refits:
        changed = task.noise != Normal(), task.law != Chinchilla(), len(task.runs) < 6
        assert sum(changed) == 1
        (likelihoods if changed[0] else forms if changed[1] else runs).append(task)
    assert [task.noise for task in likelihoods] == [Laplace(), StudentT()]
    assert [task.law for task in forms] == [Chinchilla(tied=True), Coupled()]
    assert sum(6 - len(task.runs) for task in runs) == 6


def test_all_variants_are_fitted_by_importance_sampling_with_departures_and_without(
    refits, made_posterior
):
    noise = Discrepancy(Normal(), (bs.processes.Matern(),))
    posterior = replace(
        scattered(made_posterior, noise, matern_sd=0.01), coefficients=np.zeros((2, 100, 16))
    )
    bs.sensitivity(posterior)
    assert noise in {task.noise for task in refits}
    assert {type(task.method) for task in refits} == {bs.Importance}


def test_shifts_are_in_standard_deviations_of_the_posterior(refits, made_posterior):
    posterior = scattered(made_posterior)
    frame = bs.sensitivity(posterior).frame
    row = frame[(frame["variant"] == "student_t") & (frame["quantity"] == "beta")].iloc[0]
    assert row["shift"] == pytest.approx((0.30 - 0.28) / posterior.draws("beta").std(), rel=0.15)
    assert (frame[frame["kind"] == "posterior"]["shift"] == 0).all()


def test_the_frame_is_tidy_one_row_a_variant_and_quantity(refits, made_posterior):
    frame = bs.sensitivity(scattered(made_posterior)).frame
    assert list(frame.columns) == [
        "kind",
        "variant",
        "quantity",
        "unit",
        "q05",
        "q50",
        "q95",
        "shift",
    ]
    assert (
        frame["quantity"].tolist()
        == ["alpha", "beta", "a", "n_params", "n_tokens", "loss"] * frame["variant"].nunique()
    )


def test_the_summary_names_the_variant_that_moves_an_answer_most(refits, made_posterior):
    summary = bs.sensitivity(scattered(made_posterior)).summary()
    assert (
        summary.loc["beta", "variant"] != "as fitted" and summary.loc["beta", "largest_shift"] > 4
    )
    assert summary.loc["beta", "lowest"] == pytest.approx(0.28, rel=0.01)
    assert summary.loc["beta", "highest"] == pytest.approx(0.30, rel=0.01)


def test_what_could_not_be_fitted_is_told_and_stops_nothing(refits, made_posterior):
    found = bs.sensitivity(scattered(made_posterior))
    assert found.problems == (Complaint("failed", "laplace failed: No."),)
    assert "⚠ laplace failed: No." in found._repr_html_()
    assert "laplace" not in set(found.frame["variant"])


def test_the_budget_is_ten_times_the_largest_compute_by_default(refits, made_posterior):
    posterior = scattered(made_posterior)
    largest = (6 * posterior.runs.column("n_params") * posterior.runs.column("n_tokens")).max()
    assert bs.sensitivity(posterior).compute == pytest.approx(10 * largest)
    assert bs.sensitivity(posterior, compute=1e21).compute == 1e21


def test_the_runs_that_are_left_out_are_those_of_the_variants_name(refits, made_posterior):
    runs = bs.datasets.simulate(seed=1, budgets=(1e18, 1e20, 1e22))
    bs.sensitivity(replace(scattered(made_posterior), runs=runs))
    (without,) = (
        task.runs for task in refits if task.runs.name == "simulated (seed 1) without C1e+22"
    )
    assert set(without.frame["group"]) == {"C1e+18", "C1e+20"} and len(without) == 18


def labels(runs):
    return [label for label, _ in parts._blocks(runs)]


def test_groups_are_left_out_from_the_cheapest_on():
    assert labels(bs.datasets.simulate(seed=1, budgets=(1e20, 1e18, 1e19))) == [
        "C1e+18",
        "C1e+19",
        "C1e+20",
    ]


def test_without_groups_clusters_of_compute_are_left_out():
    runs = bs.datasets.simulate(seed=1, budgets=(1e18, 1e19))
    assert labels(bs.Runs(runs.frame.drop(columns="group"))) == ["1e+18 FLOPs", "1e+19 FLOPs"]
    assert labels(bs.Runs(runs.frame.assign(group="all"))) == ["1e+18 FLOPs", "1e+19 FLOPs"]


def test_runs_all_over_compute_are_left_out_by_fifths():
    size = np.geomspace(1e8, 1e10, 20)
    runs = bs.Runs.from_frame(
        pd.DataFrame({"n_params": size, "n_tokens": size[::-1] * size**0.5, "loss": 3.0})
    )
    masks = [rows for _, rows in parts._blocks(runs)]
    assert [rows.sum() for rows in masks] == [4] * 5
    np.testing.assert_array_equal(np.sum(masks, axis=0), 1)


@pytest.mark.slow
def test_a_budget_that_is_left_out_is_fitted_without(monkeypatch):
    monkeypatch.setattr(parts, "_LIKELIHOODS", ())
    monkeypatch.setattr(parts, "_FORMS", ())
    runs = bs.datasets.simulate(seed=1, budgets=(1e18, 1e20, 1e22))
    posterior = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=Normal(), method=bs.Importance(draws=500)
    )
    frame = bs.sensitivity(posterior).frame.set_index(["variant", "quantity"])
    kept = bs.Runs(runs.frame[runs.frame["group"] != "C1e+22"])
    alone = bs.fit(kept, law=bs.laws.Chinchilla(), noise=Normal(), method=bs.Importance(draws=500))
    width = frame.loc[("as fitted", "alpha"), "q95"] - frame.loc[("as fitted", "alpha"), "q05"]
    assert frame.loc[("without C1e+22", "alpha"), "q50"] == pytest.approx(
        np.median(alone.draws("alpha")), abs=width / 4
    )


@pytest.mark.parametrize(
    ("law", "noise", "told"),
    [
        (Chinchilla(), Huber(), "gives none; fit with a likelihood"),
        (Chinchilla(), Normal(), "needs 100 draws and has 6"),
    ],
)
def test_what_has_no_width_is_refused_with_what_to_do(made_posterior, law, noise, told):
    with pytest.raises(InputError, match=told):
        bs.sensitivity(made_posterior(law, noise))


def test_a_law_without_a_trade_off_is_refused_before_anything_is_fitted(refits, made_posterior):
    draws = {
        name: np.full((2, 100), value)
        for name, value in {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.01}.items()
    }
    with pytest.raises(InputError, match="knows no trade-off"):
        bs.sensitivity(made_posterior(PowerLaw(), Normal(), draws), compute=1e21)
    assert not refits
