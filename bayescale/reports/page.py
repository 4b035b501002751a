"""The report of a plan as one HTML file that needs nothing else.

It has figures, tables, a calculator, a checklist, and how to make it again.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe
from bayescale._internal.whole_file import written_whole
from bayescale.decisions.checks.sensitivity import Sensitivity
from bayescale.decisions.plans.design import Design
from bayescale.decisions.plans.next_run import NextRun, has_next_run, next_run_to
from bayescale.decisions.plans.plan import Plan
from bayescale.decisions.plans.regret import Regret
from bayescale.plots._drawing import as_svg
from bayescale.plots.flat_set import flat_set
from bayescale.plots.loss_along_compute import loss_along_compute
from bayescale.plots.sensitivity import sensitivity as sensitivity_figure
from bayescale.reports import calculator
from bayescale.reports.checklist import checklist
from bayescale.results import messages
from bayescale.units import NATS_PER_TOKEN, QUANTILES, in_loss_unit, number

_HEADINGS = ("5 %", "median", "95 %")
_NAMES = {
    "n_params": "parameters N*",
    "n_tokens": "tokens D*",
    "tokens_per_param": "D*/N*",
    "loss": "loss of the law at the best plan",
    "planned_loss": "loss of the planned run, with scatter and departures",
    "slope": "change of loss for an e-fold more compute",
    "floor": "loss of endless compute",
    "above_floor": "left above it",
    "loss_10x": "loss of the law at 10 times the compute",
    "loss_100x": "loss of the law at 100 times the compute",
    "next_factor": "times the budget for the next 0.01 nats",
    "next_price": "FLOPs more for the next 0.01 nats",
    "lost_to_bounds": "lost to the bounds",
}


class Table(NamedTuple):
    """A part of the page that holds a table."""

    id: str
    title: str
    text: str
    headings: tuple[str, ...]
    rows: list[list[str]]


class Picture(NamedTuple):
    """A figure as inline SVG, and its caption."""

    svg: str
    caption: str


def report(plan: Plan, path: str | Path, *, commands: Iterable[str] = ()) -> Path:
    """Write a plan as one self-contained HTML file.

    It opens without a network and loads nothing. The calculator holds tables of the posterior:
    the best size of any budget, and the loss of any run. Laws of other inputs than parameters and
    tokens have none.

    Parameters
    ----------
    plan : Plan
    path : str or Path
        Appears whole or not at all.
    commands : iterable of str
        Command lines that made the plan. By default the page says how to make it in Python.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Where there is no folder to write to.

    Examples
    --------
    >>> import tempfile
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.Importance(draws=500)
    >>> post = bs.fit(runs, law=law, noise=noise, method=method)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bs.report(bs.plan(post, 1e23), f"{folder}/plan.html").stat().st_size < 3e6
    True
    """
    path = Path(path)
    with written_whole(path) as unfinished:
        unfinished.write_text(html(plan, commands=commands), encoding="utf-8")
    return path


def html(plan: Plan, *, commands: Iterable[str] = ()) -> str:
    """Return the page."""
    posterior = plan.posterior
    has_calculator = calculator.has_calculator(posterior)
    tables = list(_tables(plan))
    parts = [("answer", "Answer")]
    if has_calculator:
        parts.append(("calculator", "Calculator"))
    parts += [(table.id, table.title) for table in tables]
    parts += [("checklist", "Checklist"), ("again", "Make it again")]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_source("page.html.j2"))
    return template.render(
        name=posterior.runs.name,
        compute=f"{plan.compute:.3g}",
        n_runs=len(posterior.runs),
        formula=_raised(posterior.law.formula),
        noise=type(posterior.noise).__name__,
        n_draws=f"{posterior.n_draws:,}",
        version=version("bayescale"),
        created=posterior.provenance.get("created", "an unknown day")[:10],
        parts=parts,
        doubts=posterior.verdicts.doubts,
        sentences=plan.sentences,
        loss_unit=posterior.runs.loss_unit,
        figures=list(_pictures(plan)),
        calculator=_calculator(plan) if has_calculator else None,
        tables=tables,
        checklist=checklist(plan),
        commands="\n".join(commands) or _in_python(plan),
    )


def _raised(formula: str) -> str:
    """Return a formula as HTML, with raised exponents."""
    return re.sub(r"\^(?:\{([^}]*)\}|\(([^)]*)\)|(\w+))", r"<sup>\1\2\3</sup>", escape(formula))


def _source(name: str) -> str:
    return (files("bayescale.reports") / name).read_text(encoding="utf-8")


def _calculator(plan: Plan) -> dict[str, str]:
    """Return the texts of the calculator: what its fields hold at first, tables and program."""
    known = _known_bounds(plan)
    served = known.pop("inference_tokens", None)
    return {
        "compute": f"{plan.compute:.4g}",
        "cap": f"{min(known.values()):.4g}" if known else "",
        "served": "" if served is None else f"{served:.4g}",
        "n_params": f"{plan.n_params:.4g}",
        "n_tokens": f"{plan.n_tokens:.4g}",
        "tables": json.dumps(calculator.tables(plan)),
        "script": _source("calculator.js"),
    }


def _known_bounds(plan: Plan) -> dict[str, float]:
    """Return the plan's bounds on tokens by name, except where one is uncertain."""
    known = {}
    for name in ("max_tokens", "unique_tokens", "inference_tokens"):
        value = getattr(plan.constraints, name, None)
        if isinstance(value, int | float):
            known[name] = float(value)
    return known


