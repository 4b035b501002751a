"""Lin et al. 2024: fourteen models fine-tuned on up to 819,200 examples of each of three tasks."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_IN_MILLIONS = {"M": 1.0, "m": 1.0, "B": 1e3, "b": 1e3}


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the losses; a group is a task.

    Only seven models have N in their name. Trap: n_examples is 0 for the model before fine-tuning,
    which a power law cannot describe.
    """
    tables = []
    for name, path in originals.items():
        tables.append(pd.read_csv(path).assign(group=Path(name).stem))
    wide = pd.concat(tables)
    table = wide.melt(id_vars=["group", "model"], var_name="n_examples", value_name="loss")
    sizes = table["model"].str.extract(r"-(?P<count>[\d.]+)(?P<unit>[MBmb])$")
    return pd.DataFrame(
        {
            "run_id": table["group"] + "/" + table["model"] + "/" + table["n_examples"],
            "group": table["group"],
            "model": table["model"],
            "n_params": sizes["count"].astype(float) * sizes["unit"].map(_IN_MILLIONS) * 1e6,
            "n_examples": table["n_examples"].astype("int64"),
            "loss": table["loss"],
        }
    )
