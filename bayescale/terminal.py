"""What the command line prints: reports and tables for people, JSON for programs.

Text of others, such as notes and headings, is printed as it is: never as markup.
"""

import json
import math
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayescale.discovery import describe
from bayescale.errors import FitWarning, InputError, RunsWarning
from bayescale.terminal_curve import Curve, drawn

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayescale.datasets.descriptor import Descriptor
    from bayescale.decisions.allocate import Allocation
    from bayescale.decisions.forecast import Forecast
    from bayescale.laws.base import Law
    from bayescale.posterior import Posterior

_QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
_BEYOND = (1, 10, 100)
_GRID = 121
_AXES = {"n_params": "parameters", "n_tokens": "tokens", "flops": "compute, FLOPs"}
_STATUS_STYLES = {"good": "green", "doubtful": "yellow", "failed": "red"}
_MESSAGES = 8
_DIAGNOSTICS = {
    "rhat_max": "R-hat at most {:.3f}",
    "ess_bulk_min": "effective draws at least {:,.0f} in the bulk",
    "ess_tail_min": "{:,.0f} in the tails",
    "divergences": "{:,.0f} divergences",
    "starts": "{:,.0f} starts",
    "starts_in_best_basin": "{:,.0f} in the best basin",
    "second_basin_gap": "next basin relatively {:.2g} higher",
    "failed_starts": "{:,.0f} failed",
    "gradient_norm": "relative gradient {:.0e}",
    "replicates": "{:,.0f} refits",
    "failed_refits": "{:.1%} failed",
    "pareto_k": "Pareto k {:.2f}",
    "ess_importance": "{:,.0f} effective draws among the proposals",
    "log_evidence": "log evidence {:.2f}",
}


@contextmanager
def reporting() -> Iterator[None]:
    """Turn bad input, interruption and our warnings into one line each on standard error, and the exit codes 1 and 130."""
    with warnings.catch_warnings():
        for category in (RunsWarning, FitWarning):
            warnings.simplefilter("always", category)
        # JAX mends a damaged or full cache of compiled programs by compiling: no reader of a fit needs to know.
        warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
            if issubclass(category, RunsWarning | FitWarning):
                typer.echo(f"warning: {_one_line(message)}", err=True)
            else:
                others(message, category, *where)

        warnings.showwarning = show  # type: ignore[assignment]
        try:
            yield
        except InputError as error:
            typer.echo(f"error: {_one_line(error)}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; nothing was saved", err=True)
            raise typer.Exit(130) from None


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a posterior says beyond its data.

    Attributes
    ----------
    plans : Allocation or None
        At the largest run's compute, 10 and 100 times it; None where the law has no optimum.
    curve : Curve or None
        Of the compute-optimal loss, or of the loss along the law's one input; None where there is no one axis.
    """

    plans: "Allocation | None"
    curve: Curve | None

    @classmethod
    def of(cls, posterior: "Posterior") -> "Outlook":
        """Allocate and forecast over a grid from the smallest run to 100 times the largest."""
        from bayescale.decisions.allocate import Allocation, allocate
        from bayescale.decisions.forecast import forecast

        runs = posterior.runs
        if hasattr(posterior.law, "optimal_n_params"):
            # C = 6·N·D here whatever the runs say, for allocate counts so.
            compute = 6.0 * runs.column("n_params") * runs.column("n_tokens")
            budgets = float(f"{compute.max():.0e}") * np.array(_BEYOND)
            grid = np.geomspace(compute.min(), budgets[-1], _GRID)
            both = allocate(posterior, np.concatenate([budgets, grid])).draws
            plans = Allocation(both.isel(compute=slice(len(budgets))))
            losses = both["loss"].isel(compute=slice(len(budgets), None)).to_numpy()
            return cls(
                plans, _curve("compute-optimal loss", "compute, FLOPs (6·N·D)", grid, losses, compute, runs.column("loss"))
            )
        if len(posterior.law.inputs) > 1:
            return cls(None, None)
        (name,) = posterior.law.inputs
        x = runs.column(name)
        grid = np.geomspace(x.min(), x.max() * _BEYOND[-1], _GRID)
        inputs: dict[str, Any] = {name: grid}
        losses = forecast(posterior, **inputs).law_draws
        return cls(None, _curve("loss of the law", _AXES.get(name, name), grid, losses, x, runs.column("loss")))


def print_json(value: Any) -> None:
    """One JSON object on standard output; what is not finite is null, for JSON has no other word for it."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def fit_as_json(posterior: "Posterior", outlook: Outlook) -> dict[str, Any]:
    """A fit as programs read it."""
    from bayescale.posterior import summarise

    runs = posterior.runs
    return {
        "parameters": {name: summarise(posterior.draws(name)) for name in posterior.constants},
        "diagnostics": posterior.diagnostics,
        "problems": list(posterior.problems),
        **({} if posterior.objective is None else {"objective": posterior.objective}),
        "allocation": allocation_as_json(outlook.plans) if outlook.plans else [],
        "seconds": posterior.seconds,
        "runs": {"name": runs.name, "source": runs.source, "n_runs": len(runs), "notes": list(runs.notes)},
        "law": describe(posterior.law),
        "noise": describe(posterior.noise),
        "method": describe(posterior.method),
    }


