"""The published schema of ``--json`` holds for what every command prints."""

import json

import jsonschema
import pytest
import typer

import bayescale as bs
from bayescale.cli._json import json_schema
from bayescale.cli.app import app
from tests import test_results as made
from tests.known_posteriors import known_posterior

COMMANDS = typer.main.get_command(app).commands
RECIPES = ("adamw", "muon", "--column", "group=optimiser")
# Words after the name of each command. No line fits: posteriors and results are made by hand.
LINES = {
    "allocate": [("post.nc", "--compute", 1e23), ("post.nc", "--compute", 1e22, "--compute", 1e23)],
    "backtest": [("dey2023_pile",), ("dey2023_pile", "--of", "allocation")],
    "batch": [("dey2023_pile",)],
    "check": [("dey2023_pile",), ("sweep.csv",)],
    "design": [("post.nc", "--budget", 1e22)],
    "finish": [("log.csv", "--total", 4e4)],
    "fit": [("dey2023_pile",), ("dey2023_pile", "--sensitivity", "--out", "fit.nc")],
    "forecast": [("post.nc", "--n-params", 1e10, "--n-tokens", 1e11)],
    "gate": [("sweeps.csv", *RECIPES, "--compute", 1e23)],
    "plan": [("post.nc", "--compute", 1e23)],
    "recipes": [("sweeps.csv", *RECIPES)],
}
PAIRS = [(command, words) for command, lines in LINES.items() for words in lines]


def with_json():
    """Return the names of all commands that have ``--json``."""
    found = set()
    for name, command in COMMANDS.items():
        below = getattr(command, "commands", {}).values()
        if any("--json" in option.opts for one in (command, *below) for option in one.params):
            found.add(name)
    return found


@pytest.fixture
def by_hand(monkeypatch, simulated, sweeps, compared, made_sensitivity, folder):
    """Replace what would be fitted by what is made by hand; leave files to read."""
    known_posterior(bs.datasets.simulate(seed=1)).save(folder / "post.nc")
    monkeypatch.setattr(bs, "fit", lambda runs, **_: known_posterior(runs))
    monkeypatch.setattr(bs, "sensitivity", lambda *_, **__: made_sensitivity)
    monkeypatch.setattr(bs, "batch", lambda *_, **__: made.batch())
    monkeypatch.setattr(bs, "backtest", lambda *_, **__: made.backtest())
    (folder / "log.csv").write_text("run,step,lr,loss\nbig,1000,0.001,3\nbig,2000,0.001,2.9\n")
    monkeypatch.setattr(bs, "finish", lambda *_, **__: made.finish())
    monkeypatch.setattr(bs, "backtest_allocation", lambda *_, **__: made.backtest_allocation())


def test_every_command_with_json_is_run_here():
    assert with_json() == set(LINES)


@pytest.mark.parametrize(("command", "words"), PAIRS)
def test_what_a_command_prints_keeps_the_schema(bayescale, by_hand, command, words):
    result = bayescale(command, *words, "--json")
    assert result.exit_code in (0, 3), result.output
    # The fixture checks all JSON against the schema.
    assert json.loads(result.stdout)


def test_the_schema_is_a_schema_and_names_its_version():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$id"] == "urn:bayescale:json:1"


def test_the_schema_refuses_a_key_that_it_does_not_describe():
    printed = {"loss": {"mean": 1.0}}
    with pytest.raises(jsonschema.ValidationError, match="required property"):
        jsonschema.validate(printed, json_schema("forecast"))


def test_the_schema_of_a_command_is_printed(bayescale):
    assert json.loads(bayescale("schema", "fit").stdout) == json_schema("fit")
    assert json.loads(bayescale("schema").stdout)["$defs"]["plan"]["required"]


def test_a_command_without_json_has_no_schema(refused):
    assert "No command 'devices' prints JSON" in refused("schema", "devices")
