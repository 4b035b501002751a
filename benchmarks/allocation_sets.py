"""Sweeps whose budgets show their compute-optimal size, and where each is cut.

Chinchilla and Llama 3 are digitised from figures. The budgets of Porian's six sweeps are
interpolated by their authors. (Mis)Fitting and Farseer trained grids of sizes and tokens: all runs
of a grid are fitted, and its optima are taken from sections at four budgets a decade, interpolated
along the tokens of each size. Llama's second cut is earlier than the others', because above it one
budget alone is left.

Files that the catalogue lacks are read from the folder BAYESCALE_DATA.
"""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from record import ROOT
from scipy.interpolate import PchipInterpolator

import bayescale as bs
from bayescale.decisions.checks.allocations.cuts import HiddenSizes, hidden_sizes
from bayescale.decisions.checks.allocations.truth import members, optima_of

MOST_FITTED = 200

_CHINCHILLA = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)
# Budgets up to the first cut; with fewer than 25 runs below it a sweep is cut after one more.
_PORIAN = {
    "rw/1_reproducing_kaplan": 4,
    "rw/3_correct_warmup": 4,
    "rw/5_optimizer_tuning": 3,
    "owt2/2_count_last_layer": 3,
    "owt2/4_cosine_decay": 4,
    "owt2/5_optimizer_tuning": 4,
}
# Points with fewer tokens lie within the warm-up.
_PORIAN_FEWEST_TOKENS = 1e8
_BECK = "llama_isoflop_ctx8192"
_SECTIONS_PER_DECADE = 4
_FEWEST_TOKENS_OF_A_SIZE = 3
_COLUMNS = ["n_params", "n_tokens", "loss"]


@dataclass(frozen=True)
class SweepOfBudgets:
    """A sweep; a ``family`` has one vote, however many sweeps it has.

    Attributes
    ----------
    family, name : str
    runs : Runs
        All runs; those up to a cut are fitted.
    cuts : AfterBudgets
    budgets : tuple of float or None
        Nominal budgets, FLOPs; None where the runs show them.
    curves : Runs or None
        Sections that the optima are taken from in place of the runs.
    """

    family: str
    name: str
    runs: bs.Runs
    cuts: bs.AfterBudgets
    budgets: tuple[float, ...] | None = None
    curves: bs.Runs | None = None


class Case(NamedTuple):
    """A sweep at a cut, counted from one."""

    sweep: SweepOfBudgets
    cut: int
    test: HiddenSizes


def cases(only: str = "") -> Iterator[Case]:
    """Yield the cuts of all sweeps, or of those whose family or name contains ``only``."""
    for sweep in sweeps():
        if only in f"{sweep.family} {sweep.name}":
            yield from cuts_of(sweep)


def cuts_of(sweep: SweepOfBudgets) -> Iterator[Case]:
    """Yield the cuts of one sweep, each with at most MOST_FITTED runs to fit."""
    judging = sweep.curves or sweep.runs
    member = members(judging, None if sweep.budgets is None else np.array(sweep.budgets))
    truth = optima_of(judging, member)
    for number, cut in enumerate(sweep.cuts.split(truth), start=1):
        test = hidden_sizes(sweep.runs, judging, member, truth, cut)
        fold = test.fold
        # The fits must not be too expensive for any alternative.
        if len(fold.train) > MOST_FITTED:
            kept = fold.train.frame.sample(MOST_FITTED, random_state=0).sort_index()
            fold = fold._replace(train=replace(fold.train, frame=kept))
        yield Case(sweep, number, test._replace(fold=fold))


