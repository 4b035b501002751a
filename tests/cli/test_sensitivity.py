"""`bayescale fit --sensitivity`: what is printed, and what is refused."""

import json

import pandas as pd
import pytest

from bayescale.decisions.checks.sensitivity import UNITS, Sensitivity

WORDS = (
    "fit",
    "--law",
    "chinchilla",
    "--noise",
    "normal",
    "--method",
    "importance:draws=500",
    "--sensitivity",
)


@pytest.fixture
def answers(monkeypatch):
    """In place of refits."""
    rows = [
        {
            "kind": kind,
            "variant": variant,
            "quantity": quantity,
            "unit": "",
            "q05": 0.9,
            "q50": middle,
            "q95": 1.2,
            "shift": shift,
        }
        for kind, variant, middle, shift in (
            ("posterior", "as fitted", 1.0, 0.0),
            ("likelihood", "laplace", 1.1, 2.5),
        )
        for quantity in UNITS
    ]
    found = Sensitivity(
        "some runs", 1e22, pd.DataFrame(rows), ("coupled is doubtful: too few draws.",)
    )
    monkeypatch.setattr(
        "bayescale.decisions.checks.sensitivity.sensitivity", lambda posterior: found
    )


@pytest.mark.usefixtures("answers")
def test_each_answer_is_printed_with_what_moves_it_furthest(bayescale):
    printed = bayescale(*WORDS).stdout
    (row,) = (line for line in printed.splitlines() if line.lstrip().startswith("β "))
    assert "+2.5" in row and row.rstrip().endswith("laplace")
    assert "coupled is doubtful: too few draws." in printed


@pytest.mark.usefixtures("answers")
def test_json_has_summary_variants_and_problems(bayescale):
    told = json.loads(bayescale(*WORDS, "--json").stdout)["sensitivity"]
    assert told["compute"] == 1e22 and len(told["variants"]) == 12
    assert [row["quantity"] for row in told["summary"]] == list(UNITS)


def test_a_point_fit_has_no_width_and_is_refused(refused):
    assert "needs 100 draws and has 1" in refused(
        "fit", "--noise", "normal", "--method", "multistart:starts=50", "--sensitivity"
    )
