"""Every result that a verb returns has escaped text, a short repr, a dictionary for JSON, a table
and sentences.
"""

import dataclasses
import importlib
import json
import pkgutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayescale as bs
from bayescale.batches.batch import Batch
from bayescale.decisions.approaches.approaches import Approaches
from bayescale.decisions.approaches.isoflop import IsoFlop
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.checks.backtest import Backtest
from bayescale.decisions.checks.backtest_allocation import AllocationBacktest
from bayescale.decisions.checks.check import Check
from bayescale.decisions.checks.compare import Comparison
from bayescale.decisions.checks.loo import LOO
from bayescale.decisions.checks.outliers import Outliers
from bayescale.decisions.checks.profile import Profile
from bayescale.decisions.checks.scores import INTERVALS
from bayescale.decisions.checks.sensitivity import Sensitivity
from bayescale.decisions.forecasts.finish import Finish
from bayescale.decisions.forecasts.forecast import Forecast
from bayescale.decisions.forecasts.surface import Surface
from bayescale.decisions.mixtures.best_mixture import BestMixture
from bayescale.decisions.plans.allocate import Allocation
from bayescale.decisions.plans.design import Design
from bayescale.decisions.plans.flat_set import FlatSet
from bayescale.decisions.plans.next_run import AS_DEAR, LARGER, SMALL, NextRun
from bayescale.decisions.plans.plan import Plan
from bayescale.decisions.plans.regret import Regret
from bayescale.decisions.plans.returns import Returns
from bayescale.decisions.recipes._team import Likeness
from bayescale.decisions.recipes.gate import Audit
from bayescale.decisions.recipes.group_fits import GroupFits
from bayescale.decisions.recipes.recipe_law import RecipeLaw
from bayescale.decisions.recipes.recipes import Recipes
from bayescale.decisions.repeated_sampling.families import Beta
from bayescale.decisions.repeated_sampling.pass_at_k import NEW, THESE, PassRates
from bayescale.findings.base import Finding
from bayescale.posterior.beside_prior import QUANTITIES
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Result, as_json, in_lines, table_to_html
from bayescale.units import QUANTILES_AND_QUARTILES, QUANTILES_TO_SCORE

MARKUP = "<img src=x onerror=alert(1)>"
FILLED = np.array([1.0, 1.1, 1.2])
STATISTICS = {"mean": 1.0, "sd": 0.1, "q05": 0.9, "q50": 1.0, "q95": 1.1}
WRONG = (Complaint("rhat", f"{MARKUP} disagrees.", {"rhat_max": 1.2}),)
NOISE, METHOD = bs.noise.Normal(), bs.NUTS()


def runs():
    table = {"n_params": [1e8, 2e8, 4e8], "n_tokens": [4e9, 3e9, 9e9], "loss": [3.3, 3.2, 3.0]}
    frame = pd.DataFrame(table).assign(group=MARKUP, **{MARKUP: MARKUP})
    return bs.Runs(frame, name=MARKUP, source=MARKUP, notes=(MARKUP,))


def posterior():
    names = ("E", "A", "B", "alpha", "beta", "sigma")
    params = dict.fromkeys(names, FILLED[None])
    return Posterior(bs.laws.Chinchilla(), NOISE, METHOD, runs(), params, problems=WRONG)


def dataset(dims, *names, **coordinates):
    shape = tuple(len(coordinates.get(dim, FILLED)) for dim in dims)
    values = np.full(shape, 1.0)
    return xr.Dataset(dict.fromkeys(names, (dims, values)), coords=coordinates)


def allocation():
    names = ("n_params", "n_tokens", "tokens_per_param", "loss", "train_flops")
    budgets = np.array([1e21, 1e22])
    arrays = dict.fromkeys(names, np.ones((len(FILLED), len(budgets))))
    binding = pd.DataFrame({"compute": [1e21], "bound": ["max_params"], "share": [0.5]})
    return Allocation("compute", budgets, arrays, binding)


def forecast():
    inputs = pd.DataFrame({"n_params": [1e9], "n_tokens": [2e10]})
    return Forecast(inputs, "loss", FILLED[:, None], lambda: FILLED[:, None])


def best_mixture():
    two, losses = np.full((3, 2), 0.5), FILLED[:, None]
    return BestMixture(
        MARKUP, ("web", MARKUP), {MARKUP: 1.0}, two[0], two, two[0], losses, losses,
        {MARKUP: posterior()},
    )  # fmt: skip


