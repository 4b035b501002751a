"""The page about a plan: whole in one file, right in its numbers, and open to all readers."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from py_mini_racer import MiniRacer

import bayescale as bs
from bayescale.decisions.plans.plan import Plan
from bayescale.findings.base import Finding
from bayescale.reports import calculator
from bayescale.reports.page import html
from tests.known_posteriors import known_posterior

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
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


@pytest.mark.parametrize(
    ("compute", "cap", "served"),
    [(1e23, None, 0.0), (5.76e23, None, 0.0), (1e24, 15e12, 0.0), (1e24, 2e12, 5e12)],
)
def test_the_calculator_agrees_with_allocate_to_three_digits(plan, compute, cap, served):
    post = plan.posterior
    given = {"max_tokens": cap, "inference_tokens": served or None}
    bounds = {name: value for name, value in given.items() if value}
    over = {"lifetime_compute" if served else "compute": compute}
    told = bs.allocate(
        post, **over, constraints=bs.Constraints(**bounds) if bounds else None
    ).frame.set_index("quantity")
    engine = MiniRacer()
    source = Path(calculator.__file__).with_name("calculator.js").read_text(encoding="utf-8")
    body = calculator.javascript(post.law.formula)
    engine.eval(f"function loss({', '.join(calculator.arguments(post))}) {{ {body} }}\n{source}")
    columns = {p.name: post.draws(p.name).tolist() for p in post.law.parameters}
    found = engine.execute(
        f"plans({json.dumps(columns)}, {compute}, {cap or 'Infinity'}, {served})"
    )
    for name, values in found.items():
        np.testing.assert_allclose(
            values,
            told.loc[name, ["q05", "q50", "q95"]].to_numpy(dtype=float),
            rtol=5e-4,
            err_msg=name,
        )


def test_draws_survive_the_way_through_base64(plan):
    engine = MiniRacer()
    # V8 alone has no atob, which every browser has.
    engine.eval(
        "function atob(t) { const a = "
        "'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'; let bits = '';"
        "for (const c of t.replace(/=+$/, '')) bits += a.indexOf(c).toString(2).padStart(6, '0'); "
        "let out = '';"
        "for (let i = 0; i + 8 <= bits.length; i += 8) out += "
        "String.fromCharCode(parseInt(bits.slice(i, i + 8), 2));"
        "return out; }"
    )
    engine.eval(Path(calculator.__file__).with_name("calculator.js").read_text(encoding="utf-8"))
    found = engine.execute(
        f"Array.from(decoded({json.dumps(calculator.draws(plan.posterior)['alpha'])}))"
    )
    assert found == plan.posterior.draws("alpha").tolist()


@pytest.mark.parametrize(
    "law",
    [bs.laws.Chinchilla(), bs.laws.Coupled(), bs.laws.Kaplan(), bs.laws.Overtrained()],
    ids=str,
)
def test_formulas_become_javascript_that_computes_the_law(law, made_posterior):
    post = made_posterior(law, bs.noise.Normal())
    assert calculator.has_calculator(post)
    params = {p.name: 0.7 for p in law.parameters}
    body = calculator.javascript(law.formula)
    given = json.dumps([*params.values(), 3.0, 5.0])
    call = f"(function ({', '.join(calculator.arguments(post))}) {{ {body} }})(...{given})"
    log_inputs = {"n_params": np.log(3.0), "n_tokens": np.log(5.0)}
    assert MiniRacer().eval(call) == pytest.approx(
        float(np.exp(law.predict(params, log_inputs))), rel=1e-5
    )


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


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in")
def test_a_browser_without_a_network_fills_the_calculator(plan, tmp_path):
    assert CHROMIUM is not None
    written = bs.report(plan, tmp_path / "plan.html")
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    command += [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        written.as_uri(),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    values = [float(value) for value in re.findall(r'<td data-value="([^"]+)"', shown)]
    told = bs.allocate(plan.posterior, BUDGET).frame.set_index("quantity")
    expected = (
        told.loc[["n_params", "n_tokens", "tokens_per_param", "loss"], ["q05", "q50", "q95"]]
        .to_numpy()
        .ravel()
    )
    np.testing.assert_allclose(values, expected, rtol=5e-4)
