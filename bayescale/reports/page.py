"""A plan as one HTML file that needs nothing else: figures, tables, a calculator, a checklist and
how to make it again.
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
from bayescale.decisions.plans.plan import Plan
from bayescale.plots._drawing import as_svg
from bayescale.plots.flat_set import flat_set
from bayescale.plots.loss_along_compute import loss_along_compute
from bayescale.plots.sensitivity import sensitivity
from bayescale.reports import calculator
from bayescale.reports.checklist import checklist
from bayescale.results import Complaint, messages
from bayescale.units import QUANTILES, number

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
    """A part of the page."""

    id: str
    title: str
    text: str
    headings: tuple[str, ...]
    rows: list[list[str]]


class Picture(NamedTuple):
    """A figure as inline SVG, and what it shows."""

    svg: str
    caption: str


def report(plan: Plan, path: str | Path, *, commands: Iterable[str] = ()) -> Path:
    """Write a plan as one self-contained HTML file.

    It opens without a network and loads nothing. The calculator splits any budget at all draws of
    the posterior; laws of other inputs than parameters and tokens have none.

    Parameters
    ----------
    plan : Plan
    path : str or Path
        Appears whole or not at all.
    commands : iterable of str
        What made the plan; how to make it in Python unless given.

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
    """The page."""
    posterior = plan.posterior
    tables = list(_tables(plan))
    parts = [
        ("answer", "Answer"),
        *([("calculator", "Calculator")] if calculator.has_calculator(posterior) else []),
    ]
    parts += [
        *((table.id, table.title) for table in tables),
        ("checklist", "Checklist"),
        ("again", "Make it again"),
    ]
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
        problems=messages(posterior.problems),
        sentences=plan.sentences,
        figures=list(_pictures(plan)),
        calculator=_calculator(plan) if calculator.has_calculator(posterior) else None,
        tables=tables,
        checklist=checklist(plan),
        commands="\n".join(commands) or _in_python(plan),
    )


def _raised(formula: str) -> str:
    """A formula with its exponents raised, as HTML."""
    return re.sub(r"\^(?:\{([^}]*)\}|\(([^)]*)\)|(\w+))", r"<sup>\1\2\3</sup>", escape(formula))


def _source(name: str) -> str:
    return (files("bayescale.reports") / name).read_text(encoding="utf-8")


def _calculator(plan: Plan) -> dict[str, str]:
    limits = plan.constraints
    fixed = {
        name: getattr(limits, name, None)
        for name in ("max_tokens", "unique_tokens", "inference_tokens")
    }
    known = {name: float(value) for name, value in fixed.items() if isinstance(value, int | float)}
    caps = [known[name] for name in ("max_tokens", "unique_tokens") if name in known]
    return {
        "compute": f"{plan.compute:.4g}",
        "cap": f"{min(caps):.4g}" if caps else "",
        "served": f"{known['inference_tokens']:.4g}" if "inference_tokens" in known else "",
        "draws": json.dumps(calculator.draws(plan.posterior)),
        "arguments": ", ".join(calculator.arguments(plan.posterior)),
        "body": calculator.javascript(plan.posterior.law.formula),
        "script": _source("calculator.js"),
    }


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
            as_svg(sensitivity(plan.sensitivity), "Answers under other assumptions"),
            "The same under other assumptions.",
        )


def _tables(plan: Plan) -> Iterable[Table]:
    numbers = plan.summary()
    rows = [
        [_NAMES.get(str(name), str(name)), *(number(row[q]) for q in QUANTILES)]
        for name, row in numbers.iterrows()
    ]
    yield Table(
        "numbers",
        "The numbers",
        "Median and 90 % interval over the posterior.",
        ("", *_HEADINGS),
        rows,
    )
    parameters = plan.posterior.summary()
    rows = [
        [str(name), *(number(row[q]) for q in QUANTILES)] for name, row in parameters.iterrows()
    ]
    yield Table("parameters", "Parameters of the law", "", ("", *_HEADINGS), rows)
    regrets = plan.regret.summary()
    headings = ("plan", "N", "D", "expected regret, nats", "compute wasted", "5 %", "95 %")
    columns = ["n_params", "n_tokens", "extra_loss", "wasted", "wasted_q05", "wasted_q95"]
    yield Table(
        "regret",
        "Regret",
        "",
        headings,
        [[str(name), *map(number, row[columns])] for name, row in regrets.iterrows()],
    )
    if plan.design is not None:
        columns = ["n_params", "n_tokens", "flops", "cumulative_flops", "regret_after"]
        rows = [
            [str(number_of_run), *map(number, row[columns])]
            for number_of_run, row in plan.design.summary().iterrows()
        ]
        wanted = ("run", "N", "D", "FLOPs", "spent", "regret after, nats")
        yield Table("next", "Runs to make first", " ".join(plan.design.sentences), wanted, rows)
    if plan.sensitivity is not None:
        yield _sensitivity_table(plan.sensitivity.summary(), plan.sensitivity.problems)


def _sensitivity_table(table: pd.DataFrame, problems: tuple[Complaint, ...]) -> Table:
    headings = ("", *_HEADINGS, "lowest median", "highest median", "moved most by")
    rows = [
        [
            _NAMES.get(str(name), str(name)),
            *(number(row[q]) for q in (*QUANTILES, "lowest", "highest")),
            str(row["variant"]),
        ]
        for name, row in table.iterrows()
    ]
    return Table(
        "sensitivity", "Under other assumptions", " ".join(messages(problems)), headings, rows
    )


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
