"""The page about a plan: whole in one file, right in its numbers, and open to all readers."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from py_mini_racer import MiniRacer

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.plans.plan import Plan
from bayescale.findings.base import Finding
from bayescale.noise.base import sample_responses
from bayescale.reports import calculator
from bayescale.reports.page import html
from tests.known_posteriors import known_posterior

BUDGET = 1e23


@pytest.fixture(scope="module")
def plan() -> Plan:
    posterior = known_posterior(bs.datasets.simulate(seed=1), shape=(2, 500))
    return bs.plan(posterior, BUDGET, budget_of_runs=1e21)


@pytest.fixture(scope="module")
def page(plan: Any) -> str:
    return html(plan, commands=["bayescale plan <runs> & more"])


class Reader(HTMLParser):
    """Elements with their attributes, and text by the element that holds it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_it_loads_nothing_and_forbids_to(page):
    read = Reader(page)
    sources = [
        value
        for _, attributes in read.elements
        for name, value in attributes.items()
        if name in ("src", "srcset")
    ]
    assert not sources and not read.all("link") and not read.all("iframe")
    linked = [attributes["href"] for attributes in read.all("a")]
    assert all(link and link.startswith("#") for link in linked)
    assert "default-src 'none'" in page and "@import" not in page and "url(http" not in page


def test_doubts_about_data_and_model_stand_above_the_answer(plan, page):
    wrong = Finding("lone_run", "doubtful", "Run <7> is off.", "Look at it.", ("7",))
    posterior = replace(plan.posterior, findings=(wrong,))
    doubtful = html(replace(plan, posterior=posterior))
    assert "Data: Run &lt;7&gt; is off. Look at it." in doubtful.partition("The answer")[0]
    assert "Doubtful." not in page


def test_it_is_smaller_than_three_megabytes(page):
    assert len(page.encode()) < 3e6


def test_every_link_leads_to_a_part_of_the_page(page):
    read = Reader(page)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    linked = {str(attributes["href"])[1:] for attributes in read.all("a")}
    assert linked <= set(ids)
    for part in ("answer", "calculator", "numbers", "regret", "next", "checklist", "again"):
        assert part in linked


def test_text_of_others_cannot_become_part_of_the_page(page):
    assert "bayescale plan &lt;runs&gt; &amp; more" in page


# V8 alone has no atob, which every browser has.
ATOB = (
    "function atob(t) { const a = "
    "'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'; let bits = '';"
    "for (const c of t.replace(/=+$/, '')) bits += a.indexOf(c).toString(2).padStart(6, '0'); "
    "let out = '';"
    "for (let i = 0; i + 8 <= bits.length; i += 8) out += "
    "String.fromCharCode(parseInt(bits.slice(i, i + 8), 2));"
    "return out; }"
)


def calculator_of(plan: Plan) -> Callable[[str], Any]:
    """Return the calculator of a plan: what an expression of its functions and tables gives."""
    engine = MiniRacer()
    engine.eval(ATOB)
    engine.eval(Path(calculator.__file__).with_name("calculator.js").read_text(encoding="utf-8"))
    engine.eval(f"const tables = {json.dumps(calculator.tables(plan))};")
    engine.eval("tables.loss.words = decoded(tables.loss.coefficients);")
    return engine.execute


@pytest.fixture(scope="module")
def calculate(plan: Any) -> Callable[[str], Any]:
    return calculator_of(plan)


def test_the_tables_are_smaller_than_two_hundred_kilobytes(plan):
    assert len(json.dumps(calculator.tables(plan))) < 200_000


@pytest.mark.parametrize("compute", [3e22, BUDGET, 7.3e24])
def test_the_best_sizes_of_the_calculator_are_those_of_allocate(plan, calculate, compute):
    found = calculate(f"bestSizes(tables.size, {compute})")
    told = bs.allocate(plan.posterior, compute).draws["n_params"]
    expected = np.quantile(told, calculator.SHARES)
    # Between knots quantiles bend a little less than their spline.
    tolerance = 1e-5 if compute == BUDGET else 2e-3
    np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize(("n", "d"), [(3e9, 2e11), (2e10, 4e11), (4e10, 3e12)])
def test_the_losses_of_the_calculator_are_those_of_a_forecast(plan, calculate, n, d):
    found = calculate(f"losses(tables.loss, {n}, {d})")
    told = bs.forecast(plan.posterior, n_params=n, n_tokens=d).frame.iloc[0]
    np.testing.assert_allclose(found[2], told["loss_q50"], rtol=1e-3)
    assert found == sorted(found)
    width = told["loss_q95"] - told["loss_q05"]
    assert found[-1] - found[0] == pytest.approx(width, rel=0.1)


