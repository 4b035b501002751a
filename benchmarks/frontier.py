"""Coverage and sharpness of forecasts over the panel, compared with today's practice.

Every model is fitted to the runs with less compute of each set of `panel.csv`, at most 200 of them,
and forecasts the runs with more compute; and so are ladders of a set's 3 to 12 cheapest runs. A
family of sweeps has one vote. CRPS is for log loss, as a geometric mean of its ratio to a
Huber(1e-3) point fit with 200 refits to resampled runs and resampled residuals. That fit is of the
Chinchilla law, or, where 3 or 4 runs cannot give its five parameters, of a power law of compute.
Such ladders are a split of their own; where all their runs have one compute, they are scored
without a ratio.

Prints a table of all splits, then by number of runs, by distance and by family, a selection of
models with a family left out, what several models gain together over the default (see
frontier_stack.py), and errors on the Chinchilla runs above three budgets; writes
benchmarks/results/frontier.json. With two seeds, such as --seed 0,1, every model is fitted with
both, and a table says how far they differ. With --worlds, simulated sweeps that no law of bayescale
describes replace the panel; see frontier_worlds.py.

A cell is one model on one set at one split. Each cell is saved in the folder --cells and is not
fitted again: after an interruption the same command continues, and two processes can share the work
by --sets. Other fields or priors of a model are other cells; remove the folder after a change of
its code.

    BAYESCALE_DATA=... python benchmarks/frontier.py
    BAYESCALE_DATA=... python benchmarks/frontier.py --models default,grouped --seed 0,1
    BAYESCALE_DATA=... python benchmarks/frontier.py --models all --splits beyond_a_tenth
    python benchmarks/frontier.py --worlds --sweeps 20
"""

import argparse
import hashlib
import json
import re
import tempfile
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import frontier_pages
import frontier_panel
import frontier_stack
import frontier_tables
import frontier_worlds
import numpy as np
import pandas as pd
import record
from frontier_tables import BASELINE
from record import JsonObject

import bayescale as bs
from bayescale import defaults
from bayescale._internal.discovery import parse
from bayescale.decisions.checks.backtest import scored
from bayescale.decisions.checks.forecasters import Fitted, Forecaster, HuberBootstrap, Prediction
from bayescale.units import budgets

GROUPED = "grouped"
# Law and noise in the format of the command line. A None in a pair is the default of `bs.fit`; None
# instead of a pair is today's practice. `GROUPED` is the default with budgets as ``group``.
MODELS: dict[str, tuple[str | None, str | None] | None] = {
    BASELINE: None,
    "default": (None, None),
    GROUPED: (None, None),
    "student_t": ("chinchilla", "student_t"),
    "coupled": ("coupled", "student_t"),
    "discrepancy": ("chinchilla", "discrepancy"),
    "normal": ("coupled", "discrepancy:base=normal"),
    "scaled_normal": ("coupled", "discrepancy:base=compute_scale:base=normal"),
    "steady": ("coupled", "discrepancy:base=student_t:nu=4.0"),
    "matern": ("coupled", "discrepancy:base=compute_scale:base=student_t:nu=4.0,processes=matern"),
}
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
    "width",
)
_DIGITS = 6
# Runs whose compute differs by a smaller factor are of one budget, as for `bayescale.units`.
_ONE_BUDGET = 1.1


@dataclass(frozen=True)
class InBudgets:
    """A forecaster whose fitted runs have their compute budgets as ``group``.

    Parameters
    ----------
    forecaster : Forecaster
    """

    forecaster: Forecaster

    def predict(self, train: bs.Runs, test: bs.Runs) -> Prediction:
        """Forecast ``test`` from ``train`` with its budgets.

        Raises
        ------
        InputError
            Where the fitted runs are in no budgets.
        """
        labels = [f"budget {budget}" for budget in budgets(train.six_nd)]
        grouped = bs.Runs(train.frame.assign(group=labels), train.name)
        return self.forecaster.predict(grouped, test)


@dataclass(frozen=True)
class Candidate:
    """A model of MODELS, and how it is fitted.

    Attributes
    ----------
    model : str
        A name of MODELS.
    method : str
        Inference in the format of the command line.
    seed : int
        Of the method. Today's practice has seeds of its own.
    label : str
        Name in tables.
    """

    model: str
    method: str
    seed: int
    label: str

    def recorded(self) -> record.Model:
        """Return law, noise model and method."""
        law, noise = MODELS[self.model] or (None, None)
        method = parse("bayescale.inference", self.method)
        return record.Model(
            parse("bayescale.laws", law) if law else None,
            parse("bayescale.noise", noise) if noise else None,
            replace(method, seed=self.seed),
        )

    def forecaster(self, case: frontier_panel.Case) -> Forecaster:
        """Return the forecaster that is fitted to the cheaper runs of a case."""
        if MODELS[self.model] is None:
            return practice(case.fold.train)
        parts = self.recorded()
        law = frontier_panel.unseen(parts.law, case.family)
        fitted = Fitted(law, parts.noise, parts.method)
        return InBudgets(fitted) if self.model == GROUPED else fitted

    @cached_property
    def fingerprint(self) -> str:
        """Name of method, seed, and all fields and priors; empty for today's practice."""
        if MODELS[self.model] is None:
            return ""
        described = json.dumps(self.recorded().described()["details"], sort_keys=True)
        digest = hashlib.sha256(described.encode()).hexdigest()
        return f"{self.method}-seed{self.seed}-{digest[:8]}"

    def file_name(self, case: frontier_panel.Case) -> str:
        """Return the name of the file of a cell."""
        cell = (self.model, case.name, case.split, str(len(case.fold.train)), self.fingerprint)
        return re.sub(r"[^A-Za-z0-9.]+", "_", "-".join(cell)).strip("_") + ".json"


