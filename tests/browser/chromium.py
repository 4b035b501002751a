"""Pages opened in a real Chromium, which may reach no other host."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LACKING = (
    "NO BROWSER TEST WAS RUN: there is no Chromium. Install one, or set BAYESCALE_CHROMIUM to its "
    "path."
)


def program() -> str | None:
    """Return the path of Chromium: BAYESCALE_CHROMIUM, or the first that is on the PATH."""
    found = [os.environ.get("BAYESCALE_CHROMIUM"), *map(shutil.which, PROGRAMS)]
    return next(filter(None, found), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium. Without one the test is skipped, and fails where CI promises one."""
    path = program()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(LACKING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        )
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, and what it said and asked for since it was opened."""

    page: Page
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, path: Path, width: int, scheme: str = "light") -> Iterator[Opened]:
    """Open a file at a width, in pixels, in the light or the dark scheme."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    found = Opened(context.new_page())
    listen(found)
    found.page.goto(path.resolve().as_uri(), wait_until="load")
    yield found
    context.close()


def listen(found: Opened) -> None:
    """Keep what a page complains of, and each address that it asks for which is no file."""

    def of_console(message: object) -> None:
        if message.type in ("error", "warning"):
            found.errors.append(message.text)

    def of_request(request: object) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            found.foreign.append(request.url)

    found.page.on("console", of_console)
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("request", of_request)


def violations(page: Page, *tags: str) -> list[str]:
    """Return what axe-core finds wrong with a page: the rule, and the first element.

    Tags choose rules, such as wcag2aa; without them all rules are asked.
    """
    options = {"runOnly": list(tags)} if tags else None
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {one['help']}, {one['nodes'][0]['html'][:200]}" for one in found]


def overhang(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))
