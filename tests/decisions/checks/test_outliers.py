"""Outlying runs: what is planted is found, what is honest is left alone, and the scale is the
bulk's.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import bayescale as bs
from bayescale.errors import InputError
from bayescale.laws import Chinchilla, PowerLaw
from bayescale.noise import (
    AsymmetricStudentT,
    ComputeScale,
    Discrepancy,
    Huber,
    KnownError,
    Laplace,
    Normal,
    StudentT,
)
from bayescale.runs import Runs
from tests.known_posteriors import known_posterior

NEAR = {"E": 1.5, "A": 9.0, "alpha": 0.1}


def off_by(posterior, log_residuals):
    """The posterior with losses that lie off the law of its first draw."""
    loss = np.exp(posterior.log_law()[0, 0] + log_residuals)
    return replace(posterior, runs=Runs(posterior.runs.frame.assign(loss=loss)))


def residuals(posterior):
    frame = bs.outliers(posterior).frame.set_index("run_id")
    return frame.loc[posterior.runs.frame.index, "residual"].to_numpy()


def with_outliers(seed):
    runs = bs.datasets.simulate(seed=seed, noise=0.005)
    planted = runs.frame.index[[3, 20, 41]]
    factor = np.where(runs.frame.index.isin(planted), 1.06, 1.0)
    return Runs.from_frame(
        runs.frame.assign(loss=runs.frame["loss"] * factor), name="planted"
    ), set(planted)


@pytest.mark.slow
def test_planted_outliers_are_the_surest():
    runs, planted = with_outliers(seed=1)
    frame = bs.outliers(
        bs.fit(runs, law=bs.laws.Chinchilla(), noise=StudentT(), method=bs.Importance(draws=1000))
    ).frame
    assert set(frame["run_id"].iloc[:3]) == planted
    assert (frame["probability"].iloc[:3] > 0.95).all()


def test_honest_runs_are_not_named():
    for seed in (1, 2):
        point = known_posterior(bs.datasets.simulate(seed=seed), shape=(1, 1))
        assert bs.outliers(point).summary().empty


def test_probability_is_the_share_of_draws_in_which_a_run_is_too_far_off(made_posterior):
    scales = {**NEAR, "sigma": [[0.01, 0.02, 0.04, 0.08]]}
    params = {name: np.broadcast_to(values, (1, 4)) for name, values in scales.items()}
    posterior = off_by(made_posterior(PowerLaw(), Normal(), params), np.array([0, 0, 0, 0, 0, 0.1]))
    found = bs.outliers(posterior)
    assert found.limit == pytest.approx(stats.norm.ppf(0.5 + 0.5 * 0.95 ** (1 / 6)))
    # 0.1 is 10, 5, 2.5 and 1.25 scales, and the limit is at 2.63.
    assert found.frame["probability"].tolist() == [0.5, 0, 0, 0, 0, 0]


LAPLACE, SKEWED = (
    stats.laplace.ppf(0.75) / stats.norm.ppf(0.75),
    stats.t.ppf(0.75, 3) / stats.norm.ppf(0.75),
)


@pytest.mark.parametrize(
    ("noise", "more", "scale"),
    [
        (Normal(), {}, 0.02),
        (Laplace(), {}, 0.02 * LAPLACE),
        (StudentT(), {"nu": 3.0}, 0.02 * SKEWED),
        (StudentT(), {"nu": 1.0}, 0.02 / stats.norm.ppf(0.75)),
        (AsymmetricStudentT(), {"nu": 3.0, "kappa": 1.0}, 0.02 * SKEWED),
    ],
)
def test_the_scale_is_that_of_a_normal_of_the_same_interquartile_range(
    made_posterior, noise, more, scale
):
    posterior = made_posterior(PowerLaw(), noise, {**NEAR, "sigma": 0.02, **more})
    off = np.array([0.01, -0.01, 0.02, -0.02, 0.03, 0.0])
    np.testing.assert_allclose(residuals(off_by(posterior, off)), off / scale, rtol=2e-3, atol=1e-4)


def test_a_known_error_widens_the_scale_of_its_run(made_posterior):
    posterior = made_posterior(PowerLaw(), KnownError(), NEAR)
    off = off_by(posterior, np.full(6, 0.1))
    se = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    known = replace(off, runs=Runs(off.runs.frame.assign(loss_se=se * off.runs.column("loss"))))
    np.testing.assert_allclose(residuals(known), 0.1 / se, rtol=2e-3)


def test_a_scale_that_depends_on_compute_is_that_of_each_run(made_posterior):
    posterior = made_posterior(
        PowerLaw(), ComputeScale(Normal()), {**NEAR, "sigma": 0.02, "scale_slope": 0.5}
    )
    decades = np.log10(posterior.runs.column("flops"))
    expected = 0.1 / (0.02 * 10 ** (-0.5 * (decades - decades.mean())))
    np.testing.assert_allclose(residuals(off_by(posterior, np.full(6, 0.1))), expected, rtol=2e-3)


def test_what_processes_add_is_part_of_the_prediction(made_posterior):
    noise = Discrepancy(Normal(), (bs.processes.Matern(),))
    coefficients = np.random.default_rng(0).standard_normal((1, 1, 16))
    law = replace(
        made_posterior(PowerLaw(), noise, {**NEAR, "sigma": 0.02, "matern_sd": 0.1}),
        coefficients=coefficients,
    )
    departed = off_by(law, law.log_departure()[0, 0])
    assert np.abs(law.log_departure()).max() > 0.02
    np.testing.assert_allclose(residuals(departed), 0.0, atol=1e-3)


def test_the_frame_has_inputs_and_the_most_probable_first(made_posterior):
    posterior = off_by(made_posterior(Chinchilla(), Normal()), np.zeros(6))
    frame = bs.outliers(posterior).frame
    assert list(frame.columns) == [
        "run_id",
        "n_params",
        "n_tokens",
        "loss",
        "residual",
        "probability",
    ]
    assert frame["probability"].is_monotonic_decreasing and len(frame) == 6


def test_it_shows_itself_as_a_sentence_and_a_table(made_posterior):
    posterior = off_by(
        made_posterior(PowerLaw(), Normal(), {**NEAR, "sigma": 0.02}),
        np.array([0, 0, 0, 0, 0, 0.1]),
    )
    html = bs.outliers(posterior)._repr_html_()
    assert "1 of 6 runs lie more than 2.63 scales off" in html and "<table" in html


def test_an_objective_is_refused_with_what_to_do(made_posterior):
    with pytest.raises(InputError, match=r"is none; fit with StudentT\(\)"):
        bs.outliers(made_posterior(PowerLaw(), Huber()))
