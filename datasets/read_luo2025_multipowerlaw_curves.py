"""Luo et al. 2025: 27 loss curves of three sizes under nine learning-rate schedules."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the curves: a group is a size, and a row is a step of one schedule.

    The name of the folder gives N, and the name of the file gives the schedule.
    """
    curves = [_curve(Path(name), path) for name, path in originals.items()]
    return pd.concat(curves, ignore_index=True)


def _curve(name: Path, path: Path) -> pd.DataFrame:
    millions = name.parent.name.removeprefix("csv_")
    points = pd.read_csv(path)
    return pd.DataFrame(
        {
            "run_id": f"{millions}M/{name.stem}/" + points["step"].astype(str),
            "group": f"{millions}M",
            "schedule": name.stem,
            "n_params": int(millions) * 10**6,
            "step": points["step"],
            "lr": points["lr"],
            "loss": points["loss"],
        }
    )
