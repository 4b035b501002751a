"""Li et al. 2025 (Step Law): sweeps of learning rate and batch size.

The models are dense models and mixtures of experts.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the dense sweep and the four mixtures of experts.

    N excludes embeddings, and counts only the experts that a token activates. ``loss`` is the
    smoothed loss. Trap: most rows are deliberately mistuned; ``best_in_cell`` marks the lowest loss
    at each (group, N, D).
    """
    dense = pd.read_csv(originals["dense_lr_bs_loss.csv"]).assign(group="dense", nume=1, topk=1)
    dense["Na"] = dense["N"]
    experts = pd.read_csv(originals["moe_lr_bs_loss.csv"])
    experts["group"] = "moe_" + experts["moe_name"]
    sweeps = pd.concat([dense, experts], ignore_index=True)
    best = sweeps.groupby(["group", "Na", "D"])["smooth loss"].idxmin()
    size = sweeps["Na"].map(str)
    tokens = sweeps["D"].map("{:.4g}".format)
    learning_rate = sweeps["lr"].map("{:.4g}".format)
    batch_size = sweeps["bs"].map(str)
    model = sweeps["group"] + "/N" + size + "/D" + tokens
    return pd.DataFrame(
        {
            "run_id": model + "/lr" + learning_rate + "/bs" + batch_size,
            "group": sweeps["group"],
            "n_params": sweeps["Na"],
            "n_params_total": sweeps["N"],
            "n_tokens": sweeps["D"],
            "flops": six_nd(sweeps["Na"], sweeps["D"]),
            "loss": sweeps["smooth loss"],
            "loss_raw": sweeps["loss"],
            "lr": sweeps["lr"],
            "batch_size_seq": sweeps["bs"],
            "step": sweeps["ti"],
            "best_in_cell": sweeps.index.isin(best).astype(int),
            "n_experts": sweeps["nume"],
            "top_k": sweeps["topk"],
            "hidden": sweeps["h"],
            "ffn": sweeps["ffnh"],
            "heads": sweeps["numh"],
            "layers": sweeps["numl"],
        }
    )
