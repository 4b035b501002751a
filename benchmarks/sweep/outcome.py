"""The frontier runs beside what was forecast of them; writes benchmarks/results/sweep_outcome.json.

python benchmarks/sweep/outcome.py
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rows
from collect import seed_noise
from forecast import FORECASTERS
from run import FORECAST, ROWS

sys.path.insert(0, str(Path(__file__).parents[1]))
from alternatives import about

OUTCOME = FORECAST.with_name("sweep_outcome.json")
FEWEST_SIZES, REPLICATES = 3, 4000


def losses(forecast: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """One row for each forecaster and finished run: forecast, outcome, error and whether intervals
    hold it.

    A forecast is of a run of a size and length, whatever its seed.
    """
    frontier = table[table["role"] == "frontier"]
    found = []
    for name in FORECASTERS:
        for told in forecast["frontier"]:
            quantiles = forecast[name]["runs"][told["run_id"]]
            made = frontier[
                (frontier["n_params"] == told["n_params"])
                & (frontier["n_tokens"] == told["n_tokens"])
            ]
            found.extend(
                {
                    "forecaster": name,
                    "run_id": run_id,
                    "loss": loss,
                    **quantiles,
                    "error_per_cent": 100 * (quantiles["q50"] / loss - 1),
                    "within_50": quantiles["q25"] <= loss <= quantiles["q75"],
                    "within_90": quantiles["q05"] <= loss <= quantiles["q95"],
                    "width_90_per_cent": 100 * (quantiles["q95"] / quantiles["q05"] - 1),
                }
                for run_id, loss in made["loss"].items()
            )
    return pd.DataFrame(found)


def optima(forecast: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """Where the finished runs of a budget put the best N, by a parabola in log N, beside what each
    forecaster said.

    The parabola's 90 % interval is of what it would be with other seeds, by the spread between
    those of the base runs; ends of parabolas that open downwards, which have no best N, are
    infinite or zero as their slope says.
    """
    found = []
    frontier = table[table["role"] == "frontier"]
    noise = np.sqrt((seed_noise(table[table["role"] == "base"]) ** 2).mean()) / 100
    rng = np.random.default_rng(0)
    for budget, part in frontier.groupby("budget"):
        log_n = np.log(part["n_params"])
        if log_n.nunique() < FEWEST_SIZES:
            continue
        other_seeds = np.log(part["loss"].to_numpy())[:, None] + noise * rng.standard_normal(
            (len(part), REPLICATES)
        )
        best = vertex(log_n, np.column_stack([np.log(part["loss"]), other_seeds]))
        low, high = np.quantile(best[1:], [0.05, 0.95], method="nearest")
        row = {
            "compute": budget,
            "n_runs": len(part),
            "n_params": float(best[0]),
            "q05": float(low),
            "q95": float(high),
        }
        for name in FORECASTERS:
            (said,) = [
                entry
                for entry in forecast[name]["optimum"]
                if entry["quantity"] == "n_params" and np.isclose(entry["compute"], budget)
            ]
            row |= {f"{name}_{quantile}": said[quantile] for quantile in ("q05", "q50", "q95")}
        (said,) = [
            entry
            for entry in forecast["approach_2"]["optimum"]
            if np.isclose(entry["compute"], budget)
        ]
        found.append(row | {"approach_2": said["n_params"]})
    return pd.DataFrame(found)


def vertex(log_n: Any, log_loss: np.ndarray) -> np.ndarray:
    """The N of least loss by a parabola through each column, shape (columns,)."""
    centre = float(np.mean(log_n))
    c2, c1, _ = np.polyfit(log_n - centre, log_loss, 2)
    return np.asarray(
        np.where(c2 > 0, np.exp(centre - c1 / (2 * c2)), np.where(c1 > 0, 0.0, np.inf))
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    forecast = json.loads(FORECAST.read_text(encoding="utf-8"))
    table = rows.read(options.rows)
    by_run, by_budget = losses(forecast, table), optima(forecast, table)
    if by_run.empty:
        sys.exit("No frontier run has been made yet.")
    print(by_run.to_string(index=False, float_format="{:.4f}".format))
    print(by_budget.to_string(index=False, float_format="{:.4g}".format))
    outcome = {
        "about": about(),
        "forecast_date": forecast["about"]["date"],
        "forecast_runs": len(forecast["frontier"]),
        "runs": by_run.to_dict("records"),
        "optima": by_budget.to_dict("records"),
    }
    OUTCOME.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
