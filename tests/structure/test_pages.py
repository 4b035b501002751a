"""Pages that tell of laws: the table is what the files say, and the page on adding one is followed
to the letter.
"""

import importlib
import re
from inspect import signature
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale._internal.discovery import names, parse
from tests.laws import test_contract as contract
from tests.pages import DOCS, code_of


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("make_laws")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of the law that the page adds, in a folder beside the package's own."""
    page = (DOCS / "add_a_law.md").read_text(encoding="utf-8")
    (file,) = re.findall(r"`(\w+)\.py`:", page)
    (tmp_path / f"{file}.py").write_text(code_of(page), encoding="utf-8")
    monkeypatch.setattr(bs.laws, "__path__", [*bs.laws.__path__, str(tmp_path)])
    return str(file)


def test_the_table_of_laws_is_what_their_files_say(maker):
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run python docs/make_laws.py"


def test_the_page_of_findings_is_what_the_rules_say(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    maker = importlib.import_module("make_findings")
    said = maker.PAGE.read_text(encoding="utf-8")
    assert said == maker.page(), "run python docs/make_findings.py"


def test_the_page_of_the_library_prior_is_what_its_file_says(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    maker = importlib.import_module("make_library_prior")
    said = maker.PAGE.read_text(encoding="utf-8")
    assert said == maker.page(), "run python docs/make_library_prior.py"


def test_the_page_on_adding_a_law_has_one_screen_beside_its_code():
    page = (DOCS / "add_a_law.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 75


def test_the_law_that_the_page_adds_is_found_by_its_name(added):
    assert added in names("bayescale.laws")
    assert type(parse("bayescale.laws", added)) is bs.laws.ShiftedPowerLaw


def test_the_law_that_the_page_adds_keeps_every_contract(added):
    law = parse("bayescale.laws", added)
    tests = [
        test
        for name, test in vars(contract).items()
        if name.startswith("test_") and "any_law" in signature(test).parameters
    ]
    assert len(tests) > 15
    for test in tests:
        test(any_law=law)


def test_the_law_that_the_page_adds_fits_what_it_made(added):
    law = parse("bayescale.laws", added)
    tokens = np.geomspace(1e8, 1e12, 12)
    truth = {"E": 1.7, "A": 400.0, "D_0": 2e9, "alpha": 0.3}
    loss = truth["E"] + truth["A"] / (tokens + truth["D_0"]) ** truth["alpha"]
    runs = bs.Runs.from_frame(
        pd.DataFrame({"n_tokens": tokens, "loss": loss}), required=("n_tokens", "loss")
    )
    point = bs.fit(runs, law=law, noise=bs.noise.Huber(), method=bs.MultiStart(starts=100))
    assert np.exp(point.log_law()[0, 0]) == pytest.approx(loss, rel=0.01)