def practice(train: bs.Runs) -> HuberBootstrap:
    """Return today's practice for some runs.

    Runs that are fewer than the parameters of the Chinchilla law are fitted by a law of fewer
    parameters than runs: a power law of compute with a floor for four, without one for three.

    Raises
    ------
    InputError
        Where so few runs have the same compute, so that any slope along compute fits them.
    """
    if len(train) >= len(defaults.textbook_law().parameters):
        return HuberBootstrap()
    compute = train.six_nd
    if compute.max() < _ONE_BUDGET * compute.min():
        raise bs.InputError(
            f"{train.name}: the {len(train)} runs have the same compute, so no power law of "
            f"compute forecasts others; fit runs of other compute too."
        )
    return HuberBootstrap(bs.laws.PowerLaw(floor=len(train) > 3))


def candidates(models: list[str], method: str, seeds: list[int]) -> list[Candidate]:
    """Return today's practice, and each model with each seed."""
    first, *others = seeds
    result = [Candidate(BASELINE, method, first, BASELINE)]
    for name in models:
        if MODELS[name]:
            result.append(Candidate(name, method, first, name))
            result += [Candidate(name, method, seed, _with_seed(name, seed)) for seed in others]
    return result


def _with_seed(name: str, seed: int) -> str:
    return f"{name}, seed {seed}"


def cell(candidate: Candidate, case: frontier_panel.Case) -> JsonObject:
    """Fit, forecast and score one model on one set, or say why it was not fitted."""
    begun = time.perf_counter()
    facts = {
        "model": candidate.label,
        "method": candidate.method if MODELS[candidate.model] else "",
        "family": case.family,
        "set": case.name,
        "split": case.split,
        "n_train": len(case.fold.train),
    }
    try:
        forecaster = candidate.forecaster(case)
        with warnings.catch_warnings():
            # Problems are saved in the cell and counted in the table.
            warnings.simplefilter("ignore", bs.FitWarning)
            prediction = forecaster.predict(case.fold.train, case.fold.test)
    except bs.InputError as refusal:
        nothing: JsonObject = {"problems": [], "low_by_chance": None, "runs": {}}
        return {**facts, **nothing, "refusal": str(refusal), "seconds": _seconds_since(begun)}
    return {**facts, **_scores(case, prediction), "seconds": _seconds_since(begun)}


def _seconds_since(begun: float) -> float:
    return round(time.perf_counter() - begun, 2)


