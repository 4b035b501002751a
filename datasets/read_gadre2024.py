"""Gadre et al. 2024: 104 models over-trained by up to 32 times, on three training sets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from bayescale.units import six_nd

JsonObject: TypeAlias = dict[str, Any]

_LOSSES = {
    "loss_openlm": "/openlm/",
    "loss_paloma_c4": "paloma_c4_en",
    "loss_paloma_redpajama": "paloma_redpajama",
    "loss_paloma_refinedweb": "paloma_falcon-refinedweb",
    "loss_paloma_code100": "paloma_dolma_100",
    "loss_paloma_ptb": "paloma_ptb",
    "loss_c4_german": "/de-en/",
}
# The tasks of the paper's 17-task average, on which small models score above chance.
_TASKS_17 = (
    "arc_easy",
    "bigbench_cs_algorithms",
    "bigbench_dyck_languages",
    "bigbench_novel_concepts",
    "bigbench_operators",
    "bigbench_qa_wikidata",
    "boolq",
    "commonsense_qa",
    "copa",
    "coqa",
    "hellaswag",
    "hellaswag_zeroshot",
    "lambada_openai",
    "piqa",
    "pubmed_qa_labeled",
    "squad",
    "winograd",
)


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read a file of hyperparameters and losses and a file of evaluations for each model.

    N counts all parameters. ``loss`` is C4's validation loss for every model, whatever it was
    trained on. Trap: N·D overflows 64-bit integers.
    """
    rows = []
    for name in originals:
        if name.startswith("models/"):
            run_id = name.removeprefix("models/").removesuffix(".json")
            rows.append(_row(originals, run_id))
    return pd.DataFrame(rows)


def _row(originals: Mapping[str, Path], run_id: str) -> JsonObject:
    model = _read_json(originals[f"models/{run_id}.json"])
    evaluation = _read_json(originals[f"evals/evaluation_{run_id}_heavy.json"])
    setting = model["hyperparameters"]
    accuracy = evaluation["eval_metrics"]["icl"]
    accuracy_17 = [accuracy[task] for task in _TASKS_17]
    c4 = _result(model, "/c4_val/")
    losses = {column: _result(model, part)["loss"] for column, part in _LOSSES.items()}
    return {
        "run_id": run_id,
        "group": model["dataset_name"],
        "model": Path(setting["model"]).name.removesuffix(".json"),
        "n_params": setting["params"],
        "n_params_no_embed": setting["params_no_embed"],
        "n_tokens": setting["tokens"],
        "flops": six_nd(setting["params"], setting["tokens"]),
        "loss": c4["loss"],
        "loss_lo95": c4["loss_tokens_lower_95"],
        "loss_hi95": c4["loss_tokens_upper_95"],
        **losses,
        "tokens_per_param": 20 * setting["chinchilla_multiplier"],
        "lr": setting["lr"],
        "batch_size": setting["global_bs"],
        "warmup_steps": setting["warmup"],
        "err_avg46": 1 - sum(accuracy.values()) / len(accuracy),
        "err_avg17": 1 - sum(accuracy_17) / len(accuracy_17),
        "acc_hellaswag": accuracy["hellaswag"],
        "acc_lambada": accuracy["lambada_openai"],
        "acc_arc_easy": accuracy["arc_easy"],
        "acc_piqa": accuracy["piqa"],
        "acc_mmlu": accuracy["mmlu"],
    }


def _read_json(path: Path) -> JsonObject:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _result(model: JsonObject, part: str) -> JsonObject:
    """Return the only result of a model whose validation files have this part in their path."""
    (result,) = [result for result in model["results"] if part in str(result["val_data"])]
    return dict(result)
