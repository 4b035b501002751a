"""The page on tables: each of its snippets runs, in the order in which they stand."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.pages import DOCS


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_the_snippets_of_the_page_run(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    page = (DOCS / "your_table.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(snippets) > 10
    (tmp_path / "page.py").write_text("\n".join(snippets), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import_module("page")

    assert Path("results").is_dir()