def _scores(case: frontier_panel.Case, prediction: Prediction) -> JsonObject:
    frame = scored(case.fold, prediction)
    frame["error"] = np.log(frame["q50"] / frame["loss"])
    frame["width"] = np.log(frame["q95"] / frame["q05"])
    runs: JsonObject = {"run_id": frame["run_id"].astype(str).tolist()}
    for name in _SCORES:
        runs[name] = [_short(value) for value in frame[name]]
    diagnostics = prediction.posterior.diagnostics
    return {
        "label": prediction.model,
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
    folder: Path, candidates: list[Candidate], cases: Iterable[frontier_panel.Case]
) -> list[JsonObject]:
    """Return all cells: saved cells from the folder, and new cells, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for case in cases:
        for candidate in candidates:
            path = folder / candidate.file_name(case)
            found = record.saved(path, partial(_told, candidate, case))
            # Another order of the seeds is another label of the same cell.
            cells.append(found | {"model": candidate.label})
    return cells


def _told(candidate: Candidate, case: frontier_panel.Case) -> JsonObject:
    """Return a new cell, and print its line."""
    new = cell(candidate, case)
    print(_line(new), flush=True)
    return new


def _line(cell: JsonObject) -> str:
    about = (
        f"{cell['model']:20} {cell['set']:32} {cell['split']:18} {cell['n_train']:4} "
        f"{cell['seconds']:6.1f} s  "
    )
    if not cell["runs"]:
        return f"{about} refused: {cell['refusal']}"
    runs = cell["runs"]
    doubtful = "doubtful" if cell["problems"] else ""
    return (
        f"{about} {len(runs['crps']):4}  50 %: {np.mean(runs['covered50']):.2f}  "
        f"90 %: {np.mean(runs['covered90']):.2f}  CRPS {np.mean(runs['crps']):.5f}  {doubtful}"
    )


def show_panel(cells: list[JsonObject], candidates: list[Candidate]) -> JsonObject:
    """Print the tables of the panel; return them as JSON."""
    table = frontier_tables.sets(cells)
    seed = candidates[0].seed
    first = [each for each in candidates if each.seed == seed]
    labels = [each.label for each in first]
    chosen = frontier_tables.left_out(table, labels)
    others = [each for each in candidates if each.seed != seed]
    pools = frontier_stack.stacked([cell for cell in cells if cell["model"] in labels])
    noise = [frontier_tables.between_seeds(table, each.model, each.label) for each in others]
    tables = {
        "frontier": frontier_tables.frontier(table),
        "by_number": frontier_tables.by_number(table),
        "by_distance": frontier_tables.by_distance(cells),
        "by_family": frontier_tables.by_family(table),
        "left_out": chosen,
        "grouped": frontier_tables.against(table, GROUPED, "default"),
        "seeds": pd.concat(noise) if noise else pd.DataFrame(),
        "stacked": pools,
        "sets": table,
    }
    frontier_pages.show_frontier(tables["frontier"])
    frontier_pages.show_numbers(tables["by_number"])
    frontier_pages.show_distances(tables["by_distance"])
    frontier_pages.show_families(tables["by_family"], BASELINE)
    # Of one model, or one family, there is nothing to choose.
    if len(first) > 2 and len(chosen):
        frontier_pages.show_chosen(chosen)
    frontier_pages.show_against(tables["grouped"], GROUPED, "default")
    frontier_pages.show_seeds(tables["seeds"])
    frontier_pages.show_stacked(pools)
    return {name: _records(each) for name, each in tables.items()}


def _records(table: pd.DataFrame) -> list[JsonObject]:
    records: list[JsonObject] = json.loads(table.to_json(orient="records"))
    return records


def _short(value: float) -> float | None:
    number = float(value)
    return float(f"{number:.{_DIGITS}g}") if np.isfinite(number) else None


def main() -> None:
    """Fit the missing cells, print, write."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.quick:
        # One simulated sweep, fitted anew.
        arguments.worlds, arguments.sweeps, arguments.sets = True, 1, "as_fitted"
        arguments.models, arguments.method = "default", "importance:draws=1000"
        arguments.cells = Path(tempfile.mkdtemp())
    models = list(MODELS) if arguments.models == "all" else arguments.models.split(",")
    if unknown := [name for name in models if name not in MODELS]:
        parser.error(f"--models {','.join(unknown)}: there are {', '.join(MODELS)}")
    compared = candidates(models, arguments.method, arguments.seed)
    if arguments.worlds:
        cases = frontier_worlds.sweeps(arguments.sweeps, arguments.sets)
    else:
        splits = frontier_panel.SPLITS if arguments.splits == "all" else (arguments.splits,)
        cases = frontier_panel.cases(splits, arguments.sets)
    cells = finished(arguments.cells, compared, cases)
    if not cells:
        parser.error(f"--sets {arguments.sets}: there is no such set")
    if arguments.worlds:
        worlds = frontier_tables.worlds(frontier_tables.sets(cells))
        frontier_pages.show_worlds(worlds)
        tables = {"worlds": _records(worlds)}
    else:
        tables = show_panel(cells, compared)
        if arguments.splits == "all" and arguments.sets in frontier_panel.CHINCHILLA:
            cuts = frontier_tables.cuts(finished(arguments.cells, compared, frontier_panel.cuts()))
            frontier_pages.show_cuts(cuts)
            tables["cuts"] = _records(cuts)
    used = {each.label: MODELS[each.model] or "today's practice" for each in compared}
    path = RESULTS / ("worlds.json" if arguments.worlds else "frontier.json")
    settings = {"models": used, "method": arguments.method, "seeds": arguments.seed}
    fitted = {each.label: each.recorded() for each in compared if MODELS[each.model]}
    record.write(settings | tables, path, arguments, fitted)


def _parser() -> argparse.ArgumentParser:
    parser = record.parser(__doc__)
    parser.add_argument(
        "--models",
        default="default",
        help="names of MODELS, or all (default: default); today's practice is always included",
    )
    parser.add_argument("--splits", default="all", choices=["all", *frontier_panel.SPLITS])
    parser.add_argument(
        "--sets",
        default="",
        metavar="TEXT",
        help="only sets, families or worlds whose name contains it",
    )
    parser.add_argument(
        "--method",
        default=defaults.METHOD,
        help="inference of all models except today's practice (default: that of a fit)",
    )
    parser.add_argument(
        "--seed",
        type=_seeds,
        default=[0],
        help="seed of the method, or several with commas between, to compare them",
    )
    parser.add_argument(
        "--worlds", action="store_true", help="use simulated worlds instead of the panel"
    )
    parser.add_argument("--sweeps", type=int, default=20, help="number of sweeps of each world")
    parser.add_argument(
        "--cells", type=Path, default=RESULTS / "frontier_cells", help="folder of finished cells"
    )
    return parser


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


if __name__ == "__main__":
    main()
