"""Diagnostics of draws and of scores by ArviZ: whether chains agree, and how to mix models.

No folder but this one imports ArviZ.
"""

import warnings
from collections.abc import Mapping
from inspect import signature
from typing import Any

import arviz_base
import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr

from bayescale.posterior.importance_weights import ESS_LIMIT
from bayescale.results import Complaint

_RHAT_LIMIT = 1.01


def convergence(params: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return R-hat, bulk and tail effective sample size of each parameter, by ArviZ.

    Parameters
    ----------
    params : mapping of arrays, shape (chain, draw)

    Returns
    -------
    DataFrame with columns ``rhat``, ``ess_bulk``, ``ess_tail``
    """
    draws = arviz_base.from_dict({"posterior": dict(params)})
    # A chain that never moved divides by its zero variance; the infinite R-hat that comes of it is
    # the right answer.
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "rhat": _scalars(arviz_stats.rhat(draws)),
                "ess_bulk": _scalars(arviz_stats.ess(draws, method="bulk")),
                "ess_tail": _scalars(arviz_stats.ess(draws, method="tail")),
            }
        )


def stacking_weights(log_scores: np.ndarray) -> np.ndarray:
    """Return the weights of models whose mixture predicts best, max over w of Σ_i log Σ_k w_k
    exp(score_ik), by ArviZ.

    Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using Stacking to Average Bayesian Predictive
    Distributions", 2018 (arXiv:1704.02030), equation 4.

    Parameters
    ----------
    log_scores : array, shape (runs, models)

    Returns
    -------
    array, shape (models,), not negative and of sum one
    """
    # A number added to all scores of a run changes no weight, and keeps their exponentials within
    # range.
    relative = log_scores - log_scores.max(axis=1, keepdims=True)
    unused: dict[str, Any] = {
        "se": 0.0,
        "p": 0.0,
        "n_samples": 1,
        "scale": "log",
        "warning": False,
        "good_k": np.inf,
    }
    # ArviZ before 1.0 asks for a kind and rounds nothing.
    if old := "kind" in signature(arviz_stats.ELPDData).parameters:
        unused["kind"] = "loo"
    whole = {} if old else {"round_to": "none"}
    models = {}
    for k, own in enumerate(relative.T):
        models[str(k)] = arviz_stats.ELPDData(
            elpd=own.sum(), elpd_i=xr.DataArray(own), n_data_points=len(own), **unused
        )
    # ArviZ warns that the best of many may be best by chance, which matters to those who choose
    # one, and pandas of ArviZ.
    with warnings.catch_warnings(action="ignore"):
        found = arviz_stats.compare(models, method="stacking", **whole)["weight"]
    weights = np.maximum(found[list(models)].to_numpy(dtype=np.float64), 0.0)
    return np.asarray(weights / weights.sum())


def judge(table: pd.DataFrame, divergences: int) -> tuple[dict[str, float], tuple[Complaint, ...]]:
    """Return the worst of the convergence table, and a complaint for each limit that it breaks.

    A. Vehtari et al., "Rank-Normalization, Folding, and Localization: An Improved R-hat", 2021, for
    the limits.

    Parameters
    ----------
    table : DataFrame
        From `convergence`.
    divergences : int
    """
    # A chain that never moved, or one too short to judge, has no R-hat and no effective draws.
    table = table.assign(
        rhat=table["rhat"].fillna(np.inf),
        ess_bulk=table["ess_bulk"].fillna(0),
        ess_tail=table["ess_tail"].fillna(0),
    )
    worst = {
        "rhat_max": float(table["rhat"].max()),
        "ess_bulk_min": float(table["ess_bulk"].min()),
        "ess_tail_min": float(table["ess_tail"].min()),
        "divergences": float(divergences),
    }
    found: list[Complaint] = []
    if not worst["rhat_max"] <= _RHAT_LIMIT:
        message = (
            f"R-hat of {table['rhat'].idxmax()} is {worst['rhat_max']:.3f}, above {_RHAT_LIMIT}: "
            f"the chains disagree. Use more warm-up (warmup=2000), or a law with fewer parameters."
        )
        found.append(Complaint("rhat", message, {"rhat_max": worst["rhat_max"]}))
    for kind in ("bulk", "tail"):
        column = f"ess_{kind}"
        least = worst[f"{column}_min"]
        if not least >= ESS_LIMIT:
            message = (
                f"The effective {kind} sample size of {table[column].idxmin()} is {least:.0f}, "
                f"below {ESS_LIMIT}: intervals are rough. Use more draws (draws=4000)."
            )
            found.append(Complaint(column, message, {f"{column}_min": least}))
    if divergences:
        message = (
            f"{divergences} divergent transitions: part of the posterior was not explored. "
            f"Use more warm-up (warmup=2000), a simpler law, or more runs."
        )
        found.append(Complaint("divergences", message, {"divergences": float(divergences)}))
    return worst, tuple(found)


def _scalars(found: xr.Dataset | xr.DataTree) -> pd.Series:
    if isinstance(found, xr.DataTree) and "posterior" in found.children:
        found = found.children["posterior"]
    return pd.Series({str(name): float(value) for name, value in found.data_vars.items()})
