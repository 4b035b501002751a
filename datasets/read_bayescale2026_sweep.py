"""The sweep of this project: small byte-level models of one recipe, trained by benchmarks/sweep."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the table that the sweep's collector wrote; it already has the standard names.

    N counts all parameters and D counts bytes. ``group`` is the nominal budget, 6·N·D; ``flops``
    are counted exactly.
    """
    table = pd.read_csv(originals["bayescale2026_sweep.csv"])
    table.insert(1, "group", table["budget"].map("C{:.1e}".format))
    return table
