"""`bayescale design`, `recipes` and `gate`: what is printed, filed and refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale.decisions.recipes.recipe_law import RecipeLaw
from bayescale.decisions.recipes.recipes import Recipes


@pytest.fixture
def posterior(made_posterior: Any, tmp_path: Path) -> Path:
    """Saved, of 120 draws."""
    rng = np.random.default_rng(0)
    hoffmann = bs.laws.Chinchilla.published[0].params
    draws = {
        name: value * np.exp(0.02 * rng.standard_normal((2, 60)))
        for name, value in hoffmann.items()
    }
    made = made_posterior(
        bs.laws.Chinchilla(), bs.noise.Normal(), {**draws, "sigma": np.full((2, 60), 0.01)}
    )
    return Path(made.save(tmp_path / "post.nc"))


@pytest.fixture
def sweeps(folder: Path) -> Path:
    """Two groups of runs in a file."""
    frame = bs.datasets.simulate(seed=1).frame
    path = folder / "sweeps.csv"
    frame.assign(optimiser=["adamw", "muon", "muon"] * 15).drop(columns="group").to_csv(
        path, index=False
    )
    return path


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """In place of a joint fit: what was asked for, and draws about known multipliers."""
    asked: dict[str, Any] = {}

    def recipes(runs: bs.Runs, base: str, candidate: str, **options: Any) -> Recipes:
        asked.update(options, runs=runs)
        rng = np.random.default_rng(0)
        draws = {
            name: np.full(500, value)
            for name, value in bs.laws.Chinchilla.published[0].params.items()
        }
        draws |= {
            "n_params_multiplier": np.exp(0.5 + 0.1 * rng.standard_normal(500)),
            "n_tokens_multiplier": np.full(500, 1.2),
            "sigma": np.full(500, 0.01),
        }
        made_by = {
            "created": "2026-01-01",
            "data_sha256": runs.sha256,
            "seed": "0",
            "device": "cpu",
        }
        compute = np.atleast_1d(options["compute"] or [1e22, 1e24])
        return Recipes(
            base,
            candidate,
            runs,
            RecipeLaw(),
            bs.noise.Normal(),
            options["method"],
            draws,
            compute,
            problems=asked.get("problems", ()),
            provenance=made_by,
        )

    monkeypatch.setattr("bayescale.decisions.recipes.recipes.recipes", recipes)
    return asked


def test_design_lists_runs_and_says_when_to_stop(bayescale, posterior):
    result = bayescale("design", posterior, "--budget", "1e22", "--runs", "3")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["1", "2", "3"]
    assert "nats" in result.stdout and "FLOP" in result.stdout


def test_design_as_json_has_each_run(bayescale, posterior):
    told = json.loads(
        bayescale(
            "design", posterior, "--budget", "1e22", "--runs", "2", "--compute", "1e25", "--json"
        ).stdout
    )
    assert told["compute"] == 1e25
    assert len(told["runs"]) == 2 and sum(run["flops"] for run in told["runs"]) <= 1e22
    assert told["runs"][-1]["regret_after"] < told["regret"]


def test_design_of_too_few_draws_is_refused(refused, posteriors):
    assert "needs 100 draws and has 1" in refused(
        "design", posteriors["chinchilla"], "--budget", "1e22"
    )


def test_recipes_are_told_with_intervals(bayescale, sweeps, compared):
    result = bayescale(
        "recipes",
        sweeps,
        "adamw",
        "muon",
        "--column",
        "group=optimiser",
        "--noise",
        "normal",
        "--seed",
        "3",
    )
    assert result.exit_code == 0, result.output
    assert "muon in units of adamw" in result.stdout and "a token is worth" in result.stdout
    assert "A FLOP of muon is worth" in " ".join(result.stdout.split())
    assert set(compared["runs"].frame["group"]) == {"adamw", "muon"}
    assert (compared["method"].seed, compared["shared_floor"], compared["compute"]) == (
        3,
        False,
        None,
    )


def test_recipes_as_json_has_each_quantity(bayescale, sweeps, compared):
    words = (
        "recipes",
        sweeps,
        "adamw",
        "muon",
        "--column",
        "group=optimiser",
        "--compute",
        "1e23",
        "--shared-floor",
        "--json",
    )
    told = json.loads(bayescale(*words).stdout)
    assert [row["quantity"] for row in told["quantities"]] == [
        "n_params_multiplier",
        "n_tokens_multiplier",
        "compute_multiplier",
        "gain",
    ]
    assert compared["compute"] == [1e23] and compared["shared_floor"]


def test_a_group_that_is_not_there_is_refused(refused, sweeps):
    assert "no group 'lion'" in refused(
        "recipes", sweeps, "adamw", "lion", "--column", "group=optimiser"
    )


def test_the_gate_prints_its_decision_and_files_the_record(bayescale, sweeps, compared, folder):
    words = (
        "gate",
        sweeps,
        "adamw",
        "muon",
        "--column",
        "group=optimiser",
        "--compute",
        "1e23",
        "--threshold",
        "0.01",
    )
    result = bayescale(*words, "--record", "muon.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("promote")
    read = json.loads((folder / "muon.json").read_text())
    assert (read["decision"], read["candidate"], read["threshold"]) == ("promote", "muon", 0.01)
    assert read["data_sha256"] == compared["runs"].sha256


def test_the_gate_as_json_is_the_record(bayescale, sweeps, compared):
    told = json.loads(
        bayescale(
            "gate",
            sweeps,
            "adamw",
            "muon",
            "--column",
            "group=optimiser",
            "--compute",
            "1e23",
            "--json",
        ).stdout
    )
    assert told["decision"] == "promote" and told["probability"] == 1.0


def test_a_fit_that_is_not_to_be_trusted_ends_with_three(bayescale, sweeps, compared):
    compared["problems"] = ("R-hat is 1.2.",)
    for words in (("recipes",), ("gate", "--compute", "1e23")):
        result = bayescale(
            words[0], sweeps, "adamw", "muon", "--column", "group=optimiser", *words[1:]
        )
        assert result.exit_code == 3
        assert "R-hat is 1.2." in result.stdout
