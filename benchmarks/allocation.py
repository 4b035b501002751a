"""Coverage and sharpness of the compute-optimal size at budgets that were hidden.

Every model of MODELS is fitted to the cheaper budgets of each sweep of allocation_sets.py and
forecasts the optimum N* of the dearer ones. A budget's own runs say where its optimum is, and how
surely. Scores are in decades of N; budgets are averaged within a cut, cuts within a sweep, sweeps
within a family, and a family has one vote. Approach 1, Approach 2 and a Huber fit with refits to
resampled runs stand beside the models; losses of the runs above a cut are forecast by the same
fits, with CRPS as a ratio to the Huber fit. Prints a table of models and one of families; writes
benchmarks/results/allocation.json.

A cell is one model at one cut. Each cell is saved in the folder --cells and is not fitted again:
after an interruption the same command continues. Remove the folder after a change of a model.

    BAYESCALE_DATA=... python benchmarks/allocation.py --models default,textbook
    BAYESCALE_DATA=... python benchmarks/allocation.py --sets llama3 --method nuts
"""

import re
import tempfile
import time
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import allocation_sets
import allocation_tables
import alternatives
import frontier_panel
import numpy as np
import pandas as pd
import record
from allocation_sets import Case
from record import JsonObject

import bayescale as bs
from bayescale import defaults
from bayescale._internal.discovery import parse
from bayescale.decisions.checks.allocations.forecasters import ApproachSizes, sizes_of
from bayescale.decisions.checks.backtest_allocation import scored
from bayescale.decisions.checks.forecasters import (
    Fitted,
    Forecaster,
    HuberBootstrap,
    Prediction,
)
from bayescale.decisions.checks.scores import run_scores
from bayescale.results import as_json, records

# Law and noise in the format of the command line; None is the default of `bs.fit`.
MODELS: dict[str, tuple[str | None, str | None]] = {
    "default": (None, None),
    "textbook": (defaults.TEXTBOOK_LAW, defaults.TEXTBOOK_NOISE),
    "coupled": ("coupled", "student_t"),
    "discrepancy": ("chinchilla", "discrepancy"),
}
# Today's practice forecasts losses too; the approaches without a law forecast N* alone.
HUBER = "huber"
APPROACHES = {"approach_1": "1", "approach_2": "2"}
RESULTS = record.RESULTS

_FACTS = ("model", "fold")


def cell(model: str, method: str | None, case: Case) -> JsonObject:
    """Fit, forecast and score one model at one cut."""
    begun = time.perf_counter()
    train, test = case.test.fold.train, case.test.fold.test
    found: JsonObject = {"diagnostics": {}, "problems": [], "losses": {}, "lacking": ""}
    with warnings.catch_warnings():
        # Problems are saved in the cell and counted in the table.
        warnings.simplefilter("ignore", bs.FitWarning)
        try:
            if model in APPROACHES:
                forecast = ApproachSizes(APPROACHES[model]).sizes(case.test)
            else:
                found_by = forecaster(model, method, case.sweep.family)
                prediction = found_by.predict(train, test)
                found |= _of_losses(prediction, test)
                forecast = sizes_of(prediction.posterior, case.test.compute)
            scores = scored(case.test, forecast).drop(columns=list(_FACTS))
        except bs.InputError as error:
            found["lacking"], scores = str(error), pd.DataFrame()
    return {
        "model": model,
        "method": _method_of(model, method),
        "family": case.sweep.family,
        "set": case.sweep.name,
        "cut": case.cut,
        "n_train": len(train),
        "seconds": round(time.perf_counter() - begun, 2),
        **found,
        "budgets": records(scores),
    }


def _of_losses(prediction: Prediction, test: bs.Runs) -> JsonObject:
    """Return diagnostics of a fit, and how it forecasts the losses of the runs that it has not
    seen.
    """
    posterior = prediction.posterior
    scores = run_scores(prediction.log_draws, np.log(test.column("loss")))
    return {
        "diagnostics": as_json(posterior.diagnostics),
        "problems": [str(problem) for problem in posterior.problems],
        "losses": as_json(scores[["covered50", "covered90", "crps"]].mean().to_dict()),
    }


