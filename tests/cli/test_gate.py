"""`bayescale gate`: what it prints, and what it files."""

import json


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
    words = ("--column", "group=optimiser", "--compute", "1e23")
    result = bayescale("gate", sweeps, "adamw", "muon", *words)
    assert result.exit_code == 3
    assert "R-hat is 1.2." in result.stdout
