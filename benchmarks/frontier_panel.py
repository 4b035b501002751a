"""The forecasting panel: which runs of public sweeps are fitted, and which are forecast.

`panel.csv` fixes the runs of each set at two splits. The tables come from the catalogue's readers;
two sweeps are public only inside pickles, and of a third the catalogue holds a part, so these are
read from files that BAYESCALE_DATA must hold.
"""

import os
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

import bayescale as bs
from bayescale.decisions.checks.holdouts.base import Fold

PANEL = Path(__file__).with_name("panel.csv")
SPLITS = ("dearest_20_percent", "beyond_a_tenth")
MOST_FITTED = 200

_COLUMNS = ["run_id", "n_params", "n_tokens", "loss"]
_EXTRACTED = {
    "porian2024": ("extracted_isoflop_points.csv", {}),
    "beck2025_xlstm": ("extracted_runs.csv", {}),
    "muennighoff2023_datablations": (
        "extracted_names_to_val_losses.csv",
        {"name": "run_id", "params": "n_params", "tokens": "n_tokens", "val_loss": "loss"},
    ),
}


class Case(NamedTuple):
    """One set at one split; ``family`` has one vote, however many sets it has."""

    family: str
    name: str
    split: str
    fold: Fold


def cases(splits: tuple[str, ...] = SPLITS, only: str = "") -> Iterator[Case]:
    """The panel, or the sets whose family or name contains ``only``."""
    panel = pd.read_csv(PANEL, dtype=str)
    for (family, name, split), rows in panel.groupby(["dataset", "set", "split"], sort=True):
        if split in splits and only in f"{family} {name}":
            table = _table(family)
            train, test = (
                table.loc[rows.loc[rows["role"] == role, "run_id"]] for role in ("train", "test")
            )
            # Every alternative must be able to afford every fit.
            fitted = (
                train.sample(MOST_FITTED, random_state=0) if len(train) > MOST_FITTED else train
            )
            yield Case(family, name, split, Fold(split, _runs(fitted, name), _runs(test, name)))


def _runs(table: pd.DataFrame, name: str) -> bs.Runs:
    with warnings.catch_warnings():
        # The panel takes sweeps as they are, such as those with D = 20 N throughout.
        warnings.simplefilter("ignore", bs.RunsWarning)
        return bs.Runs.from_frame(table, name=name)


@cache
def _table(family: str) -> pd.DataFrame:
    if family not in _EXTRACTED:
        table = bs.datasets.frame(family)
    else:
        file, columns = _EXTRACTED[family]
        folder = os.environ.get("BAYESCALE_DATA")
        path = Path(folder or "") / family / file
        if not (folder and path.is_file()):
            raise SystemExit(
                f"{family} is read from {family}/{file} in the folder BAYESCALE_DATA, which has "
                f"none."
            )
        table = pd.read_csv(path).rename(columns=columns)
    return table[_COLUMNS].astype({"run_id": str}).set_index("run_id")
