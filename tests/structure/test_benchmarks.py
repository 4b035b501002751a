"""Benchmarks: scripts that all run, and documents that quote measurements of today's models."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import quote
import record

import bayescale as bs

FOLDER = record.ROOT / "benchmarks"


def called(tree: ast.Module) -> set[str]:
    """Return the names that a script calls, such as ``record.write``."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def scripts() -> list[Path]:
    """Return the scripts that measure something."""
    return [path for path in sorted(FOLDER.glob("*.py")) if measures(path)]


def measures(path: Path) -> bool:
    """Return whether a script runs by itself and measures, as all do but `quote`."""
    return path.stem != "quote" and "__main__" in path.read_text(encoding="utf-8")


SCRIPTS = pytest.mark.parametrize("script", scripts(), ids=lambda path: path.stem)


def quoted_tables() -> list[str]:
    """Return the names of the tables that documents quote."""
    names = []
    for page in quote.PAGES:
        names += quote.names((record.ROOT / page).read_text(encoding="utf-8"))
    return names


def quoted_results() -> list[str]:
    """Return the names of the results that documents quote and that have been measured."""
    names = set()
    for table in quoted_tables():
        names.update(quote.TABLES[table].results)
    return sorted(name for name in names if (record.RESULTS / f"{name}.json").is_file())


def about(name: str) -> record.JsonObject:
    content = json.loads((record.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return dict(content.get("about", {}))


@SCRIPTS
def test_a_script_takes_the_common_options_and_writes_a_record(script):
    calls = called(ast.parse(script.read_text(encoding="utf-8")))
    assert {"record.parser", "record.write"} <= calls


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_what_a_script_imports_of_the_package_is_there(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bayescale"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"line {node.lineno}: {alias.name}"


@pytest.mark.parametrize("page", quote.PAGES)
def test_documents_quote_what_the_results_say(page):
    text = (record.ROOT / page).read_text(encoding="utf-8")
    assert text == quote.quoted(text), "run: python benchmarks/quote.py"


def test_every_table_is_quoted():
    assert sorted(quoted_tables()) == sorted(quote.TABLES)


@pytest.mark.parametrize("name", quoted_results())
def test_what_is_quoted_was_measured_of_the_models_of_today(name):
    recorded = about(name)
    changes = record.changes(recorded)
    assert changes == [], f"run benchmarks/{name}.py and then benchmarks/quote.py"


MODELS = {
    "default": record.Model(),
    "textbook": record.Model(bs.laws.Chinchilla(), bs.noise.StudentT(), bs.NUTS()),
}


@pytest.fixture
def measured():
    return record.about(MODELS, quick=True)


def test_a_record_says_commit_versions_and_every_field_of_the_models(measured):
    assert measured["versions"]["bayescale"] == bs.__version__
    assert measured["quick"]
    assert measured["models"]["default"]["by_default"] == ["law", "noise", "method"]
    assert measured["models"]["textbook"]["details"]["method"]["fields"]["chains"] == 4
    assert measured["models"]["textbook"]["details"]["priors"]["E"].startswith("LogNormal(")


def test_models_that_are_the_same_have_no_changes(measured):
    assert record.changes(json.loads(json.dumps(measured))) == []


def test_a_default_that_is_another_now_is_a_change(measured):
    measured["models"]["default"]["method"] = "nuts"
    assert record.changes(measured) == ["default was measured with method nuts, now importance"]


def test_a_prior_that_is_another_now_is_a_change(measured):
    measured["models"]["textbook"]["details"]["priors"]["E"] = "LogNormal(0, 9)"
    assert record.changes(measured) == [
        "fields or priors of textbook have changed since it was measured"
    ]


def run(script: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, script, *words], capture_output=True, text=True, check=False
    )
    if "bayescale.errors.InputError" in done.stderr and "BAYESCALE_DATA" in done.stderr:
        pytest.skip("needs the public originals: set BAYESCALE_DATA to their folder")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@SCRIPTS
def test_help_says_what_a_script_measures_and_measures_nothing(script):
    first_line = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))).splitlines()[0]
    assert first_line in run(script, "--help")


@pytest.mark.slow
@SCRIPTS
def test_a_quick_run_of_every_script_ends_and_writes_its_record(script, tmp_path):
    if "HuberFit(" in script.read_text(encoding="utf-8"):
        pytest.importorskip("autograd")
    run(script, "--quick", "--out", str(tmp_path / "result.json"))
    written = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert written["about"]["quick"]
    assert written["about"]["device"]
    assert record.changes(written["about"]) == []
    assert len(written) > 1