def allocation_as_json(plans: "Allocation") -> list[dict[str, Any]]:
    """One object a budget."""
    statistics = ["mean", "sd", *_QUANTILES]
    return [
        {"compute": budget, **{row["quantity"]: {name: row[name] for name in statistics} for _, row in rows.iterrows()}}
        for budget, rows in plans.frame.groupby("compute", sort=False)
    ]


def forecast_as_json(predicted: "Forecast") -> dict[str, Any]:
    """The one forecast run."""
    row = predicted.frame.iloc[0]
    return {"loss": {name: float(row[f"loss_{name}"]) for name in ("mean", "sd", "q05", "q25", "q50", "q75", "q95")}}


def print_fit(posterior: "Posterior", outlook: Outlook) -> None:
    """The report of a fit: what was fitted, parameters, diagnostics, plans and the curve."""
    console = _console()
    console.print(_heading(posterior))
    console.print(_parameter_table(posterior))
    _print_diagnostics(console, posterior)
    if outlook.plans:
        console.print(_plan_table(posterior, outlook.plans))
    else:
        console.print(f"No compute-optimal plan: {posterior.law.formula} has no trade-off between parameters and tokens.\n")
    if outlook.curve:
        for line in drawn(outlook.curve, min(max(console.width, 40), 100)):
            console.print(line, soft_wrap=True)
        console.print()


def print_next(posterior: "Posterior", saved: str) -> None:
    """Where the posterior is, and what to do with it."""
    file = shlex.quote(saved)
    if "n_params" in posterior.law.inputs and "n_tokens" in posterior.law.inputs:
        asked = "--n-params 70e9 --n-tokens 1.4e12"
    else:
        asked = " ".join(f"--input {name}={posterior.runs.column(name).max() * 10:.0e}" for name in posterior.law.inputs)
    lines = [f"Saved to {saved}. Next:", f"  bayescale forecast {file} {asked}"]
    if hasattr(posterior.law, "optimal_n_params"):
        lines.append(f"  bayescale allocate {file} --compute 5.76e23")
    _console().print("\n".join(lines), soft_wrap=True)


def print_forecast(posterior: "Posterior", predicted: "Forecast") -> None:
    """Loss of the run, and the law's part of it."""
    from bayescale.noise.base import is_likelihood

    console = _console()
    row = predicted.frame.iloc[0]
    asked = ", ".join(f"{name} = {row[name]:.4g}" for name in posterior.law.inputs)
    console.print(f"{posterior.runs.name}, {posterior.law.formula}, at {asked}")
    columns = {"mean": "mean", "sd": "sd", "q05": "5 %", "q25": "25 %", "q50": "50 %", "q75": "75 %", "q95": "95 %"}
    table = _table("loss, nats per token", *columns.values())
    if is_likelihood(posterior.noise):
        table.add_row("of a new run", *(_number(row[f"loss_{name}"]) for name in columns))
    table.add_row("of the law alone", *(_number(row[f"law_{name}"]) for name in columns))
    console.print(table)
    _warn_of_problems(posterior)


def print_allocation(posterior: "Posterior", plans: "Allocation") -> None:
    """The plans, under the name of what was fitted."""
    console = _console()
    console.print(f"{posterior.runs.name}, {posterior.law.formula}")
    console.print(_plan_table(posterior, plans))
    _warn_of_problems(posterior)