def _pictures(plan: Plan) -> Iterable[Picture]:
    decades = max(np.log10(plan.extrapolation_factor) + 0.3, 0.5)
    yield Picture(
        as_svg(loss_along_compute(plan.posterior, decades), "Loss against compute"),
        "The runs, the law, and its reach.",
    )
    yield Picture(
        as_svg(flat_set(plan.flat_set), "Expected regret by size"),
        "What each size is expected to lose at this budget.",
    )
    if plan.sensitivity is not None:
        yield Picture(
            as_svg(sensitivity_figure(plan.sensitivity), "Answers under other assumptions"),
            "The same under other assumptions.",
        )


def _tables(plan: Plan) -> Iterable[Table]:
    headings = ("quantity", *_HEADINGS)
    content = "Median and 90 % interval over the posterior."
    unit = plan.posterior.runs.loss_unit
    numbers = _rows(plan.summary(), QUANTILES, unit)
    yield Table("numbers", "The numbers", content, headings, numbers)
    parameters = _rows(plan.posterior.summary(), QUANTILES)
    yield Table("parameters", "Parameters of the law", "", headings, parameters)
    yield _regret_table(plan.regret, unit)
    if plan.design is not None:
        yield _design_table(plan.design, unit)
    if plan.constraints is None and has_next_run(plan.posterior):
        sizes, losses = (plan.allocation.arrays[name][:, 0] for name in ("n_params", "loss"))
        yield _next_run_table(next_run_to(plan.posterior, plan.compute, sizes, losses))
    if plan.sensitivity is not None:
        yield _sensitivity_table(plan.sensitivity)


def _rows(
    frame: pd.DataFrame, columns: Iterable[str], loss_unit: str = NATS_PER_TOKEN
) -> list[list[str]]:
    """Return the rows of a table as text: the name of each row, then numbers."""
    texts = frame[list(columns)].map(number)
    names = [str(name) for name in frame.index]
    labels = [in_loss_unit(_NAMES[name], loss_unit) if name in _NAMES else name for name in names]
    texts.insert(0, "name", labels)
    return texts.to_numpy().tolist()


def _regret_table(regret: Regret, loss_unit: str) -> Table:
    expected = in_loss_unit("expected regret, nats", loss_unit)
    headings = ("plan", "N", "D", expected, "compute wasted", "5 %", "95 %")
    columns = ("n_params", "n_tokens", "extra_loss", "wasted", "wasted_q05", "wasted_q95")
    return Table("regret", "Regret", "", headings, _rows(regret.summary(), columns))


def _design_table(design: Design, loss_unit: str) -> Table:
    after = in_loss_unit("regret after, nats", loss_unit)
    left = ("share left of the interval of the loss", "of the best size")
    headings = ("run", "N", "D", "FLOPs", "spent", *left, after)
    spent = ("n_params", "n_tokens", "flops", "cumulative_flops")
    columns = (*spent, "loss_left", "n_params_left", "regret_after")
    rows = _rows(design.summary(), columns)
    return Table("next", "Runs to make first", " ".join(design.sentences), headings, rows)


def _next_run_table(next_run: NextRun) -> Table:
    left = ("share left of the interval of the loss", "of the best size")
    headings = ("choice", "runs", "N", "D", "FLOPs of each", *left)
    columns = ("runs", "n_params", "n_tokens", "flops", "loss_left", "n_params_left")
    rows = _rows(next_run.summary(), columns)
    title = "What one more run would change"
    return Table("one-more", title, " ".join(next_run.sentences), headings, rows)


def _sensitivity_table(sensitivity: Sensitivity) -> Table:
    headings = ("quantity", *_HEADINGS, "lowest median", "highest median", "moved most by")
    summary = sensitivity.summary()
    rows = _rows(summary, [*QUANTILES, "lowest", "highest"])
    for row, variant in zip(rows, summary["variant"], strict=True):
        row.append(str(variant))
    problems = " ".join(messages(sensitivity.problems))
    return Table("sensitivity", "Under other assumptions", problems, headings, rows)


def _in_python(plan: Plan) -> str:
    posterior = plan.posterior
    limits = "" if plan.constraints is None else f", constraints=bs.{plan.constraints!r}"
    return (
        f"import bayescale as bs\n"
        f"# law {describe(posterior.law)}, noise {describe(posterior.noise)}, method "
        f"{describe(posterior.method)}\n"
        f"post = bs.fit(runs, law=..., noise=..., method=...)\n"
        f"bs.report(bs.plan(post, {plan.compute:g}{limits}), 'plan.html')"
    )
