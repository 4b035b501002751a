"""Ruan et al. 2024: benchmark scores of 148 public models."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_BENCHMARKS = {
    "MMLU": "mmlu",
    "ARC-C": "arc_c",
    "HellaSwag": "hellaswag",
    "Winograd": "winogrande",
    "TruthfulQA": "truthfulqa",
    "GSM8K": "gsm8k",
    "XWinograd": "xwinograd",
    "HumanEval": "humaneval",
}
_SECOND_LEADERBOARD = {
    "leaderboard_bbh": "v2_bbh",
    "leaderboard_gpqa": "v2_gpqa",
    "leaderboard_ifeval": "v2_ifeval",
    "leaderboard_math_hard": "v2_math_hard",
    "leaderboard_mmlu_pro": "v2_mmlu_pro",
    "leaderboard_musr": "v2_musr",
}
_EMERGENT = ["word_unscrambling_2_exact_match", "arithmetic_3ds_2_acc", "arithmetic_2da_2_acc"]


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read three tables of scores and join them by model.

    Traps: sizes are in billions, tokens in trillions and compute in 10²¹ FLOPs; the column Winograd
    has scores on WinoGrande.
    """
    models = pd.read_csv(originals["base_llm_benchmark_eval.csv"])
    for file in ("base_llm_leaderboard_v2_eval.csv", "base_llm_emergent_capability_eval.csv"):
        models = models.merge(
            pd.read_csv(originals[file]), how="left", on="Model", validate="one_to_one"
        )
    identity = pd.DataFrame(
        {
            "run_id": models["Model"],
            "group": models["Model Family"],
            "n_params": models["Model Size (B)"] * 1e9,
            "n_tokens": models["Pretraining Data Size (T)"] * 1e12,
            "flops": models["FLOPs (1E21)"] * 1e21,
        }
    )
    renamed = _BENCHMARKS | _SECOND_LEADERBOARD
    scores = models.rename(columns=renamed)
    return identity.join(scores[list(renamed.values()) + _EMERGENT])
