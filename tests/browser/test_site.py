"""Pages of the site in a real browser. `.ci/run` builds the site, and names its folder in
BAYESCALE_SITE.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import opened, overhang, started, violations

SITE = os.environ.get("BAYESCALE_SITE")
# The first page, one of tables and figures, and one of the reference.
PAGES = ("index.html", "evidence.html", "reference/plots.html")

# Rules beyond WCAG speak of landmarks and headings that the theme makes.
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")

pytestmark = pytest.mark.skipif(SITE is None, reason="BAYESCALE_SITE names no built site")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def site() -> Path:
    return Path(str(SITE))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_quiet_alone_and_accessible(browser, site, page, scheme):
    with opened(browser, site / page, 1200, scheme) as found:
        found.page.wait_for_timeout(500)
        assert (found.errors, found.foreign) == ([], [])
        assert violations(found.page, *WCAG) == []


@pytest.mark.parametrize("page", PAGES)
def test_on_a_phone_a_page_does_not_scroll_sideways(browser, site, page):
    with opened(browser, site / page, 400) as found:
        assert overhang(found.page) == 0
