"""Besiroglu et al. 2024: the runs of figure 4 of Hoffmann et al. 2022, read from its SVG."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import tokens_for

_OUTLIERS = 5


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the points of the figure.

    N is the size shown, embeddings included. Trap: D was never published, and is C/(6N).
    ``outlier`` marks the five highest losses, which the authors drop.
    """
    points = pd.read_csv(originals["svg_extracted_data.csv"])
    return pd.DataFrame(
        {
            "run_id": [f"fig4_{row:03d}" for row in range(len(points))],
            "group": "chinchilla_fig4",
            "n_params": points["Model Size"],
            "n_tokens": tokens_for(points["Training FLOP"], points["Model Size"]),
            "flops": points["Training FLOP"],
            "loss": points["loss"],
            "outlier": (points["loss"].rank(ascending=False) <= _OUTLIERS).astype(int),
            "svg_x": points["x"],
            "svg_y": points["y"],
        }
    )
