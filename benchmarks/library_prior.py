"""The library prior, learnt from public sweeps: `bayescale.priors.Library`.

A view is a set of the panel at one split, or a ladder of 4 to 12 of its cheapest runs. Each view is
fitted by the default of `bayescale.fit` under a weak prior. The losses of hidden runs are in the
likelihood too, but the prior is stated at the dearest of the runs that a forecaster would have, so
that what is learnt is what such a forecaster should have believed. From the draws of all views,
library_em.py learns the prior: a family of sweeps has one vote, half by its large sets and half by
its ladders.

Writes bayescale/priors/library.json: the prior of all families, the prior of all but one for each
family, what of it moves when a family is left out, and where it all comes from. Prints the numbers
beside those that are in the file.

Each view is saved in the folder --cells and is not fitted again: after an interruption the same
command continues. Remove the folder after a change of the noise model or of the weak prior.

    BAYESCALE_DATA=... python benchmarks/library_prior.py
    python benchmarks/library_prior.py --quick
"""

import argparse
import json
import re
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import frontier_panel
import frontier_worlds
import library_em
import numpy as np
import pandas as pd
import record
from frontier_panel import Case
from library_em import Coordinate, Coordinates, Shrinkage, View
from record import JsonObject

import bayescale as bs
from bayescale.laws.coupled import Coupled
from bayescale.parameters import Parameter, Values
from bayescale.posterior.beside_prior import coordinates_of
from bayescale.priors.at_frontier import MOST_COMPUTE, MOST_RATIO, AtFrontier
from bayescale.priors.base import Prior
from bayescale.processes.base import sweep_of
from bayescale.sweep import Sweep, dearest_rows

LIBRARY = record.ROOT / "bayescale" / "priors" / "library.json"
WEAK = AtFrontier(
    floor_share_sd=1.2,
    params_share_sd=1.8,
    exponent=0.33,
    exponent_sd=0.5,
    exponent_ratio_sd=0.7,
    gamma=0.67,
    gamma_sd=0.7,
)
# What the learnt prior is shrunk to. The excess of a loss falls by 10^-0.17 in a decade of compute,
# and so the log odds of the floor rise by 0.39.
BY_HAND = AtFrontier(
    floor_share_slope=0.39,
    params_share_sd=1.2,
    exponent_sd=0.25,
    exponent_ratio_sd=0.4,
)
# Near one by its meaning: then the best N and D grow nearly alike.
EXPONENT_RATIO_SD = 0.15
METHOD = bs.Importance(draws=2000)

_COMPUTE, _RATIO = "decades of compute above 1e19 FLOP", "decades of D/N above 20"
_FEWEST, _MOST_HIDDEN = 4, 60
_SHRINKAGE = Shrinkage()
_FIXED_SD = replace(_SHRINKAGE, of_sd=1e9)
_SCATTER = "log_sigma"
_DIGITS = 4


@dataclass(frozen=True)
class AtRows(Prior):
    """A prior that is stated at given rows.

    Parameters
    ----------
    prior : Prior
    rows : tuple of int
        They change the units of the data and no program, so priors that differ by them are equal.
    """

    prior: Prior = WEAK
    rows: tuple[int, ...] = field(default=(), compare=False)

    @property
    def title(self) -> str:
        return self.prior.title

    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return the rows of the prior."""
        return self.prior.coordinates(parameters)

    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the parameters of the prior."""
        return self.prior.to_parameters(coordinates, sweep)

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the given rows."""
        return np.array(self.rows)


def views(cases: Iterable[Case], folder: Path) -> Iterator[JsonObject]:
    """Yield all views: saved views from the folder, and new views, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        name = f"{case.family}-{case.name}-{case.split}-{len(case.fold.train)}"
        path = folder / (re.sub(r"[^A-Za-z0-9.]+", "_", name) + ".json")
        yield record.saved(path, partial(_told, name, case))


def _told(name: str, case: Case) -> JsonObject:
    """Return a new view, and print how long it took."""
    begun = time.perf_counter()
    new = view(case)
    print(f"{name:70} {time.perf_counter() - begun:6.1f} s", flush=True)
    return new


