"""Muennighoff et al. 2023: runs that repeat their data, from the copy in SLDBench."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the 182 points of the published fit.

    N counts all parameters. Trap: the headings tokens and unique_tokens are swapped in the source,
    as every run's name shows (2b832b4b is 2.8 billion parameters, 32 billion tokens, 4 billion of
    them unique).
    """
    points = pd.read_csv(originals["sldbench_182_points.csv"])
    n_tokens = points["unique_tokens"]
    unique_tokens = points["tokens"]
    return pd.DataFrame(
        {
            "run_id": points["id"],
            "n_params": points["params"],
            "n_tokens": n_tokens,
            "flops": six_nd(points["params"], n_tokens),
            "loss": points["loss"],
            "unique_tokens": unique_tokens,
            "epochs": n_tokens / unique_tokens,
        }
    )