def print_batch(frame: "pd.DataFrame", laws: Sequence["Law"], folder: "Path") -> None:
    """A table a law and noise model, with a line a data set; then what went wrong, and where all numbers are."""
    console = _console()
    for (text, noise), rows in frame.groupby(["law", "noise"], sort=False):
        law = next(law for law in laws if describe(law) == text)
        names = [parameter.name for parameter in law.parameters]
        table = _table("data set", "runs", "status", *names, left=("status",), title=f"{law.formula}, noise {noise}")
        # A long name goes on below itself, where the deviations are, rather than take the numbers' room.
        table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
        for row in rows.to_dict("records"):
            style = _STATUS_STYLES[row["status"]]
            means, sds = ([row[f"{name}_{statistic}"] for name in names] for statistic in ("mean", "sd"))
            numbers = ["" if row["status"] == "failed" else _number(mean) for mean in means]
            table.add_row(row["data_set"], f"{row['n_runs']:,}", Text(row["status"], style), *numbers)
            if any(sd > 0 for sd in sds):
                table.add_row("", "", "", *(f"± {_number(sd, 2)}" for sd in sds), style="dim")
        console.print(table)
        console.print()
    told = [
        rows for status in ("failed", "doubtful") for _, rows in frame[frame["status"] == status].groupby("message", sort=False)
    ]
    for rows in told[:_MESSAGES]:
        first = rows.iloc[0]
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        text = f"{first['data_set']} ({first['law']}, {first['noise']}){others}: {first['message']}"
        console.print(Padding(Text(text), (0, 0, 0, 2)), style=_STATUS_STYLES[first["status"]])
    if len(told) > _MESSAGES:
        console.print(f"  … and {len(told) - _MESSAGES} more such lines: see the messages in batch.csv.")
    counts = frame["status"].value_counts()
    tally = ", ".join(f"{counts[status]} {status}" for status in _STATUS_STYLES if status in counts)
    console.print(f"{len(frame)} fits: {tally}.")
    console.print(f"Saved in {folder}: a posterior a fit, and every number in {folder / 'batch.csv'}.", soft_wrap=True)


def print_catalogue(table: "pd.DataFrame") -> None:
    """One line a data set."""
    shown = _table("name", "runs", "of rows", "comes", "title", left=("comes", "title"))
    for row in table.to_dict("records"):
        comes = "embedded" if row["embedded"] else "fetched"
        shown.add_row(row["name"], str(row["loaded"] or "-"), f"{row['runs']:,}", comes, row["title"])
    console = _console()
    console.print(shown)
    console.print(
        "`bayescale fit NAME` fits the runs; `bayescale datasets show NAME` says which rows they are, and what they measure."
    )


def print_descriptor(about: "Descriptor") -> None:
    """All facts of a data set."""
    rows = [
        ("paper", f"{about.authors} {about.year}, {about.paper}"),
        ("licence", about.licence),
        ("loss", about.loss_units),
        *((name, text) for name, text in about.n_params.items()),
        ("n_tokens", f"D counts {about.n_tokens_counts}"),
        ("rows", f"{about.rows:,}, of which {about.loaded:,} are fitted unless asked otherwise"),
        *(("only rows", f"{column} is {' or '.join(map(str, values))}") for column, values in about.select.items()),
        *(("left out", f"rows where {column} is 1, unless --keep-suspect") for column in filter(None, [about.suspect])),
        *(("refused", f"{reason}.") for reason in filter(None, [about.refusal])),
        *(("outliers", text) for text in about.known_outliers),
        *(("note", text) for text in about.notes),
    ]
    for name, facts in about.published_fits.items():
        words = " ".join(f"{key}={value:g}" if isinstance(value, int | float) else f"{value};" for key, value in facts.items())
        rows.append(("published", f"{name}: {words}"))
    first, *others = about.originals
    more = f" and {len(others):,} more" if others else ""
    rows.append(("originals", "come with bayescale" if about.embedded else f"{first.address}{more}"))
    console = _console()
    console.print(f"{about.name}: {about.title}\n")
    console.print(_facts(rows))


def print_laws(laws: Mapping[str, "Law"]) -> None:
    """One line a law."""
    table = _table("name", "formula", "title", left=("formula", "title"))
    for name, law in laws.items():
        table.add_row(name, law.formula, law.title)
    _console().print(table)


def print_law(law: "Law") -> None:
    """Formula, parameters with their priors, paper and published constants."""
    console = _console()
    console.print(f"{describe(law)}: {law.title}\n")
    rows = {"formula": law.formula, "inputs": ", ".join(law.inputs), "options": _options(law), "paper": law.paper}
    console.print(_facts(list(rows.items())))
    table = _table("parameter", "prior", "meaning", left=("prior", "meaning"))
    for parameter in law.parameters:
        table.add_row(parameter.name, _prior(parameter.prior), parameter.doc)
    console.print(table)
    console.print(
        "Priors hold in the units of the data, where loss and each input are divided by their geometric mean over the runs, "
        "so that no prior depends on units; meanings are in counts and nats per token, as fits are printed."
    )
    if law.published:
        names = [parameter.name for parameter in law.parameters]
        published = _table(*names, "published", left=("published",))
        for one in law.published:
            published.add_row(*(_number(one.constants.get(name, math.nan)) for name in names), one.source)
        console.print()
        console.print(published)


def print_devices(version: str, devices: Sequence[Mapping[str, Any]]) -> None:
    """What JAX sees, and what runs where."""
    console = _console()
    console.print(f"JAX {version}, platform {devices[0]['platform']}")
    table = _table("device", "kind", "process", "memory", left=("kind",))
    for row in devices:
        memory = f"{row['memory'] / 2**30:.1f} GiB" if row["memory"] else "-"
        table.add_row(str(row["id"]), row["kind"], str(row["process"]), memory)
    console.print(table)
    if len(devices) == 1:
        console.print("Everything runs on it.")
    else:
        console.print(f"Starts, replicates, chains, grids and batches are shared out among all {len(devices)}.")


