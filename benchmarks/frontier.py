"""Forecasts over the whole panel: does a stated interval hold, and how sharp is it beside today's
practice?

Every model of MODELS is fitted to the cheaper runs of each set of `panel.csv`, at most 200 of them,
and forecasts the dearer ones. A family of sweeps has one vote. CRPS is of log loss, as a geometric
mean of its ratio to a Huber(1e-3) point fit with 200 refits to resampled runs and its residuals
resampled. Prints a table for each split, the selection that left a family out, and coverage by
decades beyond the fitted compute; writes benchmarks/results/frontier.json.

With --worlds, simulated sweeps that no law here describes take the place of the panel; see
frontier_worlds.py.

A cell is one model on one set at one split. Each is kept as it comes, in the folder --cells, and is
not fitted again: whatever stops this script, the same command goes on. Remove the folder after a
change of a model.

    BAYESCALE_DATA=... python benchmarks/frontier.py --models default,student_t --splits both
    python benchmarks/frontier.py --worlds --sweeps 20
"""

import argparse
import json
import os
import re
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import alternatives
import frontier_panel
import frontier_tables
import frontier_worlds
import numpy as np
import pandas as pd

import bayescale as bs
from bayescale._internal.discovery import parse
from bayescale.decisions.checks.backtest import scored
from bayescale.decisions.checks.forecasters import Fitted, Forecaster, HuberBootstrap

# Law and noise as the command line takes them; None is what `bs.fit` takes, and no pair is today's
# practice.
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
RESULTS = Path(__file__).parent / "results"

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
    """What forecasts under a name of MODELS."""
    pair = MODELS[name]
    if pair is None:
        return HuberBootstrap()
    law, noise = pair
    return Fitted(
        parse("bayescale.laws", law) if law else None,
        parse("bayescale.noise", noise) if noise else None,
        parse("bayescale.inference", method),
    )


def cell(model: str, method: str, case: frontier_panel.Case) -> dict[str, Any]:
    """Fit, forecast and score one model on one set."""
    begun = time.perf_counter()
    with warnings.catch_warnings():
        # Kept with the cell, and counted in the table.
        warnings.simplefilter("ignore", bs.FitWarning)
        prediction = forecaster(model, method).predict(case.fold.train, case.fold.test)
    frame = scored(case.fold, prediction).assign(
        error=lambda rows: np.log(rows["q50"] / rows["loss"])
    )
    scores = {name: [_short(value) for value in frame[name]] for name in _SCORES}
    return {
        "model": model,
        "label": prediction.model,
        "method": method if MODELS[model] else "",
        "family": case.family,
        "set": case.name,
        "split": case.split,
        "n_train": len(case.fold.train),
        "seconds": round(time.perf_counter() - begun, 2),
        "diagnostics": {
            name: _short(value) for name, value in prediction.posterior.diagnostics.items()
        },
        "problems": list(map(str, prediction.posterior.problems)),
        "low_by_chance": _short(low_by_chance(prediction.log_draws)),
        "runs": {"run_id": frame["run_id"].astype(str).tolist(), **scores},
    }


def low_by_chance(log_draws: np.ndarray) -> float:
    """How probable it is, were the forecast the truth, that 90 % intervals hold less than LOW of
    these runs.

    Hidden runs of one set share what the law misses, so that coverage of one set varies far more
    than its number of runs says.
    """
    low, high = np.quantile(log_draws, [0.05, 0.95], axis=0)
    held = ((low <= log_draws) & (log_draws <= high)).mean(axis=1)
    return float((held < frontier_tables.LOW).mean())


def finished(
    folder: Path, models: list[str], method: str, cases: Iterable[frontier_panel.Case]
) -> list[dict[str, Any]]:
    """All cells: those that the folder holds, and the others fitted now and kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for case in cases:
        for model in models:
            label = "-".join((model, case.name, case.split, method if MODELS[model] else ""))
            path = folder / f"{re.sub(r'[^A-Za-z0-9.]+', '_', label).strip('_')}.json"
            if not path.is_file():
                made = cell(model, method, case)
                unfinished = path.with_suffix(f".{os.getpid()}")
                unfinished.write_text(json.dumps(made))
                unfinished.replace(path)
                runs = made["runs"]
                print(
                    f"{model:34} {case.name:32} {case.split:19} {made['n_train']:4} "
                    f"{len(runs['crps']):4}  "
                    f"50 %: {np.mean(runs['covered50']):.2f}  90 %: "
                    f"{np.mean(runs['covered90']):.2f}  "
                    f"CRPS {np.mean(runs['crps']):.5f}  {made['seconds']:6.1f} s  "
                    f"{'doubtful' if made['problems'] else ''}",
                    flush=True,
                )
            cells.append(json.loads(path.read_text()))
    return cells


def show_panel(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Print the tables of the panel; give them as JSON."""
    table = frontier_tables.sets(cells)
    frontier, decades = frontier_tables.frontier(table), frontier_tables.by_decades(cells)
    chosen = frontier_tables.left_out(table)
    for split, rows in frontier.groupby("split", sort=False):
        alternatives.show(_frontier_table(str(split), rows))
    if len(chosen):
        alternatives.show(_chosen_table(chosen))
    alternatives.show(_decades_table(decades))
    return {
        name: json.loads(one.to_json(orient="records"))
        for name, one in {
            "frontier": frontier,
            "left_out": chosen,
            "by_decades": decades,
            "sets": table,
        }.items()
    }


