"""Do several models together forecast better than one? An answer from the cells of the frontier.

A set of the panel is cut twice, and one cut hides runs that are fitted at the other. Densities of
these runs under the fits to fewer runs give the weights of stacking, as `bs.stack(by="future")`
finds them; the mixture of the fits to more runs is scored on what stays hidden. No model is fitted
for it. The score is mean log density: cells keep no draws, so the CRPS of a mixture is not known.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from frontier_panel import BEYOND, DEAREST
from record import JsonObject
from scipy.special import logsumexp

from bayescale.posterior.diagnostics import stacking_weights

_FEWEST_RUNS = 3


def stacked(cells: Sequence[JsonObject], single: str = "default") -> pd.DataFrame:
    """Return what pools of models gain over a single model, one row per set that is cut twice.

    Parameters
    ----------
    cells : sequence of dict
        Of at least two models with densities, and both splits of a set.
    single : str
        Name of the single model.

    Returns
    -------
    DataFrame
        ``family``, ``set``; ``n_weighed`` and ``n_test``, runs that give the weights and runs that
        are scored; ``weight`` of the single model; ``gain``, mean log density of the stack less
        that of the single model, nats per run; ``gain_equal``, that of equal weights.
    """
    rows = []
    for (family, name), of_set in _by_set(cells).items():
        scores = [_log_scores(of_set, split) for split in (DEAREST, BEYOND)]
        fewer, more = sorted(scores, key=lambda table: table.attrs["n_train"])
        models = [model for model in fewer.columns if model in more]
        weighed = fewer.loc[fewer.index.difference(more.index), models].dropna()
        if len(models) < 2 or single not in models or len(weighed) < _FEWEST_RUNS:
            continue
        weights = np.asarray(stacking_weights(weighed.to_numpy()))
        test = more[models].dropna()
        alone = test[single].to_numpy()
        equal = np.full(len(models), 1 / len(models))
        rows.append(
            {
                "family": family,
                "set": name,
                "n_weighed": len(weighed),
                "n_test": len(test),
                "weight": weights[models.index(single)],
                "gain": float((_mixture(test, weights) - alone).mean()),
                "gain_equal": float((_mixture(test, equal) - alone).mean()),
            }
        )
    return pd.DataFrame(rows)


def _by_set(cells: Sequence[JsonObject]) -> dict[tuple[str, str], list[JsonObject]]:
    found: dict[tuple[str, str], list[JsonObject]] = {}
    for cell in cells:
        if cell["split"] in (DEAREST, BEYOND) and cell["runs"]:
            found.setdefault((cell["family"], cell["set"]), []).append(cell)
    return found


def _log_scores(cells: Sequence[JsonObject], split: str) -> pd.DataFrame:
    """Return log densities of the hidden runs, one column per model that has them."""
    columns, n_train = {}, 0
    for cell in cells:
        runs = cell["runs"]
        scores = pd.Series(runs["log_score"], index=runs["run_id"], dtype=float)
        if cell["split"] == split and scores.notna().any():
            columns[cell["model"]] = scores
            n_train = cell["n_train"]
    table = pd.DataFrame(columns)
    table.attrs["n_train"] = n_train
    return table


def _mixture(log_scores: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    return np.asarray(logsumexp(log_scores.to_numpy(), b=weights, axis=1))
