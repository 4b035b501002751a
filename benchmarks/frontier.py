"""Coverage and sharpness of forecasts over the panel, compared with today's practice.

Every model of MODELS is fitted to the runs with less compute of each set of `panel.csv`, at most
200 of them, and forecasts the runs with more compute. A family of sweeps has one vote. CRPS is for
log loss, as a geometric mean of its ratio to a Huber(1e-3) point fit with 200 refits to resampled
runs and resampled residuals. Prints a table for each split, a selection of models with a family
left out, and coverage by decades beyond the fitted compute; writes
benchmarks/results/frontier.json.

With --worlds, simulated sweeps that no law of bayescale describes replace the panel; see
frontier_worlds.py.

A cell is one model on one set at one split. Each cell is saved in the folder --cells and is not
fitted again: after an interruption the same command continues. Remove the folder after a change of
a model.

    BAYESCALE_DATA=... python benchmarks/frontier.py --models default,student_t --splits both
    python benchmarks/frontier.py --worlds --sweeps 20
"""

import json
import os
import re
import tempfile
import time
import warnings
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import alternatives
import frontier_panel
import frontier_tables
import frontier_worlds
import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale._internal.discovery import parse
from bayescale.decisions.checks.backtest import scored
from bayescale.decisions.checks.forecasters import Fitted, Forecaster, HuberBootstrap

if TYPE_CHECKING:
    from rich.table import Table

# Law and noise in the format of the command line. A None in a pair is the default of `bs.fit`; None
# instead of a pair is today's practice.
MODELS: dict[str, tuple[str | None, str | None] | None] = {
    frontier_tables.BASELINE: None,
    "default": (None, None),
    "student_t": ("chinchilla", "student_t"),
    "coupled": ("coupled", "student_t"),
    "discrepancy": ("chinchilla", "discrepancy"),
    "normal": ("coupled", "discrepancy:base=normal"),
    "scaled_normal": ("coupled", "discrepancy:base=compute_scale:base=normal"),
    "steady": ("coupled", "discrepancy:base=student_t:nu=4.0"),
    "matern": ("coupled", "discrepancy:base=compute_scale:base=student_t:nu=4.0,processes=matern"),
}
METHOD = "nuts:chains=2,warmup=400,draws=500"
RESULTS = record.RESULTS

_SCORES = (
    "decades",
    "covered50",
    "covered80",
    "covered90",
    "covered95",
    "crps",
    "log_score",
    "pit",
    "error",
)
_DIGITS = 6


def forecaster(name: str, method: str) -> Forecaster:
    """Return the forecaster for a name of MODELS."""
    pair = MODELS[name]
    if pair is None:
        return HuberBootstrap()
    law, noise = pair
    return Fitted(
        parse("bayescale.laws", law) if law else None,
        parse("bayescale.noise", noise) if noise else None,
        parse("bayescale.inference", method),
    )


def cell(model: str, method: str, case: frontier_panel.Case) -> JsonObject:
    """Fit, forecast and score one model on one set."""
    begun = time.perf_counter()
    with warnings.catch_warnings():
        # Problems are saved in the cell and counted in the table.
        warnings.simplefilter("ignore", bs.FitWarning)
        prediction = forecaster(model, method).predict(case.fold.train, case.fold.test)
    frame = scored(case.fold, prediction)
    frame["error"] = np.log(frame["q50"] / frame["loss"])
    runs: JsonObject = {"run_id": frame["run_id"].astype(str).tolist()}
    for name in _SCORES:
        runs[name] = [_short(value) for value in frame[name]]
    diagnostics = prediction.posterior.diagnostics
    return {
        "model": model,
        "label": prediction.model,
        "method": method if MODELS[model] else "",
        "family": case.family,
        "set": case.name,
        "split": case.split,
        "n_train": len(case.fold.train),
        "seconds": round(time.perf_counter() - begun, 2),
        "diagnostics": {name: _short(value) for name, value in diagnostics.items()},
        "problems": [str(problem) for problem in prediction.posterior.problems],
        "low_by_chance": _short(low_by_chance(prediction.log_draws)),
        "runs": runs,
    }


def low_by_chance(log_draws: np.ndarray) -> float:
    """Return the probability that 90 % intervals cover less than LOW of the runs by chance.

    It assumes that the forecast is correct. Hidden runs of one set share errors of the law, so
    the coverage of one set varies far more than its number of runs suggests.
    """
    low, high = np.quantile(log_draws, [0.05, 0.95], axis=0)
    coverage = ((low <= log_draws) & (log_draws <= high)).mean(axis=1)
    return float((coverage < frontier_tables.LOW).mean())


