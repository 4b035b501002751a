"""The unit of losses goes from the table to every result, page, axis and file."""

import dataclasses
import json

import numpy as np
import pytest
from matplotlib.text import Text

import bayescale as bs
from bayescale._internal.discovery import names as names_of
from bayescale.cli._outlook import outlook
from bayescale.reports.page import html
from bayescale.terminal.fit import print_fit
from bayescale.units import UNKNOWN_LOSS_UNIT
from tests.known_posteriors import known_posterior
from tests.test_results import MADE

UNIT = "bits per byte"
BUDGET = 1e23
# Scores of these are log densities, whose nats are no loss.
OF_DENSITIES = {"LOO", "Comparison"}


def in_bits(value):
    """Return a result with another unit of losses, wherever in it runs or results are."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {}
        for field in dataclasses.fields(value):
            if field.init:
                parts[field.name] = in_bits(getattr(value, field.name))
        if "loss_unit" in parts:
            parts["loss_unit"] = UNIT
        return type(value)(**parts)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(map(in_bits, value))
    if isinstance(value, dict):
        return {name: in_bits(one) for name, one in value.items()}
    return value


def text_of(result):
    summary = result.summary().to_string()
    frame = result.frame.to_string() if hasattr(result, "frame") else ""
    return "\n".join([repr(result), json.dumps(result.to_dict()), summary, frame])


@pytest.fixture(scope="module")
def posterior():
    runs = dataclasses.replace(bs.datasets.simulate(seed=1), loss_unit=UNIT)
    about = {"provenance": {"device": "cpu"}, "seconds": {"fit": 1.0}}
    return known_posterior(runs, **about)


LOSSES = [made for cls, made in MADE.items() if cls.__name__ not in OF_DENSITIES]


@pytest.mark.parametrize("made", LOSSES)
def test_no_result_names_nats_where_the_losses_are_in_another_unit(made):
    assert "nats" not in text_of(in_bits(made()))


# A plan has what allocate, flat_set, returns, regret, forecast and design return.
VERBS = {
    "allocate for a loss": lambda plan: bs.allocate(plan.posterior, target_loss=2.5),
    "surface": lambda plan: bs.surface(plan.posterior, n_params=[1e9, 2e9], n_tokens=[1e10, 2e10]),
    "plan": lambda plan: plan,
    "flat_set": lambda plan: plan.flat_set,
    "returns": lambda plan: plan.returns,
    "regret": lambda plan: plan.regret,
    "design": lambda plan: plan.design,
    "posterior": lambda plan: plan.posterior,
}


@pytest.fixture(scope="module")
def plan(posterior):
    return bs.plan(posterior, BUDGET, budget_of_runs=1e22)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_the_unit_of_the_runs(plan, verb):
    found = VERBS[verb](plan)
    said = f"{text_of(found)} {getattr(found, 'loss_unit', UNIT)}"
    assert "nats" not in said
    assert UNIT in said


def test_the_report_of_a_plan_names_the_unit(plan):
    page = html(plan)
    assert UNIT in page
    assert "nats" not in page


FIGURES = {
    "flat_set": lambda plan: bs.plots.flat_set(plan.flat_set),
    "isoflop": lambda plan: bs.plots.isoflop(plan.posterior),
    "loss_along_compute": lambda plan: bs.plots.loss_along_compute(plan.posterior),
    "pair": lambda plan: bs.plots.pair(plan.posterior),
    "surface": lambda plan: bs.plots.surface(plan.posterior),
}
OTHER_FIGURES = {
    *("backtest_bands", "beside_prior", "calibration", "finish", "outliers", "profile"),
    "sensitivity",
}


def test_every_figure_is_looked_at_or_has_no_posterior():
    assert set(names_of("bayescale.plots")) == FIGURES.keys() | OTHER_FIGURES


@pytest.mark.parametrize("figure", FIGURES)
def test_axes_name_the_unit(plan, figure):
    drawn = FIGURES[figure](plan)
    texts = " ".join(text.get_text() for text in drawn.findobj(Text))
    assert UNIT in texts
    assert "nats" not in texts


def test_the_page_of_a_fit_names_the_unit(posterior, capsys):
    print_fit(posterior, *outlook(posterior))
    page = capsys.readouterr().out
    assert f"loss, {UNIT}" in page
    assert "nats" not in page


def test_a_file_keeps_the_unit(posterior, tmp_path):
    assert bs.load(posterior.save(tmp_path / "post.nc")).runs.loss_unit == UNIT


def test_folds_keep_the_unit(posterior):
    for fold in bs.LargestCompute().split(posterior.runs):
        assert (fold.train.loss_unit, fold.test.loss_unit) == (UNIT, UNIT)


TABLE = {"params": [1e8, 2e8, 4e8], "tokens": [4e9, 3e9, 9e9]}


@pytest.mark.parametrize(
    ("heading", "asked", "unit"),
    [
        ("val_loss", None, "nats per token"),
        ("val_bpb", None, UNIT),
        ("val_loss", "bits per byte", UNIT),
        ("bits", None, "nats per token"),
        ("val_loss", "unknown", UNKNOWN_LOSS_UNIT),
    ],
)
def test_a_table_says_the_unit_by_its_heading_or_is_told(heading, asked, unit):
    runs = bs.Runs.read(TABLE | {heading: [1.3, 1.2, 1.0]}, loss_unit=asked)
    assert runs.loss_unit == unit
    assert np.isfinite(runs.column("loss")).all()


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("besiroglu2024_chinchilla", "nats per token"),
        ("bayescale2026_sweep", "nats per byte"),
        ("llama3_isoflop", UNKNOWN_LOSS_UNIT),
    ],
)
def test_the_catalogue_says_the_unit(name, unit):
    from bayescale.datasets.descriptor import describe

    assert describe(name).loss_unit == unit
