"""Zhang and Chen 2024: accuracy of o1-mini on AIME 2024 against the number of tokens used."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_QUESTIONS = 30


def read(originals: Mapping[str, Path]) -> pd.DataFrame:
    """Read the points: a group is one way to spend tokens.

    Trap: the file of majority votes repeats all single samples.
    """
    points = pd.read_json(originals["results_log_majority_vote.json"])
    single_samples = pd.read_json(originals["results_log_just_ask_nicely.json"])
    single = points["token_limit"].isin(single_samples["token_limit"])
    return pd.DataFrame(
        {
            "run_id": "o1-mini/limit" + points["token_limit"].astype(str),
            "group": single.map({True: "single_sample", False: "majority_vote"}),
            "model": "o1-mini",
            "token_limit": points["token_limit"],
            "tokens_used": points["avg_tokens_used"],
            "accuracy": points["accuracy"],
            "n_questions": _QUESTIONS,
        }
    )
