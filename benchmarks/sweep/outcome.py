"""A comparison of the frontier runs with their forecasts.

It writes benchmarks/results/sweep_outcome.json.

    python benchmarks/sweep/outcome.py
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import rows
from collect import seed_noise
from forecast import FORECASTERS, JsonObject
from run import FORECAST, ROWS

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Model, about

OUTCOME = FORECAST.with_name("sweep_outcome.json")
FEWEST_SIZES = 3
REPLICATES = 4000


def losses(forecast: JsonObject, table: pd.DataFrame) -> pd.DataFrame:
    """Return the forecast, outcome and error for each forecaster and finished run.

    There is one row for each. A forecast applies to a size and length, whatever the seed.
    """
    frontier = table[table["role"] == "frontier"]
    comparisons = []
    for name in FORECASTERS:
        for run in forecast["frontier"]:
            quantiles = forecast[name]["runs"][run["run_id"]]
            same_size = frontier["n_params"] == run["n_params"]
            same_length = frontier["n_tokens"] == run["n_tokens"]
            for run_id, loss in frontier.loc[same_size & same_length, "loss"].items():
                row = {"forecaster": name, "run_id": run_id, "loss": loss}
                comparisons.append(row | quantiles | _errors(quantiles, loss))
    return pd.DataFrame(comparisons)


def _errors(quantiles: dict[str, float], loss: float) -> dict[str, float | bool]:
    """Return the error of the median, whether intervals cover the loss, and a width."""
    return {
        "error_per_cent": 100 * (quantiles["q50"] / loss - 1),
        "within_50": quantiles["q25"] <= loss <= quantiles["q75"],
        "within_90": quantiles["q05"] <= loss <= quantiles["q95"],
        "width_90_per_cent": 100 * (quantiles["q95"] / quantiles["q05"] - 1),
    }


def optima(forecast: JsonObject, table: pd.DataFrame) -> pd.DataFrame:
    """Return the best N of each budget by a parabola in log N, beside the forecasts.

    The parabola's 90 % interval represents other seeds, by the spread between the seeds of the base
    runs. Parabolas that open downwards have no best N; their value is infinite or zero, depending
    on the sign of the slope.
    """
    comparisons = []
    frontier = table[table["role"] == "frontier"]
    noise = np.sqrt((seed_noise(table[table["role"] == "base"]) ** 2).mean()) / 100
    rng = np.random.default_rng(0)
    for budget, part in frontier.groupby("budget"):
        log_n = np.log(part["n_params"])
        if log_n.nunique() < FEWEST_SIZES:
            continue
        log_loss = np.log(part["loss"].to_numpy())
        errors = noise * rng.standard_normal((len(part), REPLICATES))
        best = vertex(log_n, np.column_stack([log_loss, log_loss[:, None] + errors]))
        low, high = np.quantile(best[1:], [0.05, 0.95], method="nearest")
        row = {
            "compute": budget,
            "n_runs": len(part),
            "n_params": float(best[0]),
            "q05": float(low),
            "q95": float(high),
        }
        for name in FORECASTERS:
            optimum = pd.DataFrame(forecast[name]["optimum"])
            sizes = optimum[optimum["quantity"] == "n_params"]
            size = _at_budget(sizes, budget)
            for quantile in ("q05", "q50", "q95"):
                row[f"{name}_{quantile}"] = size[quantile]
        parabolas = pd.DataFrame(forecast["approach_2"]["optimum"])
        row["approach_2"] = _at_budget(parabolas, budget)["n_params"]
        comparisons.append(row)
    return pd.DataFrame(comparisons)


def _at_budget(table: pd.DataFrame, budget: float) -> pd.Series:
    """Return the only row of a table at a budget."""
    return table[np.isclose(table["compute"], budget)].squeeze(axis=0)


def vertex(log_n: pd.Series | np.ndarray, log_loss: np.ndarray) -> np.ndarray:
    """Return the N of least loss by a parabola through each column, shape (columns,)."""
    centre = float(np.mean(log_n))
    c2, c1, _ = np.polyfit(log_n - centre, log_loss, 2)
    minimum = np.exp(centre - c1 / (2 * c2))
    end = np.where(c1 > 0, 0.0, np.inf)
    return np.asarray(np.where(c2 > 0, minimum, end))


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    forecast = json.loads(FORECAST.read_text(encoding="utf-8"))
    table = rows.read(options.rows)
    by_run = losses(forecast, table)
    by_budget = optima(forecast, table)
    if by_run.empty:
        sys.exit("There are no frontier runs yet.")
    print(by_run.to_string(index=False, float_format="{:.4f}".format))
    print(by_budget.to_string(index=False, float_format="{:.4g}".format))
    outcome = {
        "about": about({"default": Model()}, quick=False),
        "forecast_date": forecast["about"]["date"],
        "forecast_runs": len(forecast["frontier"]),
        "runs": by_run.to_dict("records"),
        "optima": by_budget.to_dict("records"),
    }
    OUTCOME.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
