"""Scores of draws against losses that are known by now, in log loss."""

import numpy as np
import pandas as pd
from scipy.stats import kstest

from bayescale.units import QUANTILES_TO_SCORE, quantiles

INTERVALS = {50: ("q25", "q75"), 80: ("q10", "q90"), 90: ("q05", "q95"), 95: ("q025", "q975")}


def crps(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score, E|X − y| − E|X − X'|/2, of the draws' own distribution.

    T. Gneiting and A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    2007, equation 21.

    Parameters
    ----------
    draws : array, shape (draws, runs)
    observed : array, shape (runs,)

    Returns
    -------
    array, shape (runs,), in the unit of the draws; smaller is better

    Examples
    --------
    >>> import numpy as np
    >>> crps(np.array([[0.0], [1.0]]), np.array([0.5]))
    array([0.25])
    """
    ordered = np.sort(draws, axis=0)
    count = len(ordered)
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2
    return np.asarray(np.abs(ordered - observed).mean(axis=0) - weights @ ordered)


def run_scores(log_draws: np.ndarray, log_loss: np.ndarray) -> pd.DataFrame:
    """Quantiles and scores of each forecast run.

    Parameters
    ----------
    log_draws : array, shape (draws, runs)
        Of the predictive distribution of log loss.
    log_loss : array, shape (runs,)

    Returns
    -------
    DataFrame, one row per run
        Quantiles ``q025`` … ``q975`` in loss; ``pit``, the share of the draws below the observed
        loss; ``crps`` in log loss; and ``covered50`` … ``covered95``, whether the central interval
        of that share holds it.

    Examples
    --------
    >>> import numpy as np
    >>> found = run_scores(np.linspace(-1, 1, 200)[:, None], np.array([0.7]))
    >>> found["pit"].tolist(), found["covered50"].tolist(), found["covered90"].tolist()
    ([0.85], [False], [True])
    """
    quantile = quantiles(log_draws, QUANTILES_TO_SCORE)
    table = pd.DataFrame(quantile).apply(np.exp)
    table["pit"] = (log_draws < log_loss).mean(axis=0)
    table["crps"] = crps(log_draws, log_loss)
    for share, (low, high) in INTERVALS.items():
        table[f"covered{share}"] = (quantile[low] <= log_loss) & (log_loss <= quantile[high])
    return table


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the mean scores of each model over its runs.

    Parameters
    ----------
    frame : DataFrame, one row per hidden run and model
        As `Backtest.frame`.

    Returns
    -------
    DataFrame, one row per model
        As `Backtest.summary` says.
    """
    rows = {}
    for model, runs in frame.groupby("model", sort=False):
        error = np.log(runs["q50"] / runs["loss"])
        rows[model] = {
            **{f"coverage{share}": runs[f"covered{share}"].mean() for share in INTERVALS},
            "crps": runs["crps"].mean(),
            "log_score": runs["log_score"].mean(),
            "rmsle": np.sqrt((error**2).mean()),
            "bias": error.mean(),
            "pit_distance": kstest(runs["pit"], "uniform").statistic,
            "n_train": round(runs.groupby("fold")["n_train"].first().mean()),
            "n_test": len(runs),
        }
    table = pd.DataFrame(rows).T.rename_axis(index="model")
    return table.astype({"n_train": int, "n_test": int})