def sweeps() -> Iterator[SweepOfBudgets]:
    """Yield all sweeps."""
    chinchilla = bs.datasets.load("besiroglu2024_chinchilla")
    yield _sweep("besiroglu2024_chinchilla", chinchilla.frame, budgets=_CHINCHILLA)
    llama = bs.datasets.frame("llama3_isoflop")
    # Weak curvature is what the standard error of an optimum tells.
    kept = llama["curator_reason"].isin(["none", "weak_curvature"])
    yield _sweep("llama3_isoflop", llama[kept], cuts=bs.AfterBudgets(leaving=100))
    yield _sweep("bayescale2026_sweep", _own_sweep())
    porian = _original("porian2024", "extracted_isoflop_points.csv")
    porian = porian[porian["n_tokens"] >= _PORIAN_FEWEST_TOKENS]
    for group, fitted in _PORIAN.items():
        cuts = bs.AfterBudgets(fitted=fitted)
        yield _sweep("porian2024", porian[porian["group"] == group], name=group, cuts=cuts)
    beck = _original("beck2025_xlstm", "extracted_runs.csv")
    yield _sweep("beck2025_xlstm", beck[beck["group"] == _BECK], name=_BECK)
    misfitting = bs.datasets.load("misfitting2025").frame
    yield _grid("misfitting2025", misfitting)
    farseer = _original("scalebench2026", "farseer_train.parquet")
    yield _grid("farseer2025", farseer.rename(columns={"N": "n_params", "D": "n_tokens"}))


def sections(runs: pd.DataFrame) -> pd.DataFrame:
    """Return losses of a grid of sizes and tokens at budgets, four a decade.

    The lowest log loss at each size is interpolated in log D, by cubics that keep it monotone, and
    not extrapolated.
    """
    compute = 6 * runs["n_params"] * runs["n_tokens"]
    low, high = _SECTIONS_PER_DECADE * np.log10([compute.min(), compute.max()])
    budgets = 10 ** (np.arange(np.ceil(low), high) / _SECTIONS_PER_DECADE)
    found = []
    for n_params in np.unique(runs["n_params"]):
        rows = runs[runs["n_params"] == n_params]
        lowest = np.log(rows.groupby("n_tokens")["loss"].min())
        if len(lowest) < _FEWEST_TOKENS_OF_A_SIZE:
            continue
        curve = PchipInterpolator(np.log(lowest.index), lowest, extrapolate=False)
        n_tokens = budgets / (6 * n_params)
        loss = np.exp(curve(np.log(n_tokens)))
        table = {"n_params": n_params, "n_tokens": n_tokens, "loss": loss}
        found.append(pd.DataFrame(table).dropna())
    return pd.concat(found, ignore_index=True)


def _grid(family: str, frame: pd.DataFrame) -> SweepOfBudgets:
    frame = frame[_COLUMNS].astype(float)
    name = f"{family} sections"
    runs, curves = _runs(frame, family), _runs(sections(frame), name)
    return SweepOfBudgets(family, family, runs, bs.AfterBudgets(), curves=curves)


def _sweep(
    family: str,
    frame: pd.DataFrame,
    name: str = "",
    cuts: bs.AfterBudgets | None = None,
    budgets: tuple[float, ...] | None = None,
) -> SweepOfBudgets:
    name = name or family
    # Without the column group: what a budget's runs share is another model.
    runs = _runs(frame[_COLUMNS].astype(float), name)
    return SweepOfBudgets(family, name, runs, cuts or bs.AfterBudgets(), budgets)


def _runs(frame: pd.DataFrame, name: str) -> bs.Runs:
    with warnings.catch_warnings():
        # Sweeps are used unchanged, whatever is unusual about them.
        warnings.simplefilter("ignore", bs.RunsWarning)
        return bs.Runs.from_frame(frame, name=name)


def _own_sweep() -> pd.DataFrame:
    """Return the sweep of this repository, with the runs at ten times its compute."""
    rows = pd.read_csv(ROOT / "benchmarks" / "sweep" / "rows.csv")
    return rows[rows["role"].isin(["base", "frontier"])]


def _original(folder: str, file: str) -> pd.DataFrame:
    root = os.environ.get("BAYESCALE_DATA")
    path = Path(root or "") / folder / file
    if not (root and path.is_file()):
        raise SystemExit(
            f"{folder} needs the file {folder}/{file} in the folder BAYESCALE_DATA, which does "
            f"not exist."
        )
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