def finish():
    futures = {"future": ["planned", MARKUP], "end_step": [2.0, 3.0], "decay_step": [1.5, np.nan]}
    draws = np.stack([FILLED, FILLED], axis=1)
    path = pd.DataFrame({"step": [2.0], "q05": [1.0], "q50": [1.1], "q95": [1.2]})
    logged = pd.DataFrame({"step": [1.0], "loss": [1.3]})
    return Finish(
        MARKUP, 1.0, 1.3, pd.DataFrame(futures), draws, draws, path, logged, 9.0, False
    )  # fmt: skip


def surface():
    names = [f"loss_{name}" for name in ("mean", "sd", *QUANTILES_AND_QUARTILES)]
    return Surface(dataset(("n_params", "n_tokens"), *names, n_params=[1e9], n_tokens=[1e10]))


def flat_set():
    size = {"compute": [1e21], "n_params": [1e9], "n_tokens": [1e11], "probability": [0.95]}
    frame = pd.DataFrame(size | {"expected_regret": [0.01]})
    draws = dataset(("draw", "compute"), "low", "high", "n_params", compute=[1e21])
    return FlatSet(0.005, draws, frame, frame)


def regret():
    plan = pd.Index([MARKUP, "least expected regret"], name="plan")
    table = pd.DataFrame({"n_params": 1e9, "n_tokens": 2e10, "spent": 1e20}, index=plan)
    return Regret(table, dataset(("draw", "plan"), "loss", "extra_loss", "wasted", plan=plan))


def returns():
    names = ("loss", "slope", "floor", "above_floor", "loss_10x", "next_factor", "next_price")
    found = dataset(("draw", "compute"), *names, compute=[1e21])
    found["next_factor"][0] = np.inf
    return Returns(0.01, found)


def design():
    row = {"n_params": 1e9, "n_tokens": 2e10, "flops": 1e20, "regret_before": 0.02}
    row |= {"loss_left": 0.5, "n_params_left": 0.9}
    row |= {"regret_after": 0.01, "worth_per_flop": 1e-22, "cumulative_flops": 1e20}
    return Design(MARKUP, 1e23, pd.DataFrame([row]), 0.02, 1e-25)


def next_run():
    row = {"runs": 1.0, "n_params": 1e9, "n_tokens": 2e10, "flops": 1e20}
    row |= {"loss_left": 0.5, "n_params_left": 0.9}
    frame = pd.DataFrame([{"choice": choice, **row} for choice in (LARGER, AS_DEAR, SMALL)])
    interval = {"q05": 1.0, "q50": 2.0, "q95": 3.0}
    return NextRun(MARKUP, 1e23, 1e22, interval, interval, frame)


def plan():
    arrays = {name: array[:, :1] for name, array in allocation().arrays.items()}
    one = Allocation("compute", np.array([1e21]), arrays)
    fit = posterior()
    return Plan(
        fit, 1e21, None, one, flat_set(), forecast(), returns(), regret(), design(),
        sensitivity(),
    )  # fmt: skip


def sensitivity():
    row = {"kind": "posterior", "variant": MARKUP, "quantity": "alpha", "unit": "no unit"}
    row |= {"q05": 0.3, "q50": 0.34, "q95": 0.38, "shift": 0.0}
    return Sensitivity(MARKUP, 1e23, pd.DataFrame([row]), WRONG)


def backtest():
    row = {"fold": MARKUP, "run_id": MARKUP, "loss": 3.0, "pit": 0.5, "crps": 0.01}
    row |= dict.fromkeys(QUANTILES_TO_SCORE, 3.0) | {"n_train": 3, "log_score": np.nan}
    row |= {f"covered{share}": True for share in INTERVALS}
    frame = pd.DataFrame([row | {"model": MARKUP}, row | {"model": "huber + bootstrap"}])
    return Backtest(frame, {MARKUP: posterior()}, runs(), bs.LargestCompute())


def backtest_allocation():
    row = {"fold": MARKUP, "compute": 1e21, "times": 10.0, "n_train": 3, "n_params": 1e9}
    row |= {"se": 0.02, "width": 0.2, "error": 0.1, "crps": 0.05, "regret": 0.01}
    row |= dict.fromkeys(QUANTILES_AND_QUARTILES, 1e9) | {"covered50": False, "covered90": True}
    frame = pd.DataFrame([row | {"model": MARKUP}, row | {"model": "huber + bootstrap"}])
    found = {"compute": [1e21], "log_n_params": [9.0], "se": [np.nan], "status": ["counts"]}
    cuts = bs.AfterBudgets()
    return AllocationBacktest(
        frame, pd.DataFrame(found), {MARKUP: posterior()}, runs(), cuts, WRONG
    )


def loo():
    frame = pd.DataFrame({"run_id": [MARKUP], "elpd": [1.0], "pareto_k": [0.9], "good": [False]})
    return LOO(MARKUP, frame, 1.0, np.nan, 2.0, WRONG)


