"""The gallery and the page of verbs: scripts that a reader can copy, and every verb in its place.

The scripts themselves run when the site is built, and a script that fails ends that build.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from mkdocs.exceptions import PluginError

import bayescale as bs
from tests.pages import DOCS

MOST_LINES = 60
SCRIPTS = sorted((DOCS / "gallery").glob("*.py"))

every_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)


@pytest.fixture
def gallery_pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("gallery_pages")


@pytest.fixture
def verbs_page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("verbs_page")


def test_the_gallery_has_a_page_for_each_question() -> None:
    assert len(SCRIPTS) >= 14


@every_script
def test_a_script_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@every_script
def test_a_script_has_a_title_an_introduction_and_prose(
    gallery_pages: ModuleType, path: Path
) -> None:
    script = gallery_pages.parse(path.stem, path.read_text(encoding="utf-8"))
    assert 0 < len(script.title) <= 60
    assert len(script.introduction.split()) > 15
    assert sum(len(cell.prose.split()) for cell in script.cells) > 15


@every_script
def test_a_script_ends_in_a_figure(path: Path) -> None:
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1]
    assert isinstance(last, ast.Expr)
    shown = ast.unparse(last.value)
    assert shown == "figure" or shown.startswith("bs.plots.")


SMALL = '''"""A title

An introduction.
"""

# %%
# Some *prose*.
import pandas as pd
from matplotlib.figure import Figure

print("a < b")
pd.DataFrame({"x": [1.0]}, index=["<row>"])

# %%
figure = Figure()
axes = figure.subplots()
_ = axes.set(xlabel="size", ylabel="loss")
figure
'''


def test_a_page_shows_prose_code_output_tables_and_figures(gallery_pages: ModuleType) -> None:
    executed = gallery_pages.run(gallery_pages.parse("small", SMALL))
    assert executed.page.startswith("# A title\n\nAn introduction.\n\nSome *prose*.\n\n```python")
    assert '<pre class="output">a &lt; b</pre>' in executed.page
    assert "<th>&lt;row&gt;</th>" in executed.page
    assert list(executed.figures) == ["small_1.svg"]
    assert "![Figure: loss against size](small_1.svg)" in executed.page


def test_a_script_that_fails_ends_the_build(gallery_pages: ModuleType) -> None:
    failing = SMALL.replace('print("a < b")', "1 / 0")
    with pytest.raises(PluginError, match=r"gallery/failing.py failed: ZeroDivisionError"):
        gallery_pages.run(gallery_pages.parse("failing", failing))


def test_a_script_that_ends_in_no_figure_ends_the_build(gallery_pages: ModuleType) -> None:
    without = SMALL.removesuffix("figure\n") + "print(figure)\n"
    with pytest.raises(PluginError, match="the last line must be a figure"):
        gallery_pages.run(gallery_pages.parse("without", without))


def test_a_warning_stands_on_the_page(gallery_pages: ModuleType) -> None:
    warning = SMALL.replace('print("a < b")', 'import warnings\nwarnings.warn("careful")')
    page = gallery_pages.run(gallery_pages.parse("warning", warning)).page
    assert "UserWarning: careful" in page


def test_every_function_is_on_the_page_of_verbs(verbs_page: ModuleType) -> None:
    functions = [name for name in bs.__all__ if inspect.isfunction(getattr(bs, name))]
    listed = [name for verbs in verbs_page.VERBS.values() for name in verbs]
    assert sorted(listed) == sorted(functions)


def test_every_law_noise_model_and_method_is_on_the_page_of_choices() -> None:
    page = (DOCS / "how_to_choose.md").read_text(encoding="utf-8")
    offered = set(re.findall(r"`([A-Z]\w+)(?:\(\))?`", page))
    groups = (bs.laws, bs.noise, bs.inference)
    public = {name for group in groups for name in dir(group) if name[0].isupper()}
    assert offered == public


def test_the_examples_of_verbs_use_them(verbs_page: ModuleType) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in SCRIPTS}
    for verbs in verbs_page.VERBS.values():
        for name, (_, example) in verbs.items():
            assert not example or re.search(rf"\bbs\.{name}\(", texts[example]), name
