"""Llama 3, figure 2: isoFLOP runs digitised by E. Czech (Open Athena)."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

# The curators who digitised the figure flag points in another file of their repository, so the
# flags are repeated here.
_FLAGGED = {
    "C6e+18_000": "spline_outlier",
    "C1e+19_022": "near_duplicate_params",
    "C6e+19_049": "off_center",
    "C1e+20_082": "spline_outlier",
    "C6e+20_104": "near_duplicate_params",
    "C3e+21_121": "spline_outlier",
    "C3e+21_122": "weak_curvature",
    "C3e+21_123": "weak_curvature",
    "C3e+21_124": "weak_curvature",
    "C3e+21_125": "weak_curvature",
    "C3e+21_126": "weak_curvature",
    "C1e+22_127": "weak_curvature",
    "C1e+22_128": "weak_curvature",
    "C1e+22_129": "weak_curvature",
    "C1e+22_130": "weak_curvature",
    "C1e+22_131": "weak_curvature",
    "C1e+22_132": "spline_outlier",
}


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the points of the figure.

    N is C/(6D). Traps: the file contains every point a second time with exp(loss); the unit of the
    loss is not a standard one.
    """
    points = pd.read_csv(originals["isoflops.csv"])
    points = points[points["condition"] == "raw_loss"].reset_index(drop=True)
    group = points["budget"].map("C{:.0e}".format)
    run_id = group + "_" + points.index.map("{:03d}".format)
    return pd.DataFrame(
        {
            "run_id": run_id,
            "group": group,
            "n_params": points["params"],
            "n_tokens": points["tokens"],
            "flops": points["budget"],
            "loss": points["loss"],
            "curator_outlier": run_id.isin(list(_FLAGGED)).astype(int),
            "curator_reason": run_id.map(_FLAGGED).fillna("none"),
        }
    )
