"""What the command line prints: reports and tables for people, JSON for programs.

Text of others, such as notes and headings, is printed as it is: never as markup.
"""

import json
import math
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayescale import terminal_style as style
from bayescale._internal.discovery import describe
from bayescale.errors import FitWarning, InputError, RunsWarning
from bayescale.terminal_allocate import allocation_as_json, plan_table
from bayescale.terminal_curve import Curve, drawn

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayescale.decisions.forecasts.forecast import Forecast
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.laws.base import Law
    from bayescale.posterior.posterior import Posterior

_QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
_BEYOND = (1, 10, 100)
# Points of a curve, and of one that is a plan each: between those it is straight to less than a
# character.
_GRID, _PLANNED = 121, 10
# Times the largest run: what is proposed to ask next.
_NEXT = 10
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
    """Turn bad input, interruption and our warnings into one line each on standard error, and the
    exit codes 1 and 130.
    """
    with warnings.catch_warnings():
        for category in (RunsWarning, FitWarning):
            warnings.simplefilter("always", category)
        # JAX mends a damaged or full cache of compiled programs by compiling: no reader of a fit
        # needs to know.
        warnings.filterwarnings(
            "ignore", message="Error (reading|writing) persistent compilation cache"
        )
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
        Of the compute-optimal loss, or of the loss along the law's one input; None where there is
        no one axis.
    """

    plans: "Allocation | None"
    curve: Curve | None

    @classmethod
    def of(cls, posterior: "Posterior") -> "Outlook":
        """Allocate and forecast over a grid from the smallest run to 100 times the largest."""
        runs = posterior.runs
        if hasattr(posterior.law, "optimal_n_params"):
            from bayescale.decisions.plans.allocate import Allocation, allocate

            # C = 6·N·D here whatever the runs say, for allocate counts so.
            compute = runs.six_nd
            budgets = float(f"{compute.max():.0e}") * np.array(_BEYOND)
            grid = np.geomspace(compute.min(), budgets[-1], _PLANNED)
            # Together, for a search over draws of another number is another program to compile.
            draws = allocate(posterior, np.append(budgets, grid)).draws
            plans, along = (
                draws.isel(compute=slice(len(budgets))),
                draws["loss"].isel(compute=slice(len(budgets), None)),
            )
            title, axis = "compute-optimal loss", "compute, FLOPs (6·N·D)"
            return cls(
                Allocation(plans),
                _curve(title, axis, grid, along.to_numpy(), compute, runs.column("loss")),
            )
        if len(posterior.law.inputs) > 1:
            return cls(None, None)
        from bayescale.decisions.forecasts.forecast import forecast

        (name,) = posterior.law.inputs
        x = runs.column(name)
        grid = np.geomspace(x.min(), x.max() * _BEYOND[-1], _GRID)
        inputs: dict[str, Any] = {name: grid}
        losses = forecast(posterior, **inputs).law_draws
        observed = posterior.response.from_scale(posterior.observed)
        return cls(
            None,
            _curve(
                f"{posterior.law.response} of the law",
                _AXES.get(name, name),
                grid,
                losses,
                x,
                observed,
            ),
        )


def print_json(value: Any) -> None:
    """One JSON object on standard output; what is not finite is null, for JSON has no other word
    for it.
    """
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def fit_as_json(posterior: "Posterior", outlook: Outlook) -> dict[str, Any]:
    """A fit as programs read it."""
    from bayescale.posterior.posterior import summarise

    runs = posterior.runs
    return {
        "parameters": {name: summarise(posterior.draws(name)) for name in posterior.params},
        "diagnostics": posterior.diagnostics,
        "problems": list(posterior.problems),
        **({} if posterior.objective is None else {"objective": posterior.objective}),
        "allocation": allocation_as_json(outlook.plans) if outlook.plans else [],
        "seconds": posterior.seconds,
        "runs": {
            "name": runs.name,
            "source": runs.source,
            "n_runs": len(runs),
            "notes": list(runs.notes),
        },
        "law": describe(posterior.law),
        "noise": describe(posterior.noise),
        "method": describe(posterior.method),
    }


def forecast_as_json(predicted: "Forecast") -> dict[str, Any]:
    """The one forecast run."""
    row = predicted.frame.iloc[0]
    response = predicted.response
    return {
        response: {
            name: float(row[f"{response}_{name}"])
            for name in ("mean", "sd", "q05", "q25", "q50", "q75", "q95")
        }
    }


def print_fit(posterior: "Posterior", outlook: Outlook) -> None:
    """The report of a fit: what was fitted, parameters, diagnostics, plans and the curve."""
    console = style.console()
    console.print(_heading(posterior))
    console.print(_parameter_table(posterior))
    _print_diagnostics(console, posterior)
    if outlook.plans:
        console.print(plan_table(posterior, outlook.plans))
    else:
        console.print(
            f"No compute-optimal plan: {posterior.law.formula} has no trade-off between parameters "
            f"and tokens.\n"
        )
    if posterior.noise.shared:
        console.print(
            "Exponents are the law's own; plans and forecasts add the departures from it that runs "
            "share.\n"
        )
    if outlook.curve:
        for line in drawn(outlook.curve, min(max(console.width, 40), 100)):
            console.print(line, soft_wrap=True)
        console.print()


def print_next(posterior: "Posterior", saved: str) -> None:
    """Where the posterior is, and what to do with it."""
    file = shlex.quote(saved)
    runs = posterior.runs
    if "n_params" in posterior.law.inputs and "n_tokens" in posterior.law.inputs:
        # The dearest run's tokens per parameter at more compute.
        dearest, grown = runs.frame.iloc[int(runs.six_nd.argmax())], _NEXT**0.5
        asked = f"--n-params {_short(dearest['n_params'] * grown)} --n-tokens {_short(dearest['n_tokens'] * grown)}"
    else:
        asked = " ".join(
            f"--input {name}={_short(runs.column(name).max() * _NEXT)}"
            for name in posterior.law.inputs
        )
    lines = [f"Saved to {saved}. Next:", f"  bayescale forecast {file} {asked}"]
    if hasattr(posterior.law, "optimal_n_params"):
        lines.append(f"  bayescale allocate {file} --compute {_short(_NEXT * runs.six_nd.max())}")
    style.console().print("\n".join(lines), soft_wrap=True)


def _short(count: float) -> str:
    """Two digits, as one types them.

    >>> _short(1.44e24), _short(2e13)
    ('1.4e24', '2e13')
    """
    digits, _, exponent = f"{count:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def print_forecast(posterior: "Posterior", predicted: "Forecast") -> None:
    """Loss of the run, and what is left of it without its own scatter."""
    from bayescale.noise.base import is_likelihood

    console = style.console()
    row = predicted.frame.iloc[0]
    asked = ", ".join(f"{name} = {row[name]:.4g}" for name in posterior.law.inputs)
    console.print(f"{posterior.runs.name}, {posterior.law.formula}, at {asked}")
    columns = {
        "mean": "mean",
        "sd": "sd",
        "q05": "5 %",
        "q25": "25 %",
        "q50": "50 %",
        "q75": "75 %",
        "q95": "95 %",
    }
    table = style.table(f"{predicted.response}, {posterior.response.unit}", *columns.values())
    if is_likelihood(posterior.noise):
        table.add_row(
            "of a new run", *(style.number(row[f"{predicted.response}_{name}"]) for name in columns)
        )
    table.add_row("without its scatter", *(style.number(row[f"law_{name}"]) for name in columns))
    console.print(table)
    warn_of_problems(posterior)


def print_batch(frame: "pd.DataFrame", laws: Sequence["Law"], folder: "Path") -> None:
    """A table a law and noise model, with a line a data set; then what went wrong, and where all
    numbers are.
    """
    console = style.console()
    for (text, noise), rows in frame.groupby(["law", "noise"], sort=False):
        law = next(law for law in laws if describe(law) == text)
        names = [parameter.name for parameter in law.parameters]
        table = style.table(
            "data set",
            "runs",
            "status",
            *names,
            left=("status",),
            title=f"{law.formula}, noise {noise}",
        )
        # A long name goes on below itself, where the deviations are, rather than take the numbers'
        # room.
        table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
        for row in rows.to_dict("records"):
            colour = _STATUS_STYLES[row["status"]]
            means, sds = (
                [row[f"{name}_{statistic}"] for name in names] for statistic in ("mean", "sd")
            )
            numbers = ["" if row["status"] == "failed" else style.number(mean) for mean in means]
            table.add_row(
                row["data_set"], f"{row['n_runs']:,}", Text(row["status"], colour), *numbers
            )
            if any(sd > 0 for sd in sds):
                table.add_row("", "", "", *(f"± {style.number(sd, 2)}" for sd in sds), style="dim")
        console.print(table)
        console.print()
    told = [
        rows
        for status in ("failed", "doubtful")
        for _, rows in frame[frame["status"] == status].groupby("message", sort=False)
    ]
    for rows in told[:_MESSAGES]:
        first = rows.iloc[0]
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        text = f"{first['data_set']} ({first['law']}, {first['noise']}){others}: {first['message']}"
        console.print(Padding(Text(text), (0, 0, 0, 2)), style=_STATUS_STYLES[first["status"]])
    if len(told) > _MESSAGES:
        console.print(
            f"  … and {len(told) - _MESSAGES} more such lines: see the messages in batch.csv."
        )
    counts = frame["status"].value_counts()
    tally = ", ".join(f"{counts[status]} {status}" for status in _STATUS_STYLES if status in counts)
    console.print(f"{len(frame)} fits: {tally}.")
    console.print(
        f"Saved in {folder}: a posterior a fit, and every number in {folder / 'batch.csv'}.",
        soft_wrap=True,
    )


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
    return style.facts(rows)


def _parameter_table(posterior: "Posterior") -> Table:
    meanings = {p.name: p.doc for p in (*posterior.law.parameters, *posterior.noise.parameters)}
    if posterior.n_draws == 1:
        table = style.table("parameter", "value", "meaning", left=("meaning",))
        for name in posterior.params:
            table.add_row(name, style.number(posterior.draws(name)[0], 5), meanings[name])
        return table
    table = style.table(
        "parameter", "mean", "sd", "5 %", "50 %", "95 %", "meaning", left=("meaning",)
    )
    for name in posterior.params:
        draws = posterior.draws(name)
        quantiles = np.quantile(draws, list(_QUANTILES.values()))
        table.add_row(
            name,
            style.number(draws.mean()),
            style.number(draws.std(ddof=1), 3),
            *map(style.number, quantiles),
            meanings[name],
        )
    return table


def _print_diagnostics(console: Console, posterior: "Posterior") -> None:
    found = [
        _DIAGNOSTICS.get(name, f"{name} {{:.4g}}").format(value)
        for name, value in posterior.diagnostics.items()
        if math.isfinite(value)
    ]
    verdict = "not to be trusted as it is" if posterior.problems else "good"
    console.print(
        f"Diagnostics: {', '.join(found)}: {verdict}.",
        style="red" if posterior.problems else "green",
    )
    for problem in posterior.problems:
        console.print(Padding(problem, (0, 0, 0, 2)), style="red")
    console.print()


def _curve(
    name: str,
    axis: str,
    grid: np.ndarray,
    losses: np.ndarray,
    data_x: np.ndarray,
    data_loss: np.ndarray,
) -> Curve:
    low, middle, high = np.quantile(losses, list(_QUANTILES.values()), axis=0)
    return Curve(name, axis, grid, low, middle, high, data_x, data_loss)


def warn_of_problems(posterior: "Posterior") -> None:
    """Say on standard error what is wrong with a fit."""
    for problem in posterior.problems:
        warnings.warn(f"{posterior.runs.name}: {problem}", FitWarning, stacklevel=2)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _one_line(message: Any) -> str:
    return " ".join(str(message).split())
