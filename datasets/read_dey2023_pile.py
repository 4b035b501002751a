"""Dey et al. 2023: thirty open models on the Pile, as printed in the Cerebras-GPT paper."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the printed table; it already has the standard names.

    N counts all parameters: nominal sizes for Cerebras-GPT, exact counts for Pythia. ``suspect``
    marks a probable misprint.
    """
    return pd.read_csv(originals["dey2023_pile.csv"])
