"""Leave-one-out scores, against refits and on draws made by hand."""

from dataclasses import replace
from html import escape

import numpy as np
import pytest
from scipy.stats import norm

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import PowerLaw
from bayescale.noise import Discrepancy, Huber, Normal
from bayescale.runs import Runs


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="module")
def posterior(runs):
    return bs.fit(runs, law=bs.laws.Chinchilla(), noise=Normal(), method=bs.Importance(draws=2000))


def scattered(made_posterior, noise=None, **more):
    """Draws of a power law in flops, near enough to its six runs."""
    rng = np.random.default_rng(0)
    near = {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.3, **more}
    draws = {
        name: value * np.exp(0.02 * rng.standard_normal((2, 200))) for name, value in near.items()
    }
    return made_posterior(PowerLaw(), noise or Normal(), draws)


def test_a_score_is_the_density_of_the_run_given_the_others(runs, posterior):
    place = int(
        np.argmax(np.abs(np.log(runs.column("loss")) - np.median(posterior.log_law(), axis=(0, 1))))
    )
    left_out, without = (
        runs.frame.iloc[place],
        Runs.from_frame(runs.frame.drop(runs.frame.index[place])),
    )
    refit = bs.fit(
        without, law=bs.laws.Chinchilla(), noise=Normal(), method=bs.Importance(draws=2000)
    )
    centre = refit.log_law({name: np.array([left_out[name]]) for name in ("n_params", "n_tokens")})[
        ..., 0
    ]
    density = (
        norm.pdf(np.log(left_out["loss"]), centre, refit.params["sigma"]).mean() / left_out["loss"]
    )
    scores = bs.loo(posterior).frame.set_index("run_id")
    assert scores["elpd"][left_out.name] == pytest.approx(np.log(density), abs=0.15)


def test_there_is_one_row_a_run_and_the_total_is_their_sum(runs, posterior):
    scores = bs.loo(posterior)
    assert scores.frame["run_id"].tolist() == runs.frame.index.tolist()
    assert list(scores.frame.columns) == ["run_id", "elpd", "pareto_k", "good"]
    assert scores.elpd == pytest.approx(scores.frame["elpd"].sum())
    assert 2 < scores.p_loo < 9


def test_where_all_is_well_nothing_is_said(posterior):
    scores = bs.loo(posterior)
    assert scores.problems == ()
    assert scores.summary().loc["simulated (seed 1)", ["n_high_k", "high_k"]].tolist() == [0, ""]


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_run_that_decides_the_fit_is_named_with_what_to_do(runs):
    frame = runs.frame.copy()
    worst = frame["n_params"].idxmax()
    frame.loc[worst, "loss"] *= 1.3
    scores = bs.loo(
        bs.fit(
            Runs.from_frame(frame, name="bent"),
            law=bs.laws.Chinchilla(),
            noise=Normal(),
            method=bs.Importance(draws=2000),
        )
    )
    assert scores.summary().loc["bent", "high_k"] == str(worst)
    (told,) = scores.problems
    assert f"at 1 of 45 runs ({worst})" in str(told) and 'by="future"' in str(told)
    assert f"⚠ {escape(str(told))}" in scores._repr_html_()


def test_under_processes_a_large_k_is_said_to_be_expected(made_posterior):
    coefficients = 30 * np.random.default_rng(1).standard_normal((2, 200, 16))
    posterior = scattered(
        made_posterior, Discrepancy(Normal(), (bs.processes.Matern(),)), matern_sd=0.02
    )
    loud = replace(posterior, coefficients=coefficients)
    assert "does not make a run an outlier" in str(bs.loo(loud).problems[1])


def test_a_run_that_hardly_counts_is_scored_by_the_posterior_as_it_is(made_posterior):
    posterior = scattered(made_posterior)
    light = replace(posterior, runs=Runs(posterior.runs.frame.assign(weight=1e-9)))
    density = np.exp(posterior.to_arviz()["log_likelihood"]["loss"].to_numpy())
    np.testing.assert_allclose(
        bs.loo(light).frame["elpd"], np.log(density.mean(axis=(0, 1))), rtol=1e-6
    )


def test_weights_of_one_change_no_score(made_posterior):
    posterior = scattered(made_posterior)
    ones = replace(posterior, runs=Runs(posterior.runs.frame.assign(weight=1.0)))
    np.testing.assert_allclose(
        bs.loo(ones).frame["elpd"], bs.loo(posterior).frame["elpd"], rtol=1e-3
    )


def test_an_objective_is_refused_with_what_to_do(made_posterior):
    with pytest.raises(InputError, match="has none; fit with a likelihood"):
        bs.loo(made_posterior(PowerLaw(), Huber()))


def test_a_point_fit_is_refused_with_what_to_do(made_posterior):
    point = made_posterior(PowerLaw(), Normal(), {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.3})
    with pytest.raises(InputError, match=r"needs 100 draws and has 1; fit with NUTS\(\)"):
        bs.loo(point)