def finished(
    folder: Path, models: list[str], method: str, cases: Iterable[frontier_panel.Case]
) -> list[JsonObject]:
    """Return all cells: saved cells from the folder, and new cells, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for case in cases:
        for model in models:
            label = "-".join((model, case.name, case.split, method if MODELS[model] else ""))
            file_name = re.sub(r"[^A-Za-z0-9.]+", "_", label).strip("_")
            path = folder / f"{file_name}.json"
            if not path.is_file():
                new = cell(model, method, case)
                unfinished = path.with_suffix(f".{os.getpid()}")
                unfinished.write_text(json.dumps(new))
                unfinished.replace(path)
                print(_line(new), flush=True)
            cells.append(json.loads(path.read_text()))
    return cells


def _line(cell: JsonObject) -> str:
    runs = cell["runs"]
    doubtful = "doubtful" if cell["problems"] else ""
    return (
        f"{cell['model']:34} {cell['set']:32} {cell['split']:19} {cell['n_train']:4} "
        f"{len(runs['crps']):4}  50 %: {np.mean(runs['covered50']):.2f}  "
        f"90 %: {np.mean(runs['covered90']):.2f}  CRPS {np.mean(runs['crps']):.5f}  "
        f"{cell['seconds']:6.1f} s  {doubtful}"
    )


def show_panel(cells: list[JsonObject]) -> JsonObject:
    """Print the tables of the panel; return them as JSON."""
    table = frontier_tables.sets(cells)
    frontier = frontier_tables.frontier(table)
    decades = frontier_tables.by_decades(cells)
    chosen = frontier_tables.left_out(table)
    for split, rows in frontier.groupby("split", sort=False):
        alternatives.show(_frontier_table(str(split), rows))
    if len(chosen):
        alternatives.show(_chosen_table(chosen))
    alternatives.show(_decades_table(decades))
    return {
        "frontier": _records(frontier),
        "left_out": _records(chosen),
        "by_decades": _records(decades),
        "sets": _records(table),
    }


def _records(table: pd.DataFrame) -> list[JsonObject]:
    records: list[JsonObject] = json.loads(table.to_json(orient="records"))
    return records


def show_worlds(cells: list[JsonObject]) -> JsonObject:
    """Print the table of the worlds; return it as JSON."""
    table = frontier_tables.worlds(frontier_tables.sets(cells))
    shown = _titled(
        "Simulated worlds: hidden runs at ten times the compute",
        "world",
        "model",
        "50 %",
        "90 %",
        "CRPS",
        "sweeps",
    )
    for row in table.to_dict("records"):
        shown.add_row(
            row["world"],
            row["model"],
            f"{row['coverage50']:.2f}",
            f"{row['coverage90']:.2f}",
            f"{row['crps_ratio']:.2f}",
            str(row["sweeps"]),
        )
    alternatives.show(shown)
    return {"worlds": _records(table)}


def _frontier_table(split: str, rows: pd.DataFrame) -> "Table":
    shown = _titled(
        f"{split}: {rows['families'].max()} families, {rows['sets'].max()} sets; CRPS as a ratio "
        f"to today's practice",
        "model",
        "50 %",
        "90 %",
        "CRPS",
        "worst family",
        "least 90 % of a family",
        "least of a large set",
        f"large sets under {frontier_tables.LOW:.0%}",
        "doubtful",
    )
    for row in rows.sort_values("crps_ratio").to_dict("records"):
        least_large = ""
        if row["least_large_set"]:
            least_large = f"{row['least_large_coverage90']:.2f} {row['least_large_set']}"
        shown.add_row(
            row["model"],
            f"{row['coverage50']:.2f}",
            f"{row['coverage90']:.2f}",
            f"{row['crps_ratio']:.2f}",
            f"{row['worst_ratio']:.2f} {row['worst_family']}",
            f"{row['least_coverage90']:.2f} {row['least_family']}",
            least_large,
            f"{row['low_sets']}, by chance {row['low_sets_by_chance']:.1f}",
            str(row["doubtful"]),
        )
    return shown


def _chosen_table(chosen: pd.DataFrame) -> "Table":
    shown = _titled(
        "Each family forecast by the model that is best on the others",
        "split",
        "family",
        "model",
        "50 %",
        "90 %",
        "CRPS",
    )
    for split, rows in chosen.groupby("split", sort=False):
        for row in rows.to_dict("records"):
            shown.add_row(str(split), row["family"], row["model"], *_chosen_numbers(row))
        means = _chosen_numbers(rows.mean(numeric_only=True).to_dict())
        shown.add_row(str(split), "all", "", *means, style="bold")
    return shown


def _chosen_numbers(row: Mapping[Hashable, float]) -> list[str]:
    return [f"{row['covered50']:.2f}", f"{row['covered90']:.2f}", f"{np.exp(row['log_ratio']):.2f}"]


def _decades_table(decades: pd.DataFrame) -> "Table":
    labels = list(dict.fromkeys(decades["decades"]))
    shown = _titled(
        "Coverage of 50 / 90 % by decades beyond the fitted compute, both splits", "model", *labels
    )
    for model, rows in decades.groupby("model", sort=False):
        coverage = dict.fromkeys(labels, "")
        for row in rows.to_dict("records"):
            coverage[row["decades"]] = f"{row['coverage50']:.2f} / {row['coverage90']:.2f}"
        shown.add_row(str(model), *coverage.values())
    first = decades.groupby("decades", sort=False).first().loc[labels]
    counts = [f"{row['families']}, {row['runs']}" for row in first.to_dict("records")]
    shown.add_row("families, runs", *counts)
    return shown


def _recorded(name: str, method: str) -> record.Model:
    law, noise = MODELS[name] or (None, None)
    return record.Model(
        parse("bayescale.laws", law) if law else None,
        parse("bayescale.noise", noise) if noise else None,
        parse("bayescale.inference", method),
    )


def _titled(title: str, *headings: str) -> "Table":
    from rich.table import Table

    return Table(*headings, title=title, title_justify="left")


def _short(value: float) -> float | None:
    number = float(value)
    return float(f"{number:.{_DIGITS}g}") if np.isfinite(number) else None


def main() -> None:
    """Fit the missing cells, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument(
        "--models",
        default=",".join(MODELS),
        help="names of MODELS (default: all); today's practice is always included",
    )
    parser.add_argument("--splits", default="both", choices=["both", *frontier_panel.SPLITS])
    parser.add_argument(
        "--sets",
        default="",
        metavar="TEXT",
        help="only sets, families or worlds whose name contains it",
    )
    parser.add_argument(
        "--method", default=METHOD, help="inference of all models except today's practice"
    )
    parser.add_argument(
        "--worlds", action="store_true", help="use simulated worlds instead of the panel"
    )
    parser.add_argument("--sweeps", type=int, default=20, help="number of sweeps of each world")
    parser.add_argument(
        "--cells", type=Path, default=RESULTS / "frontier_cells", help="folder of finished cells"
    )
    arguments = parser.parse_args()
    if arguments.quick:
        # One simulated sweep, fitted anew.
        arguments.worlds, arguments.sweeps, arguments.sets = True, 1, "as_fitted"
        arguments.models, arguments.method = "default", "importance:draws=1000"
        arguments.cells = Path(tempfile.mkdtemp())
    models = list(dict.fromkeys([frontier_tables.BASELINE, *arguments.models.split(",")]))
    if unknown := [name for name in models if name not in MODELS]:
        parser.error(f"--models {','.join(unknown)}: there are {', '.join(MODELS)}")
    if arguments.worlds:
        cases = frontier_worlds.sweeps(arguments.sweeps, arguments.sets)
    else:
        splits = frontier_panel.SPLITS if arguments.splits == "both" else (arguments.splits,)
        cases = frontier_panel.cases(splits, arguments.sets)
    cells = finished(arguments.cells, models, arguments.method, cases)
    if not cells:
        parser.error(f"--sets {arguments.sets}: there is no such set")
    tables = show_worlds(cells) if arguments.worlds else show_panel(cells)
    used = {name: MODELS[name] or "today's practice" for name in MODELS if name in models}
    path = RESULTS / ("worlds.json" if arguments.worlds else "frontier.json")
    settings = {"models": used, "method": arguments.method}
    fitted = {name: _recorded(name, arguments.method) for name in models if MODELS[name]}
    record.write(settings | tables, path, arguments, fitted)


if __name__ == "__main__":
    main()
