"""The site: every document and every public name has its place, and links stay inside it."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import bayescale as bs

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site_pages() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "site_pages", ROOT / "docs" / "site_pages.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference(site_pages: ModuleType) -> dict[str, str]:
    return site_pages.reference()


def listed(navigation: object) -> set[str]:
    """Return the pages of a part of the navigation."""
    if isinstance(navigation, str):
        return {navigation}
    parts = navigation.values() if isinstance(navigation, dict) else navigation
    return set().union(*map(listed, parts))


def test_every_document_and_every_page_that_is_made_is_in_the_navigation(
    site_pages: ModuleType, reference: dict[str, str]
) -> None:
    navigation = listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    documents = {
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
    }
    made = {*site_pages.OF_ROOT.values(), *(f"reference/{page}.md" for page in reference)}
    made |= {"verbs.md", "gallery/index.md"}
    made |= {f"gallery/{path.stem}.md" for path in (ROOT / "docs" / "gallery").glob("*.py")}
    assert navigation == documents | made


def test_every_public_function_and_class_is_in_the_reference(
    site_pages: ModuleType, reference: dict[str, str]
) -> None:
    entries = set(re.findall(r"^::: (\S+)$", "\n".join(reference.values()), re.MULTILINE))
    public = [getattr(bs, name) for name in bs.__all__]
    for package in site_pages.GROUPS:
        group = getattr(bs, package)
        public += [getattr(group, name) for name in dir(group) if not name.startswith("_")]
    objects = [one for one in public if inspect.isfunction(one) or inspect.isclass(one)]
    assert {site_pages.place_of(one) for one in objects} == entries
    assert len(entries) > 100


@pytest.mark.parametrize(
    ("text", "documents", "mended"),
    [
        ("[a](docs/evidence.md#is-it-fast)", "docs/", "[a](evidence.md#is-it-fast)"),
        ("[a](CONTRIBUTING.md)", "docs/", "[a](contributing.md)"),
        ("[a](../README.md#start)", "", "[a](index.md#start)"),
        ("[a](LICENSE)", "docs/", "a"),
        ("[a](../bayescale/laws/base.py)", "", "a"),
        ("![a](docs/pair.png)", "docs/", "![a](pair.png)"),
        ("[a](docs/gallery)", "docs/", "[a](gallery/index.md)"),
        ("[a](gallery/10_serving.py)", "", "[a](gallery/10_serving.md)"),
        (
            "[a](findings.md), [b](https://semver.org/)",
            "",
            "[a](findings.md), [b](https://semver.org/)",
        ),
    ],
)
def test_links_lead_to_pages_of_the_site(
    site_pages: ModuleType, text: str, documents: str, mended: str
) -> None:
    assert site_pages.with_links(text, documents) == mended


def test_a_page_takes_no_script_from_another_host(site_pages: ModuleType) -> None:
    page = type("Page", (), {"url": "reference/laws.html"})
    shown = site_pages.on_post_page(site_pages._SHIM, page=page, config=None)
    assert shown == '<script src="../assets/javascripts/search_in_folder.js"></script>'
