"""Li, Kudugunta and Zettlemoyer 2025: final checkpoints of a learning-rate sweep.

An older sweep from a spreadsheet is included.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the two sweeps, the groups open_lm_final and sheet_dense.

    N counts all parameters. Traps: repeated settings get #2, #3, … at the end of ``run_id``;
    ``best_lr_in_cell`` marks the lowest loss at each (group, N, D), and most other rows are
    mistuned; ``flops`` is the authors' count, which for the spreadsheet is not 6·N·D.
    """
    runs = pd.concat(
        [
            _open_lm(originals["scaling_results_last_ckpt_only.csv"]),
            _spreadsheet(originals["data.csv"]),
        ],
        ignore_index=True,
    )
    tokens = runs["n_tokens"].map("{:.4g}".format)
    learning_rate = runs["lr"].map("{:g}".format)
    setting = runs["group"] + "/" + runs["model"] + "/D" + tokens + "/lr" + learning_rate
    repetition = setting.groupby(setting).cumcount() + 1
    numbered = setting + "#" + repetition.astype(str)
    run_id = setting.where(repetition == 1, numbered)
    # Only the first of equal losses: a setting that was copied must not count twice.
    best = runs.groupby(["group", "n_params", "n_tokens"])["loss"].idxmin()
    runs.insert(0, "run_id", run_id)
    return runs.assign(best_lr_in_cell=runs.index.isin(best).astype(int))


def _open_lm(path: Path) -> pd.DataFrame:
    sweep = pd.read_csv(path)
    return pd.DataFrame(
        {
            "group": "open_lm_final",
            "model": sweep["model"],
            "n_params": sweep["N"],
            "n_params_no_embed": sweep["N_no_emb"],
            "n_tokens": sweep["D"],
            "flops": six_nd(sweep["N"], sweep["D"]),
            "loss": sweep["C4 Eval Loss"],
            "lr": sweep["peak_lr"],
            "step": sweep["total_steps"],
        }
    )


def _spreadsheet(path: Path) -> pd.DataFrame:
    """Read the spreadsheet.

    A row with the name of a size comes before the rows of its runs; only runs have a loss.
    """
    sheet = pd.read_csv(path)
    sheet["Params"] = sheet["Params"].ffill()
    sheet = sheet[sheet["C4 Eval Loss"].notna()]
    return pd.DataFrame(
        {
            "group": "sheet_dense",
            "model": "sheet_" + sheet["Params"],
            "n_params": sheet["N"],
            "n_params_no_embed": sheet["N_no_emb"],
            "n_tokens": sheet["D"],
            "flops": sheet["C"],
            "loss": sheet["C4 Eval Loss"],
            "lr": sheet["lr"],
            "loss_wiki": sheet["Wiki Eval Loss"],
            "loss_train": sheet["Avg Train Loss"],
        }
    )
