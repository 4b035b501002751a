"""The forecasting panel: the runs of public sweeps that are fitted, and those that are forecast.

`panel.csv` fixes the runs of each set at two splits. Ladders follow from it by a rule: a few of the
cheapest runs forecast those of up to a hundred times their compute. The tables come from the
catalogue's readers; two sweeps are public only inside pickles, and the catalogue has only a part of
a third, so these are read from files in the folder BAYESCALE_DATA.
"""

import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import bayescale as bs
from bayescale import defaults
from bayescale.decisions.checks.holdouts.base import LAST_BIT, Fold
from bayescale.laws.base import Law
from bayescale.laws.coupled import Coupled
from bayescale.priors.library import Library

PANEL = Path(__file__).with_name("panel.csv")
DEAREST, BEYOND = "dearest_20_percent", "beyond_a_tenth"
# Three or four runs are apart: the Chinchilla law of today's practice has five parameters.
LADDERS = {"ladders": (6, 8, 12), "short_ladders": (3, 4)}
SPLITS = (DEAREST, BEYOND, *LADDERS)
MOST_FITTED = 200

SETS_WITH_LADDERS = 2
_REACH = 100.0
_MOST_FORECAST = 25

CHINCHILLA = "besiroglu2024_chinchilla"
CUTS = (1e20, 3e20, 1e21)

_INPUTS = ["run_id", "n_params", "n_tokens"]
# Losses of sets whose runs were evaluated on several texts.
_LOSSES = {
    "bhagia/cosine_ice": "loss_ice",
    "bhagia/cosine_pile": "loss_pile",
    "bhagia/cosine_stack": "loss_stack",
    "bhagia/wsd_wiki": "loss_wiki",
}
_EXTRACTED = {
    "porian2024": ("extracted_isoflop_points.csv", {}),
    "beck2025_xlstm": ("extracted_runs.csv", {}),
    "muennighoff2023_datablations": (
        "extracted_names_to_val_losses.csv",
        {"name": "run_id", "params": "n_params", "tokens": "n_tokens", "val_loss": "loss"},
    ),
}


def unseen(law: Law | None, family: str) -> Law:
    """Return a law, by default that of `bs.fit`, whose library prior has not seen a family, so that
    no forecast is judged by runs that its prior was learnt from.
    """
    law = law or defaults.law()
    if not (isinstance(law, Coupled) and isinstance(law.prior, Library)):
        return law
    if family not in law.prior.families:
        return law
    return replace(law, prior=replace(law.prior, without=family))


class Case(NamedTuple):
    """A set at a split; a ``family`` has one vote, however many sets it has."""

    family: str
    name: str
    split: str
    fold: Fold


def cases(
    splits: tuple[str, ...] = SPLITS, only: str = "", most_sets: int = SETS_WITH_LADDERS
) -> Iterator[Case]:
    """Yield the cases of the panel, or of the sets whose family or name contains ``only``; ladders
    of so many sets of a family at most.
    """
    panel = pd.read_csv(PANEL, dtype=str)
    for (family, name, split), rows in panel.groupby(["dataset", "set", "split"], sort=True):
        if split in splits and only in f"{family} {name}":
            table = _table(family, name)
            run_ids = rows["run_id"]
            train = table.loc[run_ids[rows["role"] == "train"]]
            test = table.loc[run_ids[rows["role"] == "test"]]
            # The fits must not be too expensive for any alternative.
            if len(train) > MOST_FITTED:
                train = train.sample(MOST_FITTED, random_state=0)
            yield _case(family, name, split, train, test)
    for split in splits:
        yield from _ladders(panel, split, only, most_sets)


def _ladders(panel: pd.DataFrame, split: str, only: str, most_sets: int) -> Iterator[Case]:
    whole = panel[panel["split"] == DEAREST]
    for family, rows in whole.groupby("dataset", sort=True):
        for name in with_ladders(rows["set"], most_sets):
            if only not in f"{family} {name}":
                continue
            table = _table(family, name).loc[rows.loc[rows["set"] == name, "run_id"]]
            for count in LADDERS.get(split, ()):
                train, test = ladder(table, count)
                if len(test):
                    yield _case(family, name, split, train, test)


def with_ladders(names: pd.Series, most: int = SETS_WITH_LADDERS) -> list[str]:
    """Return the sets of a family that have ladders: so many at most, evenly spaced by name.

    Sets of one family are much alike, so that more than two would cost more than they say of a
    model that fits each by itself.
    """
    ordered = sorted(names.unique())
    places = np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]


def ladder(table: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cheapest runs of a set, and the dearer runs that they are to forecast.

    These have up to a hundred times the compute of the dearest of the cheapest runs. Where they are
    more than 25, every so many of them are taken in the order of compute, the first and the last
    among them.

    Parameters
    ----------
    table : DataFrame, one row per run
        ``n_params`` and ``n_tokens``, indexed by ``run_id``.
    count : int
        Number of the cheapest runs.
    """
    compute = table["n_params"].astype(float) * table["n_tokens"].astype(float)
    # Runs of equal compute are in the order of their names, whatever the order of the table.
    compute = compute.sort_index(kind="stable").sort_values(kind="stable")
    cheapest = compute.index[:count]
    dearest = compute[cheapest[-1]]
    times = compute / dearest
    within = compute.index[(times > 1 + LAST_BIT) & (times <= _REACH)]
    places = np.linspace(0, len(within) - 1, min(len(within), _MOST_FORECAST))
    return table.loc[cheapest], table.loc[within[places.round().astype(int)]]


def cuts() -> Iterator[Case]:
    """Yield the Chinchilla runs below each of three budgets, and the others to be forecast."""
    runs = bs.datasets.load(CHINCHILLA)
    compute = runs.column("flops")
    for cut in CUTS:
        name = f"below {cut:g} FLOPs"
        train = bs.Runs(runs.frame[compute < cut], name)
        test = bs.Runs(runs.frame[compute >= cut], name)
        yield Case(CHINCHILLA, name, "cut", Fold(name, train, test))


def _case(family: str, name: str, split: str, train: pd.DataFrame, test: pd.DataFrame) -> Case:
    return Case(family, name, split, Fold(split, _runs(train, name), _runs(test, name)))


def _runs(table: pd.DataFrame, name: str) -> bs.Runs:
    with warnings.catch_warnings():
        # The panel uses sweeps unchanged, such as those with D = 20 N throughout.
        warnings.simplefilter("ignore", bs.RunsWarning)
        return bs.Runs.from_frame(table, name=name)


def _table(family: str, name: str) -> pd.DataFrame:
    """Return the runs of a family, with the loss that a set is of."""
    loss = _LOSSES.get(name, "loss")
    table = _all_runs(family)[[*_INPUTS, loss]].rename(columns={loss: "loss"})
    return table.astype({"run_id": str}).set_index("run_id")


@cache
def _all_runs(family: str) -> pd.DataFrame:
    if family not in _EXTRACTED:
        return bs.datasets.frame(family)
    file, columns = _EXTRACTED[family]
    folder = os.environ.get("BAYESCALE_DATA")
    path = Path(folder or "") / family / file
    if not (folder and path.is_file()):
        raise SystemExit(
            f"{family} needs the file {family}/{file} in the folder BAYESCALE_DATA, which does not "
            f"exist."
        )
    return pd.read_csv(path).rename(columns=columns)
