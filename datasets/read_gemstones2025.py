"""McLeish et al. 2025: checkpoints of models of 22 shapes.

The learning rates are constant, halved or cooled down.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd

_FILES = {
    "constant_lr": "wandb_df_for_fitting_hot_100b+.jsonl",
    "cooldown_end": "wandb_df_for_fitting_cool_end.jsonl",
    "constant_lr_half": "wandb_df_for_fitting_lr_ablation_hot.jsonl",
}
_OTHER_LOSSES = {
    "loss_dclm": "fineweb_dclm_losses_combined.jsonl",
    "loss_fineweb_edu": "fineweb_edu_losses_combined.jsonl",
}
_CHECKPOINT = ["group", "width", "depth", "step"]


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the three sets of checkpoints.

    Losses on DCLM and FineWeb-Edu exist at constant learning rate only. N counts all parameters,
    including the input embedding and the output head. Traps: rows of one ``arch`` in a group are
    one run; accuracies were published in a format that is not read here.
    """
    tables = []
    for group, file in _FILES.items():
        tables.append(pd.read_json(originals[file], lines=True).assign(group=group))
    checkpoints = pd.concat(tables, ignore_index=True)
    for column, file in _OTHER_LOSSES.items():
        other = pd.read_json(originals[file], lines=True).assign(group="constant_lr")
        other = other.rename(columns={"final_loss": column})
        columns = [*_CHECKPOINT, column]
        checkpoints = checkpoints.merge(
            other[columns], how="left", on=_CHECKPOINT, validate="one_to_one"
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