def _heading(posterior: "Posterior") -> Table:
    runs = posterior.runs
    rows = [
        ("data", f"{runs.name}, {len(runs):,} runs" + (f": {runs.source}" if runs.source else "")),
        *(("", note) for note in runs.notes),
        ("law", posterior.law.formula),
        ("noise", posterior.noise.formula),
        ("method", f"{describe(posterior.method)}, seed {posterior.method.seed}"),
        ("device", f"{posterior.provenance['device']}, {posterior.seconds['fit']:.1f} s"),
    ]
    return _facts(rows)


def _parameter_table(posterior: "Posterior") -> Table:
    meanings = {p.name: p.doc for p in (*posterior.law.parameters, *posterior.noise.parameters)}
    if posterior.n_draws == 1:
        table = _table("parameter", "value", "meaning", left=("meaning",))
        for name in posterior.constants:
            table.add_row(name, _number(posterior.draws(name)[0], 5), meanings[name])
        return table
    table = _table("parameter", "mean", "sd", "5 %", "50 %", "95 %", "meaning", left=("meaning",))
    for name in posterior.constants:
        draws = posterior.draws(name)
        quantiles = np.quantile(draws, list(_QUANTILES.values()))
        table.add_row(name, _number(draws.mean()), _number(draws.std(ddof=1), 3), *map(_number, quantiles), meanings[name])
    return table


def _print_diagnostics(console: Console, posterior: "Posterior") -> None:
    found = [
        _DIAGNOSTICS.get(name, f"{name} {{:.4g}}").format(value)
        for name, value in posterior.diagnostics.items()
        if math.isfinite(value)
    ]
    verdict = "not to be trusted as it is" if posterior.problems else "good"
    console.print(f"Diagnostics: {', '.join(found)}: {verdict}.", style="red" if posterior.problems else "green")
    for problem in posterior.problems:
        console.print(Padding(problem, (0, 0, 0, 2)), style="red")
    console.print()


def _plan_table(posterior: "Posterior", plans: "Allocation") -> Table:
    point = posterior.n_draws == 1
    title = "Compute-optimal plans" + (" of a point fit" if point else ": median, and 90 % interval")
    table = _table("compute, FLOPs", "parameters N*", "tokens D*", "D*/N*", "loss, nats per token", title=title)
    shown = {"n_params": _count, "n_tokens": _count, "tokens_per_param": _count, "loss": _number}
    for plan in allocation_as_json(plans):
        quantiles = {quantity: [text(plan[quantity][name]) for name in _QUANTILES] for quantity, text in shown.items()}
        table.add_row(f"{plan['compute']:.3g}", *(middle for _, middle, _ in quantiles.values()))
        if not point:
            table.add_row("", *(f"{low} – {high}" for low, _, high in quantiles.values()), style="dim")
    return table


def _curve(name: str, axis: str, grid: np.ndarray, losses: np.ndarray, data_x: np.ndarray, data_loss: np.ndarray) -> Curve:
    low, middle, high = np.quantile(losses, list(_QUANTILES.values()), axis=0)
    return Curve(name, axis, grid, low, middle, high, data_x, data_loss)


def _warn_of_problems(posterior: "Posterior") -> None:
    for problem in posterior.problems:
        warnings.warn(f"{posterior.runs.name}: {problem}", FitWarning, stacklevel=2)


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False)


def _table(first: str, *others: str, left: Sequence[str] = (), title: str | None = None) -> Table:
    """Columns of numbers on the right, of words on the left; the last column is the one to wrap, where it is of words."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for heading in others:
        wraps = heading in left and heading == others[-1]
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=not wraps)
    return table


def _facts(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    table.add_row("", "")
    return table


def _options(law: "Law") -> str:
    return ", ".join(f"{field.name}={str(field.default).lower()}" for field in fields(law)) or "none"  # type: ignore[arg-type]


def _prior(prior: Any) -> str:
    return f"{type(prior).__name__}({', '.join(f'{float(getattr(prior, name)):.3g}' for name in prior.arg_constraints)})"


def _number(value: float, digits: int = 4) -> str:
    """Four digits that count, or as many as asked: 0.3478, 482.0, 2,085, 1.204e+07."""
    if not math.isfinite(value):
        return "-"
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}" if value else "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"


def _count(value: float) -> str:
    """Three digits with K, M, B or T: 70.1B, 1.4T."""
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{_number(value / size, 3)}{suffix}"
    return _number(value, 3)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _one_line(message: Any) -> str:
    return " ".join(str(message).split())
