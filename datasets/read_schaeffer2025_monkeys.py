"""Schaeffer et al. 2025: counts of correct samples on 128 problems of two benchmarks.

The models are seven Pythia models.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.errors import InputError

_N_PARAMS = {
    "Pythia 70M": 70_426_624,
    "Pythia 160M": 162_322_944,
    "Pythia 410M": 405_334_016,
    "Pythia 1B": 1_011_781_632,
    "Pythia 2.8B": 2_775_208_960,
    "Pythia 6.9B": 6_857_302_016,
    "Pythia 12B": 11_846_072_320,
}
_SOURCES = {
    "large_language_monkeys_original_pass_at_k.parquet": "brown2024_original",
    "large_language_monkeys_pass_at_k.parquet": "schaeffer2025_resampled",
}
_HEADINGS = {
    "Benchmark": "group",
    "Model": "model",
    "Problem Idx": "problem_idx",
    "Num. Samples Total": "n_samples",
    "Num. Samples": "n_samples",
    "Num. Samples Correct": "n_correct",
}


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the counts; a group is a benchmark.

    Each original repeats the counts of a problem for every k at which its authors evaluate pass@k.
    """
    tables = []
    for name, path in originals.items():
        tables.append(_counts(path).assign(source=_SOURCES[name]))
    table = pd.concat(tables)
    counts = table[["problem_idx", "n_samples", "n_correct"]].astype("int64")
    return pd.DataFrame(
        {
            "run_id": table[["source", "group", "model"]].agg("/".join, axis=1)
            + "/"
            + counts["problem_idx"].astype(str),
            "group": table["group"],
            "source": table["source"],
            "model": table["model"],
            "n_params": table["model"].map(_N_PARAMS),
            "problem_idx": counts["problem_idx"],
            "n_samples": counts["n_samples"],
            "n_correct": counts["n_correct"],
        }
    ).reset_index(drop=True)


def _counts(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            f"{path.name} is a Parquet file, which pandas reads with pyarrow: pip install "
            f"'bayescale[parquet]'."
        ) from None
    first = table[table["Scaling Parameter"] == 1]
    columns = list(dict.fromkeys(_HEADINGS.values()))
    return first.rename(columns=_HEADINGS)[columns]