@float64
def test_between_knots_the_losses_of_the_calculator_are_right_to_four_digits(calculate):
    """Law and scatter are the same draws as in the tables; what differs is interpolation."""
    posterior = known_posterior(bs.datasets.simulate(seed=1), shape=(2, 500))
    at = {"n_params": np.array([2.3e10]), "n_tokens": np.array([4.7e11])}
    law = posterior.log_law(at)
    drawn = np.exp(sample_responses(posterior.density(np.zeros_like(law), at), 0) + law)
    expected = np.quantile(drawn, calculator.SHARES)
    np.testing.assert_allclose(
        calculate("losses(tables.loss, 2.3e10, 4.7e11)"), expected, rtol=1e-4
    )


@pytest.mark.parametrize(("compute", "cap", "served"), [(1e24, 4e11, 0.0), (3e23, None, 5e11)])
@float64
def test_within_bounds_the_calculator_finds_the_size_of_least_median_loss(
    plan, calculate, compute, cap, served
):
    found_n, found_d = calculate(
        f"leastMedianLoss(tables.loss, 2, {compute}, {cap or 'Infinity'}, {served})"
    )
    n = np.geomspace(found_n / 3, found_n * 3, 2001)
    d = np.minimum(cap or np.inf, (compute / n - 2 * served) / 6)
    possible = d > 0
    at = {"n_params": n[possible], "n_tokens": d[possible]}
    law = plan.posterior.log_law(at)
    one = np.zeros((*law.shape[:2], 1))
    first = {name: values[:1] for name, values in at.items()}
    drawn = law + sample_responses(plan.posterior.density(one, first), 0)
    medians = np.median(drawn.reshape(-1, possible.sum()), axis=0)
    best = medians.argmin()
    at_found = calculate(f"losses(tables.loss, {found_n}, {found_d})[2]")
    assert np.log(at_found) == pytest.approx(medians[best], abs=1e-4)
    # The valley is flat: sizes a few per cent apart differ by less than interpolation does.
    assert found_n == pytest.approx(n[possible][best], rel=0.05)


def test_where_no_plan_is_within_the_tables_the_calculator_has_none(calculate):
    assert calculate("leastMedianLoss(tables.loss, 2, 1e24, 1e3, 0)") is None


def test_under_departures_the_calculator_needs_no_formula(made_posterior):
    noise = bs.noise.Discrepancy(bs.noise.Normal(), (bs.processes.OptimumDrift(),))
    law = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    given = law | {"sigma": 0.01, "tilt_sd": 0.02}
    params = {name: np.full((2, 50), value) for name, value in given.items()}
    posterior = made_posterior(bs.laws.Chinchilla(), noise, params)
    runs = posterior.runs
    found = bs.plan(posterior, 100 * float(runs.six_nd.max()))
    sizes = found.allocation.draws["n_params"]
    calculate = calculator_of(found)
    np.testing.assert_allclose(
        calculate(f"bestSizes(tables.size, {found.compute})"),
        np.quantile(sizes, calculator.SHARES),
        rtol=1e-5,
    )
    loss = calculate(f"losses(tables.loss, {found.n_params}, {found.n_tokens})[2]")
    planned = found.forecast.frame.iloc[0]
    assert planned["loss_q25"] < loss < planned["loss_q75"]


def test_every_field_has_a_label_and_every_figure_says_what_it_shows(page):
    read = Reader(page)
    fields = [attributes["id"] for attributes in read.all("input")]
    assert fields and set(fields) == {attributes["for"] for attributes in read.all("label")}
    drawings = [attributes for attributes in read.all("svg") if attributes.get("role") == "img"]
    assert len(drawings) == 2 and all(attributes["aria-label"] for attributes in drawings)
    assert all(attributes.get("scope") for attributes in read.all("th"))


def test_what_scrolls_can_be_reached_by_keyboard(page):
    read = Reader(page)
    assert all(
        attributes.get("tabindex") == "0"
        for attributes in read.all("div")
        if attributes.get("class") == "wide"
    )
    assert all(
        attributes.get("tabindex") == "0"
        for tag in ("figure", "pre")
        for attributes in read.all(tag)
    )
    assert "outline: none" not in page


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_text_stands_out_from_what_it_is_on_as_wcag_asks(page):
    colours = dict(re.findall(r"--(\w+): (#\w+);", page))
    for text in ("ink", "soft", "accent"):
        for ground in ("paper", "shade"):
            light, dark = luminance(colours[ground]), luminance(colours[text])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_nothing_is_written_where_there_is_no_folder(plan, tmp_path):
    with pytest.raises(bs.InputError, match="There is no folder"):
        bs.report(plan, tmp_path / "none" / "plan.html")


def test_a_plan_needs_draws():
    point = known_posterior(bs.datasets.simulate(seed=1), shape=(1, 1))
    with pytest.raises(bs.InputError, match="plan needs a posterior"):
        bs.plan(point, 1e23)
