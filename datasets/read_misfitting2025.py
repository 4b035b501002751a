"""Li, Kudugunta and Zettlemoyer 2025: final checkpoints of a learning-rate sweep, and an older
sweep kept in a spreadsheet.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayescale.units import six_nd


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the two sweeps, as the groups open_lm_final and sheet_dense.

    N counts all parameters. Traps: settings that were run again get #2, #3, … at the end of
    ``run_id``; ``best_lr_in_cell`` marks the lowest loss at each (group, N, D), and most other rows
    are mistuned; ``flops`` is the authors' count, which for the spreadsheet is not 6·N·D.
    """
    runs = pd.concat(
        [
            _open_lm(originals["scaling_results_last_ckpt_only.csv"]),
            _spreadsheet(originals["data.csv"]),
        ],
        ignore_index=True,
    )
    setting = pd.Series(
        [f"{run.group}/{run.model}/D{run.n_tokens:.4g}/lr{run.lr:g}" for run in runs.itertuples()]
    )
    again = setting.groupby(setting).cumcount()
    run_id = setting.where(again == 0, setting + "#" + (again + 1).astype(str))
    # Of equal losses the first alone: a setting that was copied must not count twice.
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
    """A line that names a size stands above the lines of its runs; only those have a loss."""
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