def forecaster(name: str, method: str | None, family: str) -> Forecaster:
    """Return the forecaster of a name of MODELS for a sweep of a family, or today's practice."""
    return HuberBootstrap() if name == HUBER else fitted(name, method, family)


def fitted(name: str, method: str | None, family: str = "") -> Fitted:
    """Return the law, noise model and method of a name of MODELS; the library prior of the law has
    not seen ``family``.
    """
    law, noise = MODELS[name]
    return Fitted(
        frontier_panel.unseen(parse("bayescale.laws", law) if law else None, family),
        parse("bayescale.noise", noise) if noise else None,
        parse("bayescale.inference", method) if method else None,
    )


def _method_of(model: str, method: str | None) -> str:
    return (method or "default") if model in MODELS else ""


def finished(
    folder: Path, models: list[str], method: str | None, cases: Iterable[Case]
) -> list[JsonObject]:
    """Return all cells: saved cells from the folder, and new cells, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for case in cases:
        for model in models:
            label = f"{model}-{case.sweep.name}-{case.cut}-{_method_of(model, method)}"
            file_name = re.sub(r"[^A-Za-z0-9.]+", "_", label).strip("_")
            path = folder / f"{file_name}.json"
            cells.append(record.saved(path, partial(_told, model, method, case)))
    return cells


def _told(model: str, method: str | None, case: Case) -> JsonObject:
    """Return a new cell, and print its line."""
    new = cell(model, method, case)
    print(allocation_tables.line(new), flush=True)
    return new


def quick_cases() -> list[Case]:
    """Return one simulated sweep at its first cut."""
    runs = bs.datasets.simulate(seed=1, noise=0.003, sizes_per_budget=12)
    cuts = bs.AfterBudgets(leaving=None)
    sweep = allocation_sets.SweepOfBudgets("simulated", "simulated", runs, cuts)
    return list(allocation_sets.cuts_of(sweep))


def main() -> None:
    """Fit the missing cells, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument(
        "--models",
        default=",".join(MODELS),
        help="names of MODELS (default: all); the three approaches are always included",
    )
    parser.add_argument(
        "--sets", default="", metavar="TEXT", help="only sweeps whose family or name contains it"
    )
    parser.add_argument("--method", help="inference of the models; by default that of bs.fit")
    parser.add_argument(
        "--cells", type=Path, default=RESULTS / "allocation_cells", help="folder of finished cells"
    )
    arguments = parser.parse_args()
    models = list(dict.fromkeys(arguments.models.split(",")))
    if unknown := [name for name in models if name not in MODELS]:
        parser.error(f"--models {','.join(unknown)}: there are {', '.join(MODELS)}")
    cases: Iterable[Case]
    if arguments.quick:
        # One simulated sweep, fitted anew.
        models, arguments.method = ["default"], "importance:draws=1000"
        arguments.cells, cases = Path(tempfile.mkdtemp()), quick_cases()
    else:
        cases = allocation_sets.cases(arguments.sets)
    cells = finished(arguments.cells, [*models, *APPROACHES, HUBER], arguments.method, cases)
    if not cells:
        parser.error(f"--sets {arguments.sets}: there is no such sweep")
    budgets = allocation_tables.budgets(cells)
    table = allocation_tables.models(budgets, cells)
    families = allocation_tables.families(budgets)
    alternatives.show(allocation_tables.shown_models(table))
    alternatives.show(allocation_tables.shown_families(families))
    result = {
        "method": arguments.method or "default",
        "models": allocation_tables.as_records(table),
        "families": allocation_tables.as_records(families),
        "cuts": allocation_tables.as_records(allocation_tables.cuts(budgets)),
    }
    recorded = {name: _recorded(name, arguments.method) for name in models}
    record.write(result, RESULTS / "allocation.json", arguments, recorded)


def _recorded(name: str, method: str | None) -> record.Model:
    model = fitted(name, method)
    return record.Model(model.law, model.noise, model.method)


if __name__ == "__main__":
    main()
