"""McLeish et al. 2025: checkpoints of 22 shapes of model at constant, halved and cooled-down
learning rates.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd

_GROUPS = {
    "constant_lr": "wandb_df_for_fitting_hot_100b+.jsonl",
    "cooldown_end": "wandb_df_for_fitting_cool_end.jsonl",
    "constant_lr_half": "wandb_df_for_fitting_lr_ablation_hot.jsonl",
}


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the three sets of checkpoints; losses on DCLM and FineWeb-Edu exist at constant learning
    rate alone.

    N counts all parameters, input embedding and output head both. Traps: rows of one ``arch`` in a
    group are one run; accuracies were published in a format that is not read here.
    """
    checkpoints = pd.concat(
        [
            pd.read_json(originals[file], lines=True).assign(group=group)
            for group, file in _GROUPS.items()
        ],
        ignore_index=True,
    )
    for column, file in {
        "loss_dclm": "fineweb_dclm_losses_combined.jsonl",
        "loss_fineweb_edu": "fineweb_edu_losses_combined.jsonl",
    }.items():
        other = pd.read_json(originals[file], lines=True).assign(group="constant_lr")
        other = other[["group", "width", "depth", "step", "final_loss"]].rename(
            columns={"final_loss": column}
        )
        checkpoints = checkpoints.merge(
            other, how="left", on=["group", "width", "depth", "step"], validate="one_to_one"
        )
    arch = checkpoints["width"].astype(str) + "x" + checkpoints["depth"].astype(str)
    return pd.DataFrame(
        {
            "run_id": checkpoints["group"] + "/" + arch + "/" + checkpoints["step"].astype(str),
            "group": checkpoints["group"],
            "arch": arch,
            "width": checkpoints["width"],
            "depth": checkpoints["depth"],
            "n_params": checkpoints["params_active_precise"],
            "n_tokens": checkpoints["tokens"],
            "flops": six_nd(checkpoints["params_active_precise"], checkpoints["tokens"]),
            "loss": checkpoints["final_loss"],
            "loss_dclm": checkpoints["loss_dclm"],
            "loss_fineweb_edu": checkpoints["loss_fineweb_edu"],
            "step": checkpoints["step"],
            "seconds_per_step": checkpoints["seconds_per_step"],
            "num_nodes": checkpoints["num_nodes"],
        }
    )