def show_worlds(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Print the table of the worlds; give it as JSON."""
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
            *(f"{row[name]:.2f}" for name in ("coverage50", "coverage90", "crps_ratio")),
            str(row["sweeps"]),
        )
    alternatives.show(shown)
    return {"worlds": json.loads(table.to_json(orient="records"))}


def _frontier_table(split: str, rows: pd.DataFrame) -> Any:
    shown = _titled(
        f"{split}: {rows['families'].max()} families, {rows['sets'].max()} sets; CRPS as a ratio "
        f"to today's practice",
        *(
            "model",
            "50 %",
            "90 %",
            "CRPS",
            "worst family",
            "least 90 % of a family",
            "least of a large set",
        ),
        *(f"large sets under {frontier_tables.LOW:.0%}", "doubtful"),
    )
    for row in rows.sort_values("crps_ratio").to_dict("records"):
        shown.add_row(
            row["model"],
            *(f"{row[name]:.2f}" for name in ("coverage50", "coverage90", "crps_ratio")),
            f"{row['worst_ratio']:.2f} {row['worst_family']}",
            f"{row['least_coverage90']:.2f} {row['least_family']}",
            f"{row['least_large_coverage90']:.2f} {row['least_large_set']}"
            if row["least_large_set"]
            else "",
            f"{row['low_sets']}, by chance {row['low_sets_by_chance']:.1f}",
            str(row["doubtful"]),
        )
    return shown


def _chosen_table(chosen: pd.DataFrame) -> Any:
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
        shown.add_row(
            str(split), "all", "", *_chosen_numbers(rows.mean(numeric_only=True)), style="bold"
        )
    return shown


def _chosen_numbers(row: Any) -> list[str]:
    return [f"{row['covered50']:.2f}", f"{row['covered90']:.2f}", f"{np.exp(row['log_ratio']):.2f}"]


def _decades_table(decades: pd.DataFrame) -> Any:
    labels = list(dict.fromkeys(decades["decades"]))
    shown = _titled(
        "Coverage of 50 / 90 % by decades beyond the fitted compute, both splits", "model", *labels
    )
    for model, rows in decades.groupby("model", sort=False):
        by = rows.set_index("decades")
        held = {
            label: f"{by.loc[label, 'coverage50']:.2f} / {by.loc[label, 'coverage90']:.2f}"
            for label in by.index
        }
        shown.add_row(str(model), *(held.get(label, "") for label in labels))
    first = decades.groupby("decades", sort=False).first()
    shown.add_row(
        "families, runs",
        *(f"{first.loc[label, 'families']}, {first.loc[label, 'runs']}" for label in labels),
    )
    return shown


def _titled(title: str, *headings: str) -> Any:
    from rich.table import Table

    return Table(*headings, title=title, title_justify="left")


def _short(value: Any) -> Any:
    number = float(value)
    return float(f"{number:.{_DIGITS}g}") if np.isfinite(number) else None


def main() -> None:
    """Fit what is not fitted yet, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--models",
        default=",".join(MODELS),
        help="names of MODELS, or all; today's practice is always there",
    )
    parser.add_argument("--splits", default="both", choices=["both", *frontier_panel.SPLITS])
    parser.add_argument(
        "--sets",
        default="",
        metavar="TEXT",
        help="only sets, families or worlds whose name contains it",
    )
    parser.add_argument("--method", default=METHOD, help="of all models but today's practice")
    parser.add_argument(
        "--worlds", action="store_true", help="simulated worlds in place of the panel"
    )
    parser.add_argument("--sweeps", type=int, default=20, help="of each world")
    parser.add_argument(
        "--cells", type=Path, default=RESULTS / "frontier_cells", help="folder of finished cells"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="results/frontier.json, or results/worlds.json with --worlds, unless given",
    )
    arguments = parser.parse_args()
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
    named = {
        name: "today's practice" if pair is None else pair
        for name, pair in MODELS.items()
        if name in models
    }
    out = arguments.out or RESULTS / ("worlds.json" if arguments.worlds else "frontier.json")
    alternatives.write(
        out, {"models": named, "method": arguments.method, **tables, **alternatives.about()}
    )


if __name__ == "__main__":
    main()
