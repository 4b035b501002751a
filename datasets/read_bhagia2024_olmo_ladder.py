"""Bhagia et al. 2024: ladders of models from 190M to 3B parameters, with the 7B and 13B targets.

The learning rates follow a cosine, or are constant with a decay at the end (WSD).
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

# Parameters without the input embedding, as the authors' scripts list them.
_N_PARAMS = {
    "190M": 190_354_176,
    "370M": 371_262_464,
    "760M": 758_220_288,
    "1B": 1_279_395_840,
    "3B": 3_169_537_280,
    "7B": 6_887_575_552,
    "13B": 13_202_396_160,
}
_TARGETS = {
    "cosine/peteish7_eval_anneal.csv": "7B-target",
    "cosine/peteish13_eval_final.csv": "13B-target",
}
# The files of the targets have no counter of FLOPs. The authors list these per token.
_FLOPS_PER_TOKEN = {"7B": 49_412_071_424, "13B": 91_335_915_520}
_LOSSES = {
    "loss": "c4_en",
    "loss_books": "dolma_books",
    "loss_cc": "dolma_common-crawl",
    "loss_pes2o": "dolma_pes2o",
    "loss_reddit": "dolma_reddit",
    "loss_stack": "dolma_stack",
    "loss_wiki": "dolma_wiki",
    "loss_ice": "ice",
    "loss_s2orc": "m2d2_s2orc",
    "loss_pile": "pile",
    "loss_wikitext": "wikitext_103",
}
_TASKS = {
    "hellaswag": "hellaswag_val",
    "arc_easy": "arc_easy_test",
    "arc_challenge": "arc_challenge_test",
    "piqa": "piqa_val",
    "csqa": "csqa_val",
    "socialiqa": "socialiqa_val",
    "openbookqa": "openbookqa_test",
}
# MMLU is a mean over its questions, of which each subject has this share.
_MMLU = {"stem": 0.215, "humanities": 0.335, "social_sciences": 0.219, "other": 0.231}
_LAST_EVALUATIONS = 5


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the last evaluation of each run, and tasks as means over its last five evaluations.

    N counts all parameters except the input embedding. ``loss`` is C4's validation loss. Traps:
    the targets have learning rates of their own, and the last phase of the 7B uses other data; the
    WSD runs of one size are branches of one run.
    """
    rows = [_row(name, path) for name, path in originals.items()]
    return pd.DataFrame(rows).sort_values(["group", "flops", "run_id"], ignore_index=True)


def _row(name: str, path: Path) -> dict[str, str | float]:
    evaluations = pd.read_csv(path)
    last = evaluations.iloc[-1]
    means = evaluations.tail(_LAST_EVALUATIONS).mean()
    group = Path(name).parent.name
    run_id = _TARGETS.get(name, Path(name).stem)
    size = run_id.split("-")[0]
    n_tokens = _tokens(last)
    row: dict[str, str | float] = {
        "run_id": run_id if group == "cosine" else f"{run_id}-decay",
        "group": group,
        "size": size,
        "n_params": _N_PARAMS[size],
        "n_tokens": n_tokens,
        "flops": _flops(last, size, n_tokens),
    }
    for column, data in _LOSSES.items():
        row[column] = last[f"eval/{data}-validation/CrossEntropyLoss"]
    for task, split in _TASKS.items():
        row[f"bpb_{task}"] = means[f"eval/downstream_bpb/{split}_rc_5shot_bpb"]
        row[f"acc_{task}"] = means[f"eval/downstream/{split}_rc_5shot_len_norm"]
    row["bpb_mmlu"] = 0.0
    row["acc_mmlu"] = 0.0
    for subject, share in _MMLU.items():
        test = f"mmlu_{subject}_test_rc_5shot"
        row["bpb_mmlu"] += share * means[f"eval/downstream_bpb/{test}_bpb"]
        row["acc_mmlu"] += share * means[f"eval/downstream/{test}_len_norm"]
    return row


def _tokens(last: pd.Series) -> float:
    if "throughput/total_tokens" in last:
        return float(last["throughput/total_tokens"])
    return float(last["_step"] * last["batch_size_in_tokens"])


def _flops(last: pd.Series, size: str, n_tokens: float) -> float:
    if size in _FLOPS_PER_TOKEN:
        return _FLOPS_PER_TOKEN[size] * n_tokens
    return float(last["throughput/total_training_Gflops"] * 1e9)
