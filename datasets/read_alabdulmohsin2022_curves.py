"""Alabdulmohsin et al. 2022: 92 learning curves in vision and language.

Each curve is divided into a training part and a test part.
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
    """Read the curves: a group is a curve, and a row is a point of it.

    Traps: the points of a curve are checkpoints of one run, so their errors are correlated; points
    of the language models are repeated up to four times.
    """
    points = pd.concat([pd.read_csv(path) for path in originals.values()], ignore_index=True)
    table = points.rename(columns=_HEADINGS)
    group = table["domain"] + "/" + table["task"] + "/" + table["model"]
    point = group + "/" + table["n_examples"].map("{:.10g}".format)
    repetition = point.groupby(point).cumcount() + 1
    numbered = point + "#" + repetition.astype(str)
    table.insert(0, "run_id", point.where(repetition == 1, numbered))
    table.insert(1, "group", group)
    split = table.pop("Training").map({1: "train", 0: "test"})
    return table.assign(split=split)
