"""`bayescale recipes`: what it prints, and what it refuses."""

import json


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


def test_a_fit_that_is_not_to_be_trusted_ends_with_three(bayescale, sweeps, compared):
    compared["problems"] = ("R-hat is 1.2.",)
    result = bayescale("recipes", sweeps, "adamw", "muon", "--column", "group=optimiser")
    assert result.exit_code == 3
    assert "R-hat is 1.2." in result.stdout
