"""`bayescale plan`: from a table of runs to what to train, at the terminal and as a page."""

import json

import pytest

QUICK = [
    "--law",
    "chinchilla",
    "--noise",
    "normal",
    "--method",
    "importance:draws=500",
    "--no-sensitivity",
]


def test_it_says_what_to_train_and_writes_a_page_that_says_how_it_was_made(
    bayescale, simulated, folder
):
    result = bayescale("plan", simulated, "--compute", 1e23, *QUICK, "--html", "plan.html")
    assert result.exit_code == 0
    for fact in (
        "Train ",
        "Expect a loss of",
        "times the compute of the largest run",
        "Runs to make after",
        "The report is plan.html",
    ):
        assert fact in result.stdout
    assert "What to train with 1e+23 FLOPs" in (folder / "plan.html").read_text(encoding="utf-8")


def test_json_has_the_plan_its_numbers_and_the_runs_to_make(bayescale, simulated):
    plan = json.loads(
        bayescale(
            "plan", simulated, "--compute", 1e23, *QUICK, "--max-tokens", 2e11, "--json"
        ).stdout
    )
    assert plan["plan"]["n_tokens"] == pytest.approx(2e11, rel=1e-6)
    assert plan["plan"]["n_params"] == pytest.approx(1e23 / (6 * 2e11), rel=1e-6)
    assert plan["planned_loss"]["sd"] > plan["loss"]["sd"] > 0
    assert plan["design"]["runs"]


def test_a_page_that_has_no_folder_is_refused_before_anything_is_fitted(refused):
    assert "There is no folder none" in refused(
        "plan", "dey2023_pile", "--compute", 1e23, "--html", "none/plan.html"
    )


def test_what_is_fitted_already_takes_no_law(refused):
    assert "leave out --law" in refused("plan", "post.nc", "--compute", 1e23, "--law", "chinchilla")
