"""The report of a plan in a real browser: quiet, alone, accessible, on paper and on a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

import bayescale as bs
from bayescale.decisions.checks.sensitivity import Sensitivity
from bayescale.decisions.plans.plan import Plan
from tests.browser.chromium import opened, overhang, started, violations
from tests.known_posteriors import known_posterior
from tests.plots import examples

BUDGET = 1e23
PHONE = 400  # pixels
A4 = (595.0, 842.0)  # points


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return a plan with all parts that a report may have, a doubt above them."""
    posterior = known_posterior(bs.datasets.simulate(seed=1), shape=(2, 500))
    variants: Sensitivity = examples.sensitivity()
    return bs.plan(posterior, BUDGET, budget_of_runs=1e21, sensitivity=variants)


@pytest.fixture(scope="module")
def report(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "plan.html"
    return bs.report(plan, path, commands=["bayescale plan sweep.csv --compute 1e23 " * 3])


def test_it_says_no_error_and_asks_no_other_host_for_anything(browser, report):
    with opened(browser, report, 1200) as found:
        found.page.fill("#n_params", "3e9")
        assert (found.errors, found.foreign) == ([], [])


def test_the_calculator_is_filled_with_the_sizes_of_allocate(browser, report, plan):
    with opened(browser, report, 1200) as found:
        cells = found.page.locator("#best td[data-value], #run td[data-value]").all()
        values = [float(str(cell.get_attribute("data-value"))) for cell in cells]
    sizes = np.quantile(bs.allocate(plan.posterior, BUDGET).draws["n_params"], [0.05, 0.5, 0.95])
    np.testing.assert_allclose(values[:3], sizes, rtol=1e-4)
    np.testing.assert_allclose(values[3:6], BUDGET / (6 * sizes[::-1]), rtol=1e-4)
    assert len(values) == 17


def test_axe_finds_no_violation(browser, report):
    # Narrow, so that regions scroll, which the keyboard must reach too.
    with opened(browser, report, PHONE) as found:
        assert violations(found.page) == []


def test_on_a_phone_the_page_does_not_scroll_sideways(browser, report):
    with opened(browser, report, PHONE) as found:
        assert overhang(found.page) == 0


def test_it_prints_on_a4_with_nothing_cut_off(browser, report):
    with opened(browser, report, 1200) as found:
        found.page.emulate_media(media="print")
        # The width of A4 less margins of 10 mm, at 96 pixels an inch.
        found.page.set_viewport_size({"width": 718, "height": 1000})
        script = """[...document.querySelectorAll(".wide, figure, pre")]
            .filter((one) => one.scrollWidth > one.clientWidth)
            .map((one) => one.getAttribute("aria-label") ?? one.tagName)"""
        assert found.page.evaluate(script) == []
        margins = dict.fromkeys(("top", "bottom", "left", "right"), "10mm")
        printed = found.page.pdf(format="A4", margin=margins)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert boxes and len(boxes) < 12
    np.testing.assert_allclose(np.array(boxes, dtype=float), np.tile(A4, (len(boxes), 1)), atol=1)