def stack():
    scores = pd.DataFrame({"a": [1.0, 2.0], MARKUP: [1.5, 1.5]})
    weights = np.array([0.4, 0.6])
    return Stack((posterior(), posterior()), ("a", MARKUP), weights, "loo", scores, WRONG)


def outliers():
    columns = {"run_id": [MARKUP], "loss": [3.0], "residual": [4.0], "probability": [0.9]}
    return Outliers(MARKUP, 2.6, pd.DataFrame(columns))


def check():
    finding = Finding("one_budget", "doubtful", MARKUP, MARKUP, (MARKUP,), {"budget": np.inf})
    return Check(MARKUP, 3, (finding,))


def comparison():
    scores = {"n_parameters": 5, "log_score": 1.0, "behind": 0.0, "behind_se": 0.0, "loo": 1.0}
    frame = pd.DataFrame([{"law": MARKUP, **scores}, {"law": "power_law", **scores}])
    form = {"law": MARKUP, "quantity": MARKUP, "q05": 0.5, "q50": 1.0, "q95": 2.0}
    forms = pd.DataFrame([form | {"value": 1.0, "simpler": "tied", "below": 0.5}])
    return Comparison(MARKUP, frame, forms, {MARKUP: posterior()}, (MARKUP,), WRONG)


def profile():
    grid = dataset(("alpha",), "objective", alpha=np.linspace(0.1, 1, 3))
    return Profile(runs(), bs.laws.Chinchilla(), NOISE, grid)


def recipes():
    names = ("E", "A", "B", "alpha", "beta", "n_params_multiplier", "n_tokens_multiplier", "sigma")
    params = dict.fromkeys(names, FILLED)
    compute = np.array([1e21])
    return Recipes(
        MARKUP, MARKUP, runs(), RecipeLaw(), NOISE, METHOD, params, compute, {}, WRONG, {}
    )


def group_fits():
    names = ("E", "A", "B", "alpha", "beta", "gamma", "sigma")
    params = dict.fromkeys(names, FILLED[None])
    one = Posterior(bs.laws.Coupled(), NOISE, METHOD, runs(), params, problems=WRONG)
    others = {MARKUP: dict.fromkeys(QUANTITIES, FILLED)}
    likeness = Likeness(FILLED, FILLED, FILLED)
    return GroupFits(MARKUP, MARKUP, {MARKUP: one}, {MARKUP: one}, others, likeness)


def audit():
    text = dict.fromkeys(("question", "sentence", "base", "candidate", "data"), MARKUP)
    text |= dict.fromkeys(("data_sha256", "law", "noise", "method", "device", "fitted"), MARKUP)
    numbers = {"compute": 1e23, "threshold": 0.0, "required": 0.95, "probability": 0.9, "seed": 0}
    figures = {"gain": {"q50": 0.1}, "n_runs": {MARKUP: 3}, "diagnostics": {"rhat_max": np.nan}}
    return Audit(
        decision="promote", versions={}, date="today", problems=WRONG, **text, **numbers, **figures
    )


def pass_rates():
    labels = {"group": [MARKUP], "over": [THESE, NEW], "k": [1, 10]}
    over_all = dataset(("draw", "group", "over", "k"), "pass_rate", "exponent", **labels)
    draws = over_all.assign(dataset(("draw", "group", "k"), "solved", group=[MARKUP], k=[1, 10]))
    group = pd.Index([MARKUP], name="group")
    parameters = pd.DataFrame([STATISTICS], index=group)
    return PassRates(draws, Beta(), parameters, pd.DataFrame({"rhat_max": [1.0]}, group), WRONG)


def isoflop():
    sweep = bs.datasets.simulate(seed=0)
    return bs.isoflop(dataclasses.replace(sweep, name=MARKUP))


def approaches():
    row = {
        "approach": MARKUP,
        "compute": 1e23,
        "value": 0.5,
        "q05": 0.4,
        "q95": 0.6,
        "bias": np.nan,
    }
    quantities = ("a", "n_params", "n_tokens", "tokens_per_param")
    return Approaches(pd.DataFrame([row | {"quantity": name} for name in quantities]), WRONG)


def batch():
    fit = {"data_set": MARKUP, "law": "chinchilla", "noise": "normal", "status": "doubtful"}
    fit |= {"message": MARKUP} | {f"E_{name}": value for name, value in STATISTICS.items()}
    return Batch(pd.DataFrame([fit]), {})


