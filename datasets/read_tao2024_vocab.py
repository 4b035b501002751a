"""Tao et al. 2024: models of six sizes with ten vocabularies, twenty checkpoints each."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import tokens_for


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the checkpoints.

    N is the non-vocabulary count plus vocabulary times width, and D is C/(6N). Trap: the loss is
    relative to a unigram model, so it is negative.
    """
    points = pd.read_csv(originals["exp_data.csv"])
    counts = points[["vocab_size", "embed_dim", "Non_vocab_parameters"]].astype("int64")
    n_params = counts["Non_vocab_parameters"] + counts["vocab_size"] * counts["embed_dim"]
    run_ids = []
    for row, run in enumerate(points.itertuples()):
        model = f"Nnv{run.Non_vocab_parameters:.0f}_V{run.vocab_size:.0f}"
        run_ids.append(f"{model}_F{run.FLOPs:.4g}_{row}")
    return pd.DataFrame(
        {
            "run_id": run_ids,
            "group": "Nnv" + (counts["Non_vocab_parameters"] // 10**6).astype(str) + "M",
            "n_params": n_params,
            "n_params_no_embed": counts["Non_vocab_parameters"],
            "vocab_size": counts["vocab_size"],
            "embed_dim": counts["embed_dim"],
            "n_tokens": tokens_for(points["FLOPs"], n_params),
            "n_chars": points["num_characters"],
            "flops": points["FLOPs"],
            "loss": points["Lossu"],
        }
    )
