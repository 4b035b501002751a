"""Forecasts of the frontier runs from the base runs, committed before the frontier runs start.

The default fit, today's practice (Huber, bootstrap) and Approach 2 each use only the base runs, and
estimate the best size at each larger budget; the first two forecast quantiles of every frontier
run's loss. Writes benchmarks/results/sweep_forecast.json, and refuses if a frontier run exists.

    python benchmarks/sweep/collect.py && python benchmarks/sweep/forecast.py
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import plan
import rows
from collect import NAME
from run import FORECAST, ROWS

import bayescale as bs
from bayescale.decisions.checks.forecasters import Fitted, Forecaster, HuberBootstrap
from bayescale.posterior.posterior import Posterior
from bayescale.units import summarise

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Model, about

JsonObject: TypeAlias = dict[str, Any]

FORECASTERS: dict[str, Forecaster] = {
    "default": Fitted(),
    "huber_bootstrap": HuberBootstrap(replicates=1000),
}
QUANTILES = {
    "q025": 0.025,
    "q05": 0.05,
    "q25": 0.25,
    "q50": 0.5,
    "q75": 0.75,
    "q95": 0.95,
    "q975": 0.975,
}


def requested() -> pd.DataFrame:
    """Return each size and length of the frontier, with the name of its first seed."""
    rows_of_runs = []
    for task in plan.frontier():
        if task.seed == plan.SEEDS[0]:
            row = {
                "run_id": task.name,
                "group": f"C{task.budget:.1e}",
                "n_params": task.shape.n_params,
                "n_tokens": task.n_bytes,
                "budget": task.budget,
            }
            rows_of_runs.append(row)
    return pd.DataFrame(rows_of_runs)


def forecast_by(forecaster: Forecaster, runs: bs.Runs, new: pd.DataFrame) -> JsonObject:
    """Return quantiles of each new run's loss, of a in N* ∝ C^a, and of the best sizes."""
    # A table of runs needs a loss; forecasters use it only for the density, which is not needed.
    test = bs.Runs.from_frame(new.assign(loss=1.0), name="frontier")
    prediction = forecaster.predict(runs, test)
    losses = np.exp(np.quantile(prediction.log_draws, list(QUANTILES.values()), axis=0))
    posterior = prediction.posterior
    plans = bs.allocate(posterior, np.unique(new["budget"])).frame
    optima = plans[plans["quantity"].isin(["n_params", "n_tokens", "loss"])]
    by_run = pd.DataFrame(losses, index=list(QUANTILES), columns=test.frame.index)
    return {
        "model": prediction.model,
        "exponent_of_params": summarise(exponent(posterior)),
        "constants": {name: summarise(values) for name, values in posterior.constants.items()},
        "optimum": optima.drop(columns="unit").to_dict("records"),
        "runs": by_run.to_dict(),
    }


def exponent(posterior: Posterior) -> np.ndarray:
    """Return a = β/(α + β) of each draw."""
    alpha = posterior.draws("alpha")
    beta = posterior.draws("beta")
    return np.asarray(beta / (alpha + beta))


def approach_2(runs: bs.Runs, budgets: np.ndarray) -> JsonObject:
    """Return the minima of the parabolas, their power law, and its sizes at the larger budgets."""
    fit = bs.isoflop(runs)
    return {
        "exponent_of_params": fit.exponent_of_params,
        "parabolas": fit.frame.to_dict("records"),
        "optimum": fit.allocate(budgets).to_dict("records"),
    }


def main() -> None:
    """Forecast, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    if (rows.read(options.rows)["role"] == "frontier").any():
        sys.exit("Frontier runs exist already, so this would not be a forecast.")
    new = requested()
    runs = bs.datasets.load(NAME)
    (original,) = bs.datasets.fetch(NAME)
    data_hashes = {
        "data_sha256": runs.sha256,
        "file_sha256": hashlib.sha256(original.read_bytes()).hexdigest(),
    }
    forecast: JsonObject = {
        "about": about({"default": Model()}, quick=False) | data_hashes,
        "n_runs": len(runs),
        "frontier": new.to_dict("records"),
    }
    for name, forecaster in FORECASTERS.items():
        forecast[name] = forecast_by(forecaster, runs, new)
    forecast["approach_2"] = approach_2(runs, np.unique(new["budget"]))
    FORECAST.write_text(json.dumps(forecast, indent=1) + "\n", encoding="utf-8")
    for name in FORECASTERS:
        losses = pd.DataFrame(forecast[name]["runs"]).T
        print(name, losses.to_string(float_format="{:.4f}".format), sep="\n")
        print(_optima(forecast[name]))
    print("approach 2", _optima(forecast["approach_2"]), sep="\n")


def _optima(forecast: JsonObject) -> str:
    return pd.DataFrame(forecast["optimum"]).to_string(float_format="{:.4g}".format)


if __name__ == "__main__":
    main()
