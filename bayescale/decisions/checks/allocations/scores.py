"""Scores of forecast optima against the budgets' own, in decades of N and in nats."""

import numpy as np
import pandas as pd

from bayescale.decisions.checks.scores import crps
from bayescale.units import QUANTILES_AND_QUARTILES, quantiles

INTERVALS = {50: ("q25", "q75"), 90: ("q05", "q95")}

_FEWEST_DRAWS = 4000


def size_scores(log_n_params: np.ndarray, truth: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Score draws of the optimum at each hidden budget.

    The truth has an error of its own. Coverage and CRPS are of the draws with that error added;
    quantiles and width are of the draws alone.

    Parameters
    ----------
    log_n_params : array, shape (draws, budgets)
        log10 of parameters.
    truth : DataFrame, one row per budget
        ``log_n_params``, ``se``, ``loss`` and ``curvature``, as `optima` of `truth` gives them.
    seed : int
        Of the truth's error.

    Returns
    -------
    DataFrame, one row per budget
        Quantiles ``q05`` … ``q95`` of the optimum, parameters; ``width`` of the central 90 %
        interval, ``error`` of the median and ``crps``, in decades of N; ``covered50`` and
        ``covered90``; and ``regret``, nats: what training the median size costs on a parabola with
        the budget's own minimum and curvature.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> known = {"log_n_params": [9.0], "se": [0.0], "loss": [2.0], "curvature": [0.2]}
    >>> draws = np.linspace(9.0, 9.2, 201)[:, None]
    >>> found = size_scores(draws, pd.DataFrame(known))
    >>> found[["width", "error", "covered90", "regret"]].round(4).to_numpy().tolist()
    [[0.18, 0.1, False, 0.002]]
    """
    at = truth["log_n_params"].to_numpy()
    quantile = quantiles(log_n_params, QUANTILES_AND_QUARTILES)
    error = quantile["q50"] - at
    table = pd.DataFrame({name: 10**values for name, values in quantile.items()})
    table["width"] = quantile["q95"] - quantile["q05"]
    table["error"] = error
    judged = _with_error_of_the_truth(log_n_params, truth["se"].to_numpy(), seed)
    table["crps"] = crps(judged, at)
    judged_quantile = quantiles(judged, QUANTILES_AND_QUARTILES)
    for share, (low, high) in INTERVALS.items():
        table[f"covered{share}"] = (judged_quantile[low] <= at) & (at <= judged_quantile[high])
    log_regret = truth["curvature"].to_numpy() * error**2 / 2
    table["regret"] = truth["loss"].to_numpy() * np.expm1(log_regret)
    return table


def _with_error_of_the_truth(draws: np.ndarray, se: np.ndarray, seed: int) -> np.ndarray:
    """Return each draw several times, with as many errors of the truth."""
    times = -(-_FEWEST_DRAWS // len(draws))
    repeated = np.repeat(draws, times, axis=0)
    return repeated + se * np.random.default_rng(seed).standard_normal(repeated.shape)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the mean scores of each model over the hidden budgets.

    Parameters
    ----------
    frame : DataFrame, one row per cut, hidden budget and model
        As `AllocationBacktest.frame`.

    Returns
    -------
    DataFrame, one row per model
        As `AllocationBacktest.summary` says.
    """
    rows = {}
    for model, budgets in frame.groupby("model", sort=False):
        rows[model] = {
            "coverage50": budgets["covered50"].mean(),
            "coverage90": budgets["covered90"].mean(),
            "width": budgets["width"].mean(),
            "bias": budgets["error"].mean(),
            "error": budgets["error"].abs().mean(),
            "crps": budgets["crps"].mean(),
            "regret": budgets["regret"].mean(),
            "n_budgets": len(budgets),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="model")
    return table.astype({"n_budgets": int})
