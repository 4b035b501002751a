"""`bayescale fit --sensitivity`: what is printed, and what is refused."""

import json
from typing import Any

import pytest

import bayescale as bs
from bayescale.decisions.checks.sensitivity import UNITS
from tests.known_posteriors import known_posterior

WORDS = (
    "--law",
    "chinchilla",
    "--noise",
    "normal",
    "--method",
    "importance:draws=500",
    "--sensitivity",
)


@pytest.fixture(autouse=True)
def hand_made_fits(monkeypatch):
    """Hand-made posteriors in place of fits: of one draw where a point fit is asked for."""

    def fit(runs: bs.Runs, method: Any = None, **options: Any) -> bs.Posterior:
        shape = (1, 1) if isinstance(method, bs.MultiStart) else (1, 500)
        about: dict[str, Any] = {"provenance": {"device": "cpu"}, "seconds": {"fit": 1.0}}
        return known_posterior(runs, shape=shape, **about)

    monkeypatch.setattr("bayescale.fit", fit)


@pytest.fixture
def answers(monkeypatch, made_sensitivity):
    """Answers in place of refits."""
    monkeypatch.setattr(
        "bayescale.decisions.checks.sensitivity.sensitivity", lambda posterior: made_sensitivity
    )


@pytest.mark.usefixtures("answers")
def test_each_answer_is_printed_with_what_moves_it_furthest(bayescale, simulated):
    printed = bayescale("fit", simulated, *WORDS).stdout
    (row,) = (line for line in printed.splitlines() if line.lstrip().startswith("β "))
    assert "+2.5" in row and row.rstrip().endswith("laplace")
    assert "coupled is doubtful: too few draws." in printed


@pytest.mark.usefixtures("answers")
def test_json_has_summary_variants_and_problems(bayescale, simulated):
    sensitivity = json.loads(bayescale("fit", simulated, *WORDS, "--json").stdout)["sensitivity"]
    assert sensitivity["compute"] == 1e22 and len(sensitivity["variants"]) == 12
    assert [row["quantity"] for row in sensitivity["summary"]] == list(UNITS)


def test_a_point_fit_has_no_width_and_is_refused(refused):
    assert "needs 100 draws and has 1" in refused(
        "fit", "--noise", "normal", "--method", "multistart:starts=50", "--sensitivity"
    )