MADE = {
    Allocation: allocation,
    AllocationBacktest: backtest_allocation,
    Approaches: approaches,
    Audit: audit,
    Backtest: backtest,
    Batch: batch,
    Check: check,
    Comparison: comparison,
    Design: design,
    FlatSet: flat_set,
    Finish: finish,
    Forecast: forecast,
    BestMixture: best_mixture,
    GroupFits: group_fits,
    IsoFlop: isoflop,
    LOO: loo,
    NextRun: next_run,
    Outliers: outliers,
    PassRates: pass_rates,
    Plan: plan,
    Posterior: posterior,
    Profile: profile,
    Recipes: recipes,
    Regret: regret,
    Returns: returns,
    Sensitivity: sensitivity,
    Stack: stack,
    Surface: surface,
}
results = pytest.mark.parametrize("made", MADE.values(), ids=[cls.__name__ for cls in MADE])


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append(tag)


def elements(html):
    parser = _Elements()
    parser.feed(html)
    return parser.found


def public_dataclasses():
    """Every public dataclass with a ``summary``, wherever in the package it is defined."""
    package = Path(bs.__file__).parent
    found = set()
    for folder in ("decisions", "batches", "posterior"):
        prefix = f"bayescale.{folder}."
        for module in pkgutil.walk_packages([str(package / folder)], prefix):
            parts = importlib.import_module(module.name)
            found |= {
                one
                for name, one in vars(parts).items()
                if dataclasses.is_dataclass(one) and hasattr(one, "summary") and name[0] != "_"
            }
    return found


def test_every_result_class_is_among_those_that_are_asked():
    assert public_dataclasses() == set(MADE)


def test_every_verb_returns_a_result_that_is_asked():
    from typing import get_type_hints

    verbs = [getattr(bs, name) for name in bs.__all__ if name[0].islower()]
    others = {bs.load, bs.report, bs.cite, bs.to_table, bs.unbiased_pass_at_k}
    returned = {
        get_type_hints(verb)["return"] for verb in verbs if callable(verb) and verb not in others
    }
    assert returned <= set(MADE)


@results
def test_a_result_has_all_that_results_have(made):
    assert isinstance(made(), Result)


@results
def test_markup_in_names_is_inert_in_a_notebook(made):
    html = made()._repr_html_()
    assert "img" not in elements(html)
    assert "<table" in html


def test_markup_in_a_table_of_runs_is_inert_in_a_notebook():
    assert "img" not in elements(runs()._repr_html_())


@pytest.mark.parametrize("made", [*MADE.values(), runs])
def test_a_prompt_shows_a_dozen_short_lines_at_most(made):
    lines = repr(made()).splitlines()
    assert len(lines) <= 12
    assert all(len(line) <= 100 for line in lines)
    assert lines[0].startswith(type(made()).__name__)


@results
def test_the_dictionary_is_json_without_numbers_that_json_lacks(made):
    found = made().to_dict()
    assert isinstance(found, dict)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@results
def test_the_summary_is_a_table(made):
    assert isinstance(made().summary(), pd.DataFrame)


@results
def test_sentences_are_a_tuple_of_text(made):
    said = made().sentences
    assert isinstance(said, tuple) and said
    assert all(isinstance(sentence, str) and sentence for sentence in said)


@results
def test_problems_are_complaints(made):
    problems = made().problems
    assert isinstance(problems, tuple)
    assert all(isinstance(problem, Complaint) for problem in problems)


def test_a_complaint_is_its_sentence_as_text():
    assert str(WRONG[0]) == f"{WRONG[0]}" == f"{MARKUP} disagrees."
    assert str(WRONG[0].about("old")) == f"old: {MARKUP} disagrees."


def test_a_complaint_is_read_from_a_dictionary_and_from_the_sentence_of_older_files():
    assert Complaint.of(WRONG[0].to_dict()) == WRONG[0]
    assert Complaint.of("Intervals are rough.") == Complaint("unknown", "Intervals are rough.")


def test_numbers_that_json_lacks_are_none():
    value = {"a": np.float64("nan"), 1: (np.int64(2), np.array([np.inf, 1.0]))}
    assert as_json(value) == {"a": None, "1": [2, [None, 1.0]]}


def test_many_lines_are_cut_to_a_dozen():
    lines = in_lines("first", map(str, range(30))).splitlines()
    assert len(lines) == 12 and lines[-1] == "  … and 20 more"


def test_numbers_of_an_index_are_rounded_as_cells_are():
    budgets = pd.Index([5.76e23, 1e24], name="compute")
    quantities = pd.MultiIndex.from_product([budgets, ["loss"]])
    for index in (budgets, quantities):
        shown = table_to_html(pd.DataFrame({"mean": [1.0, 2.0]}, index=index))
        assert "<th>5.76e+23</th>" in shown
        assert "<th>1e+24</th>" in shown
