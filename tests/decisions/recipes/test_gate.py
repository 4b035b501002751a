"""The gate: its decision by its definition, and a record that can be checked."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

import bayescale as bs
from bayescale.decisions.recipes.gate import Audit
from bayescale.decisions.recipes.recipe_law import RecipeLaw
from bayescale.decisions.recipes.recipes import Recipes, gain
from bayescale.errors import InputError
from bayescale.noise import Normal

COMPUTE = 1e22
PROVENANCE = {
    "created": "2026-01-01T00:00:00+00:00",
    "data_sha256": "abc",
    "seed": "7",
    "device": "cpu",
    "python": "3.11",
    "bayescale": "0.1",
}


@pytest.fixture
def found():
    """A candidate whose gain is about 0.03 nats, some draws below zero; nothing is fitted."""
    rng = np.random.default_rng(0)
    draws = {
        name: np.full(2000, value) for name, value in bs.laws.Chinchilla.published[0].params.items()
    }
    draws |= {
        "n_params_multiplier": np.exp(0.2 + 0.15 * rng.standard_normal(2000)),
        "n_tokens_multiplier": np.full(2000, 1.2),
    }
    runs = bs.datasets.simulate(seed=1)
    runs = bs.Runs(runs.frame.assign(group=["old", "new", "new"] * 15), "two sweeps")
    return Recipes(
        "old",
        "new",
        runs,
        RecipeLaw(),
        Normal(),
        bs.NUTS(seed=7),
        {**draws, "sigma": np.full(2000, 0.01)},
        np.array([COMPUTE]),
        {"rhat_max": 1.001},
        (),
        PROVENANCE,
    )


def test_the_probability_is_the_share_of_draws_above_the_threshold(found):
    draws = gain(found, np.array([COMPUTE]))[:, 0]
    audit = bs.gate(found, COMPUTE, threshold=0.02)
    assert audit.probability == np.mean(draws > 0.02)
    assert audit.gain["q50"] == pytest.approx(np.median(draws))


@pytest.mark.parametrize(
    ("quantile", "decision"), [(0.02, "promote"), (0.5, "undecided"), (0.98, "reject")]
)
def test_it_decides_by_how_probable_a_larger_gain_is(found, quantile, decision):
    threshold = float(np.quantile(gain(found, np.array([COMPUTE])), quantile))
    audit = bs.gate(found, COMPUTE, threshold=threshold, probability=0.95)
    assert audit.decision == decision
    assert audit.sentence.endswith(
        {"promote": "promote it.", "undecided": "are needed.", "reject": "keep the base."}[decision]
    )


def test_a_fit_that_is_not_to_be_trusted_decides_nothing(found):
    audit = bs.gate(replace(found, problems=("R-hat is 1.2.",)), COMPUTE, threshold=-1.0)
    assert audit.probability == 1.0 and audit.decision == "undecided"
    assert "R-hat is 1.2." in audit.sentence


def test_the_record_says_what_it_rests_on(found):
    audit = bs.gate(found, COMPUTE, threshold=0.02, probability=0.9)
    assert (audit.data_sha256, audit.seed, audit.fitted, audit.device) == (
        "abc",
        7,
        PROVENANCE["created"],
        "cpu",
    )
    assert (audit.law, audit.noise, audit.method) == ("recipe_law", "normal", "nuts:seed=7")
    assert audit.versions == {"python": "3.11", "bayescale": "0.1"}
    assert audit.n_runs == {"old": 15, "new": 30}
    assert (audit.threshold, audit.required, audit.compute) == (0.02, 0.9, COMPUTE)
    assert audit.date > audit.fitted


def test_the_record_is_json_with_every_field(found, tmp_path):
    audit = bs.gate(replace(found, diagnostics={"rhat_max": float("inf")}), COMPUTE)
    read = json.loads(audit.save(tmp_path / "record.json").read_text())
    assert list(read) == [field.name for field in fields(Audit)]
    assert read["diagnostics"] == {"rhat_max": None}
    assert read["probability"] == audit.probability and audit.decision in audit._repr_html_()


def test_a_record_is_not_written_over(found, tmp_path):
    audit = bs.gate(found, COMPUTE)
    audit.save(tmp_path / "record.json")
    with pytest.raises(InputError, match="not written over"):
        audit.save(tmp_path / "record.json")
    with pytest.raises(InputError, match="cannot be written"):
        audit.save(tmp_path / "no such folder" / "record.json")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"compute": -1.0}, "compute = -1"),
        ({"threshold": np.nan}, "threshold = nan"),
        ({"probability": 0.5}, "probability = 0.5"),
        ({"probability": 1.0}, "probability = 1"),
    ],
)
def test_numbers_out_of_range_are_refused(found, asked, message):
    with pytest.raises(InputError, match=message):
        bs.gate(found, **{"compute": COMPUTE, **asked})
