"""Alabdulmohsin et al. 2022: 92 learning curves in vision and language, each parted into what is
fitted and what is hidden.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_HEADINGS = {
    "Domain": "domain",
    "Task": "task",
    "Model": "model",
    "Seen Examples": "n_examples",
    "Loss": "loss",
}


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the curves: a group is a curve, a row a point of it.

    Traps: the points of a curve are checkpoints of one run, so their errors are correlated; and
    those of the language models stand there up to four times.
    """
    points = pd.concat([pd.read_csv(path) for path in originals.values()], ignore_index=True)
    table = points.rename(columns=_HEADINGS)
    group = table["domain"] + "/" + table["task"] + "/" + table["model"]
    place = group + "/" + table["n_examples"].map("{:.10g}".format)
    again = place.groupby(place).cumcount() + 1
    table.insert(0, "run_id", place.where(again == 1, place + "#" + again.astype(str)))
    table.insert(1, "group", group)
    split = table.pop("Training").map({1: "train", 0: "test"})
    return table.assign(split=split)