def view(case: Case) -> JsonObject:
    """Fit one view; return its draws with what is known of the sweep."""
    runs, rows = joint(case)
    law = Coupled(prior=AtRows(WEAK, rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bs.FitWarning)
        warnings.simplefilter("ignore", bs.RunsWarning)
        posterior = bs.fit(runs, law=law, method=METHOD)
    sweep = sweep_of(case.fold.train, law.inputs)
    draws = coordinates_of(posterior) | {_SCATTER: np.log(posterior.draws("sigma"))}
    return {
        "family": case.family,
        "set": case.name,
        "split": case.split,
        "n_train": len(case.fold.train),
        "n_hidden": len(runs) - len(case.fold.train),
        "compute": float(np.clip(sweep.compute, -MOST_COMPUTE, MOST_COMPUTE)),
        "ratio": float(np.clip(sweep.tokens_per_param, -MOST_RATIO, MOST_RATIO)),
        "problems": [str(problem) for problem in posterior.problems],
        "draws": {name: values.round(5).tolist() for name, values in draws.items()},
    }


def joint(case: Case) -> tuple[bs.Runs, tuple[int, ...]]:
    """Return fitted and hidden runs as one, and the rows of the dearest fitted ones."""
    train, test = case.fold.train.frame, case.fold.test.frame
    if len(test) > _MOST_HIDDEN:
        test = test.sample(_MOST_HIDDEN, random_state=0)
    table = pd.concat([train.assign(fitted=True), test.assign(fitted=False)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bs.RunsWarning)
        runs = bs.Runs.from_frame(table.drop(columns="fitted"), name=case.name)
    fitted = np.flatnonzero(table["fitted"].loc[runs.frame.index])
    dearest = fitted[dearest_rows(np.log(runs.six_nd[fitted]))]
    return runs, tuple(int(row) for row in dearest)


def as_view(saved: JsonObject) -> View:
    """Return a view of the EM."""
    draws = {name: np.array(values) for name, values in saved["draws"].items()}
    facts = {_COMPUTE: saved["compute"], _RATIO: saved["ratio"]}
    return View(saved["family"], "ladder" in saved["split"], facts, draws)


def as_coordinates(prior: AtFrontier) -> Coordinates:
    """Return the learnt coordinates of a prior."""
    log_odds = {}
    for row in prior.coordinates(()):
        log_odds[row.name] = Coordinate(float(row.prior.loc), float(row.prior.scale))
    del log_odds["log_level"]
    floor, share = log_odds["floor_log_odds"], log_odds["params_log_odds"]
    return log_odds | {
        "floor_log_odds": replace(floor, slope=prior.floor_share_slope, along=_COMPUTE),
        "params_log_odds": replace(share, slope=prior.params_share_slope, along=_RATIO),
    }


def as_fields(learnt: Coordinates) -> dict[str, float]:
    """Return learnt coordinates as the fields of `AtFrontier`."""
    floor, share = learnt["floor_log_odds"], learnt["params_log_odds"]
    exponent, ratio = learnt["log_exponent"], learnt["log_exponent_ratio"]
    coupling = learnt["log_gamma"]
    found = {
        "level_sd": WEAK.level_sd,
        "floor_share": 1 / (1 + np.exp(-floor.mean)),
        "floor_share_sd": floor.sd,
        "floor_share_slope": floor.slope,
        "params_share": 1 / (1 + np.exp(-share.mean)),
        "params_share_sd": share.sd,
        "params_share_slope": share.slope,
        "exponent": np.exp(exponent.mean),
        "exponent_sd": exponent.sd,
        "exponent_ratio": np.exp(ratio.mean),
        "exponent_ratio_sd": ratio.sd,
        "gamma": np.exp(coupling.mean),
        "gamma_sd": coupling.sd,
    }
    return {name: _short(value) for name, value in found.items()}


def learn(chosen: list[View]) -> dict[str, float]:
    """Return the fields of `AtFrontier` that these views say, with the ratio's sd as it is set."""
    by_hand = as_coordinates(replace(BY_HAND, exponent_ratio_sd=EXPONENT_RATIO_SD))
    shrinkage = dict.fromkeys(by_hand, _SHRINKAGE) | {"log_exponent_ratio": _FIXED_SD}
    learnt = library_em.learn(chosen, as_coordinates(WEAK), by_hand, shrinkage)
    return as_fields(learnt)


def exponent_ratio(chosen: list[View]) -> dict[str, float]:
    """Return what the views say of β/α where its standard deviation is learnt too."""
    by_hand = as_coordinates(BY_HAND)
    shrinkage = dict.fromkeys(by_hand, _SHRINKAGE)
    found = library_em.learn(chosen, as_coordinates(WEAK), by_hand, shrinkage)
    ratio = found["log_exponent_ratio"]
    return {"median": _short(np.exp(ratio.mean)), "sd_of_log": _short(ratio.sd)}


def scatter(chosen: list[View]) -> dict[str, float]:
    """Return how single runs scatter, as `bayescale.priors.library.Scatter` has it."""
    prior = {_SCATTER: Coordinate(np.log(0.01), 1.5, along=_COMPUTE)}
    found = library_em.learn(chosen, prior, prior, {_SCATTER: _SHRINKAGE})[_SCATTER]
    return {
        "sigma": _short(np.exp(found.mean)),
        "sigma_sd": _short(found.sd),
        "sigma_slope": _short(found.slope),
    }


def library(saved: list[JsonObject]) -> JsonObject:
    """Return the priors of all families and of all but one, with how far they differ.

    Parameters
    ----------
    saved : list of views
        Of two families at least.
    """
    chosen = [as_view(each) for each in saved]
    families = sorted({each.family for each in chosen})
    priors = {}
    for family in families:
        priors[family] = learn([each for each in chosen if each.family != family])
    table = pd.DataFrame.from_dict(priors, orient="index")
    low, high = table.min().to_dict(), table.max().to_dict()
    return {
        "provenance": provenance(saved) | {"exponent_ratio_if_learnt": exponent_ratio(chosen)},
        "spread": {name: [low[name], high[name]] for name in low},
        "scatter": scatter(chosen),
        "priors": priors | {"": learn(chosen)},
    }


def provenance(saved: list[JsonObject]) -> JsonObject:
    """Return where the numbers come from."""
    sets = {}
    for each in saved:
        sets.setdefault(each["family"], set()).add(each["set"])
    about = record.about({}, quick=False)
    return {
        "how": "empirical Bayes over the views of public sweeps, a family one vote",
        "script": "benchmarks/library_prior.py",
        "commit": about["commit"],
        "uncommitted": about["uncommitted"],
        "date": about["date"],
        "views": len(saved),
        "views_of_a_family": dict(Counter(each["family"] for each in saved)),
        "data_sets": {family: sorted(names) for family, names in sorted(sets.items())},
        "set_by_hand": ["level_sd", "exponent_ratio_sd"],
        "shrunk_to": as_fields(as_coordinates(BY_HAND)),
        "shrinkage_in_families": {
            "mean": _SHRINKAGE.of_mean,
            "slope": _SHRINKAGE.of_slope,
            "sd": _SHRINKAGE.of_sd,
        },
        "rounds": library_em.ROUNDS,
    }


def show(found: JsonObject) -> None:
    """Print the learnt numbers beside those of the file, with the range without a family."""
    present = json.loads(LIBRARY.read_text(encoding="utf-8"))["priors"][""]
    print(f"\n{'':20} {'present':>9} {'learnt':>9}   without a family")
    for name, value in found["priors"][""].items():
        low, high = found["spread"][name]
        print(f"{name:20} {present[name]:9.4f} {value:9.4f}   {low:.4f} to {high:.4f}")
    print(f"\nscatter: {found['scatter']}")
    print(
        f"ratio of exponents if its sd is learnt: {found['provenance']['exponent_ratio_if_learnt']}"
    )


def _short(value: float) -> float:
    return round(float(value), _DIGITS)


def _cases(quick: bool, only: str) -> Iterator[Case]:
    if quick:
        yield from frontier_worlds.sweeps(1, "as_fitted")
        yield from frontier_worlds.sweeps(1, "hidden_component")
        return
    cases = [c for c in frontier_panel.cases(only=only) if len(c.fold.train) >= _FEWEST]
    # Sweeps of one size share compiled programs.
    yield from sorted(cases, key=lambda case: len(case.fold.train) + len(case.fold.test))


def main() -> None:
    """Fit the missing views, learn, print, write."""
    arguments = _parser().parse_args()
    if arguments.quick:
        arguments.cells = Path(tempfile.mkdtemp())
    saved = list(views(_cases(arguments.quick, arguments.sets), arguments.cells))
    found = library(saved)
    show(found)
    if arguments.sets and not arguments.out:
        print("nothing is written of a part of the panel without --out")
        return
    fitted = {"view": record.Model(Coupled(prior=WEAK), None, METHOD)}
    record.write(found, LIBRARY, arguments, fitted)


def _parser() -> argparse.ArgumentParser:
    parser = record.parser(__doc__)
    parser.add_argument(
        "--sets", default="", metavar="TEXT", help="only sets or families whose name contains it"
    )
    parser.add_argument(
        "--cells",
        type=Path,
        default=record.RESULTS / "library_cells",
        help="folder of finished views",
    )
    return parser


if __name__ == "__main__":
    main()
