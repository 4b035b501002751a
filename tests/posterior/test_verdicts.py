"""Verdicts on an answer: of the data, of the model and of the sampling."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bayescale as bs
from bayescale.findings.base import NOTE
from bayescale.posterior.misfits import _residuals, misfits
from bayescale.results import Complaint
from tests.known_posteriors import known_posterior

WRONG = (Complaint("rhat", "The chains disagree."),)


def with_losses(change):
    """Runs of a clean sweep, whose losses are multiplied by a column."""
    runs = bs.datasets.simulate(seed=0)
    frame = runs.frame
    return replace(runs, frame=frame.assign(loss=frame["loss"] * change(frame)))


@pytest.fixture(scope="module")
def clean():
    return known_posterior(bs.datasets.simulate(seed=0))


def test_a_good_model_of_a_clean_sweep_has_three_good_verdicts(clean):
    verdicts = clean.verdicts
    assert (verdicts.data_is_good, verdicts.model_is_good, verdicts.sampling_is_good) == (True,) * 3
    assert verdicts.is_good and verdicts.doubts == ()


def test_the_largest_misfit_of_a_good_model_is_a_note(clean):
    (largest,) = clean.verdicts.model
    assert largest.severity == NOTE and largest.rows


def test_failed_diagnostics_speak_against_the_sampling_alone(clean):
    verdicts = replace(clean, problems=WRONG).verdicts
    assert (verdicts.data_is_good, verdicts.model_is_good) == (True, True)
    assert not verdicts.is_good
    assert verdicts.doubts == ("Sampling: The chains disagree.",)


def test_doubtful_runs_speak_against_the_data():
    one_budget = bs.datasets.simulate(seed=0, budgets=[1e20], sizes_per_budget=45)
    verdicts = known_posterior(one_budget).verdicts
    assert "one_budget" in {finding.code for finding in verdicts.data}
    assert not verdicts.data_is_good and verdicts.doubts[0].startswith("Data: ")


def test_a_budget_off_the_law_speaks_against_the_model_by_its_runs():
    def third(frame):
        return 1 + 0.02 * (frame["group"] == frame["group"].unique()[2])

    runs = with_losses(third)
    found = misfits(known_posterior(runs))
    (by_budget,) = [one for one in found if one.code == "residuals_by_budget"]
    budget = runs.frame["group"].unique()[2]
    assert set(by_budget.rows) == set(map(str, runs.frame.index[runs.frame["group"] == budget]))
    assert "above the model" in by_budget.sentence


def test_a_run_far_off_is_named():
    found = misfits(known_posterior(with_losses(lambda frame: 1 + 0.3 * (frame.index == 7))))
    (farthest,) = [one for one in found if one.code == "largest_residual"]
    assert farthest.rows == ("7",)


def test_losses_that_bend_away_from_the_law_speak_against_the_model():
    def bump(frame):
        return 1 + 0.03 * np.cos(3 * np.log(frame["n_tokens"] / 1e10))

    codes = {one.code for one in misfits(known_posterior(with_losses(bump)))}
    assert codes & {"residuals_along_n_params", "residuals_along_n_tokens"}


def test_runs_made_up_lie_nearer_by_what_the_parameters_follow_of_their_scatter(clean):
    residuals = _residuals(clean, 0)
    followed = len(clean.law.parameters) / len(clean.runs)
    assert np.mean(residuals.made_up**2) == pytest.approx(1 - followed, abs=0.04)


def test_false_alarms_of_the_model_are_rare():
    good = []
    for seed in range(12):
        posterior = known_posterior(bs.datasets.simulate(seed=seed))
        good.append(posterior.verdicts.model_is_good)
    assert sum(good) >= 11


@pytest.mark.parametrize("noise", [bs.noise.Normal(), bs.noise.Huber()])
def test_a_point_fit_has_verdicts_too(noise):
    runs = bs.datasets.simulate(seed=0)
    assert known_posterior(runs, noise=noise, shape=(1, 1)).verdicts.model_is_good


def test_the_text_of_a_posterior_names_what_speaks_against_it():
    one_budget = bs.datasets.simulate(seed=0, budgets=[1e20], sizes_per_budget=45)
    assert "Data: All 45 runs have one budget" in repr(known_posterior(one_budget))


def test_the_dictionary_has_three_verdicts(clean):
    found = replace(clean, problems=WRONG).to_dict()["verdicts"]
    assert [found[about]["good"] for about in ("data", "model", "sampling")] == [True, True, False]
    assert found["good"] is False
    assert json.loads(json.dumps(found)) == found


def test_findings_survive_in_a_file_where_the_columns_that_showed_them_do_not(tmp_path):
    runs = bs.datasets.simulate(seed=0)
    frame = runs.frame.assign(group="a", family=np.where(runs.frame.index % 2, "x", "y"))
    shifted = frame.assign(loss=frame["loss"] * np.where(frame["family"] == "x", 1.1, 1.0))
    posterior = known_posterior(replace(runs, frame=shifted))
    assert [finding.code for finding in posterior.data_findings] == ["mixed_families"]
    again = bs.load(posterior.save(tmp_path / "post.nc"))
    assert again.data_findings == posterior.data_findings


@pytest.mark.parametrize("file", ["format_1.nc", "format_2.nc"])
def test_a_file_of_an_older_format_has_its_findings_found_anew(file):
    old = bs.load(Path(__file__).with_name(file))
    assert old.findings is None
    assert isinstance(old.data_findings, tuple)
