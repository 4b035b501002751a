"""Comparing laws: the right one wins where it is known, and what the tables and sentences say of
it.
"""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks.compare import Comparison, _applicable
from bayescale.decisions.checks.forecasters import Fitted
from bayescale.errors import InputError

CHINCHILLA, POWER = bs.laws.Chinchilla(), bs.laws.PowerLaw()


@pytest.fixture(scope="module")
def runs() -> bs.Runs:
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="module")
def found(runs: bs.Runs) -> Comparison:
    return bs.compare(
        runs, [POWER, CHINCHILLA], noise=bs.noise.Normal(), method=bs.Importance(draws=1000)
    )


def test_the_law_that_made_the_runs_is_first_by_both_scores(found):
    assert found.frame["law"].tolist() == ["chinchilla", "power_law"]
    assert found.frame["loo"].idxmax() == 0
    assert found.frame.loc[0, ["behind", "behind_se", "loo_behind"]].tolist() == [0.0, 0.0, 0.0]
    assert found.frame.loc[1, "behind"] > 3 * found.frame.loc[1, "behind_se"]
    assert found.frame.loc[0, "weight"] > 0.95


def test_scores_of_hidden_runs_are_those_of_a_fit_of_the_others_alone(found, runs):
    (fold,) = bs.LargestCompute(0.2).split(runs)
    alone = Fitted(CHINCHILLA, bs.noise.Normal(), bs.Importance(draws=1000)).predict(
        fold.train, fold.test
    )
    best = found.frame.iloc[0]
    assert best["log_score"] == pytest.approx(alone.log_density.mean(), abs=0.01)
    error = np.median(alone.log_draws, axis=0) - np.log(fold.test.column("loss"))
    assert best["rmsle"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.02)


def test_leave_one_out_scores_are_of_log_loss(found, runs):
    scores = bs.loo(found.posteriors["chinchilla"])
    assert found.frame["loo"].max() == pytest.approx(
        scores.elpd / len(runs) + np.log(runs.column("loss")).mean()
    )


def test_the_form_of_a_law_is_told_beside_the_simpler_one(found):
    (row,) = found.forms.to_dict("records")
    posterior = found.posteriors["chinchilla"]
    ratio = posterior.draws("beta") / posterior.draws("alpha")
    assert row["quantity"] == "beta/alpha" and row["value"] == 1.0
    assert row["q50"] == pytest.approx(np.median(ratio))
    assert row["below"] == pytest.approx(np.mean(ratio < 1.0))


def test_the_verdict_names_winner_runner_up_and_form(found):
    verdict = " ".join(found.sentences)
    assert verdict.startswith("chinchilla forecasts the largest-compute 20 % of ")
    assert "power_law is behind by" in verdict
    assert "beta/alpha is" in verdict and "with probability" in verdict


def test_what_may_be_chance_is_called_so(found):
    near = found.frame.assign(behind=[0.0, 0.1], behind_se=[0.0, 0.2])
    close = Comparison("runs", near, found.forms, {}, ("some",))
    assert any("which may be chance" in sentence for sentence in close.sentences)


def laws_for(**columns):
    frame = pd.DataFrame({"loss": [2.0, 1.5, 1.2], **columns})
    runs = bs.Runs.from_frame(frame, required=(*columns, "loss"))
    return {type(law): law for law in _applicable(runs)}


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_laws_apply_whose_inputs_the_runs_have():
    counts = {"n_params": [1e8, 1e9, 1e9], "n_tokens": [1e10, 1e10, 1e11]}
    laws = laws_for(**counts)
    assert {bs.laws.Chinchilla, bs.laws.Coupled, bs.laws.Kaplan, bs.laws.M4} <= set(laws)
    assert not {bs.laws.DataConstrained, bs.laws.RectifiedSFT} & set(laws)
    assert bs.laws.DataConstrained in laws_for(**counts, unique_tokens=[1e9, 1e9, 1e9])


def test_a_learning_curve_is_met_by_laws_in_its_own_variable():
    laws = laws_for(n_examples=[1e3, 1e4, 1e5])
    assert laws[bs.laws.M4].input == "n_examples"
    assert laws[bs.laws.RectifiedSFT].input == "n_examples"
    assert bs.laws.Chinchilla not in laws


def test_an_objective_is_refused(runs):
    with pytest.raises(InputError, match=r"scores densities.*StudentT"):
        bs.compare(runs, [CHINCHILLA], noise=bs.noise.Huber())


def test_runs_without_inputs_of_any_law_are_refused():
    runs = bs.Runs.from_frame(
        pd.DataFrame({"steps": [1.0, 2.0], "loss": [2.0, 1.5]}), required=("loss",)
    )
    with pytest.raises(InputError, match="has the inputs of no law"):
        bs.compare(runs)


def test_what_is_no_law_is_refused(runs):
    with pytest.raises(InputError, match="is no law"):
        bs.compare(runs, ["chinchilla"])
