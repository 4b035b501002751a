"""The forecasting panel: the runs of public sweeps that are fitted, and those that are forecast.

`panel.csv` fixes the runs of each set at two splits. The tables come from the catalogue's readers;
two sweeps are public only inside pickles, and the catalogue has only a part of a third, so these
are read from files in the folder BAYESCALE_DATA.
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
    """A set at a split; a ``family`` has one vote, however many sets it has."""

    family: str
    name: str
    split: str
    fold: Fold


def cases(splits: tuple[str, ...] = SPLITS, only: str = "") -> Iterator[Case]:
    """Yield the cases of the panel, or of the sets whose family or name contains ``only``."""
    panel = pd.read_csv(PANEL, dtype=str)
    for (family, name, split), rows in panel.groupby(["dataset", "set", "split"], sort=True):
        if split in splits and only in f"{family} {name}":
            table = _table(family)
            run_ids = rows["run_id"]
            train = table.loc[run_ids[rows["role"] == "train"]]
            test = table.loc[run_ids[rows["role"] == "test"]]
            # The fits must not be too expensive for any alternative.
            if len(train) > MOST_FITTED:
                train = train.sample(MOST_FITTED, random_state=0)
            yield Case(family, name, split, Fold(split, _runs(train, name), _runs(test, name)))


def _runs(table: pd.DataFrame, name: str) -> bs.Runs:
    with warnings.catch_warnings():
        # The panel uses sweeps unchanged, such as those with D = 20 N throughout.
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
                f"{family} needs the file {family}/{file} in the folder BAYESCALE_DATA, which does "
                f"not exist."
            )
        table = pd.read_csv(path).rename(columns=columns)
    return table[_COLUMNS].astype({"run_id": str}).set_index("run_id")
