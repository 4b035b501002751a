"""Clark et al. 2022: learning curves of dense and routed models.

The last point of a curve is a finished run.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_TOKENS_PER_STEP = 256 * 2048


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the last point of every learning curve.

    N is the size of the dense model of the same shape; ``n_params_total`` counts all experts.
    Traps: D is not in the file (batch and sequence length are from the paper) and is the same for
    all runs; ``flops_fwd_per_step`` counts one forward pass.
    """
    curves = pd.read_csv(originals["curves.csv.gz"])
    last = curves.loc[curves.groupby("hyper_id")["step"].idxmax()]
    return pd.DataFrame(
        {
            "run_id": "h" + last["hyper_id"].astype(str),
            "group": last["router_type"],
            "n_params": last["dense_parameter_count"],
            "n_params_total": last["total_parameter_count"],
            "num_experts": last["num_experts"],
            "k": last["k"],
            "routing_frequency": last["routing_frequency"],
            "flop_increase": last["flop_increase"],
            "n_tokens": last["step"] * _TOKENS_PER_STEP,
            "flops_fwd_per_step": last["flops_per_step"],
            "step": last["step"],
            "loss": last["loss_validation"],
            "loss_c4": last["loss_c4"],
            "loss_pile": last["loss_pile"],
            "loss_lambada": last["loss_lambada"],
            "loss_wikitext103": last["loss_wikitext103"],
            "d_model": last["d_model"],
            "num_blocks": last["num_blocks"],
            "model_size_label": last["model_size_label"],
            "seed": last["seed"],
        }
    ).reset_index(drop=True)
