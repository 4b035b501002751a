"""What the finished runs say of runs that do not exist yet: written, and committed, before these
are started.

The default fit, today's practice (Huber, bootstrap) and Approach 2 each see the base runs alone,
and tell the best size at each dearer budget; the first two tell every frontier run's loss, in
quantiles. Writes benchmarks/results/sweep_forecast.json, and refuses where a frontier run has been
made.

    python benchmarks/sweep/collect.py && python benchmarks/sweep/forecast.py
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

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
from alternatives import about

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


def wanted() -> pd.DataFrame:
    """Each size and length of the frontier, by the name of its first seed: name, N, D and budget."""
    return pd.DataFrame(
        {
            "run_id": task.name,
            "group": f"C{task.budget:.1e}",
            "n_params": task.shape.n_params,
            "n_tokens": task.n_bytes,
            "budget": task.budget,
        }
        for task in plan.frontier()
        if task.seed == plan.SEEDS[0]
    )


def told(forecaster: Forecaster, runs: bs.Runs, new: pd.DataFrame) -> dict[str, Any]:
    """Quantiles of each new run's loss, of a in N* ∝ C^a, and of the best size at each budget."""
    # A loss must be there to make a table of runs; forecasters use it for the density alone, which
    # is not asked for.
    test = bs.Runs.from_frame(new.assign(loss=1.0), name="frontier")
    prediction = forecaster.predict(runs, test)
    losses = np.exp(np.quantile(prediction.log_draws, list(QUANTILES.values()), axis=0))
    posterior = prediction.posterior
    plans = bs.allocate(posterior, np.unique(new["budget"])).frame
    return {
        "model": prediction.model,
        "exponent_of_params": summarise(exponent(posterior)),
        "constants": {name: summarise(values) for name, values in posterior.constants.items()},
        "optimum": plans[plans["quantity"].isin(["n_params", "n_tokens", "loss"])]
        .drop(columns="unit")
        .to_dict("records"),
        "runs": {
            run_id: dict(zip(QUANTILES, map(float, column), strict=True))
            for run_id, column in zip(test.frame.index, losses.T, strict=True)
        },
    }


def exponent(posterior: Posterior) -> np.ndarray:
    """a = β/(α + β) of each draw."""
    alpha, beta = (posterior.draws(name) for name in ("alpha", "beta"))
    return np.asarray(beta / (alpha + beta))


def approach_2(runs: bs.Runs, budgets: np.ndarray) -> dict[str, Any]:
    """The parabolas' minima, their power law, and what it gives at the dearer budgets."""
    found = bs.isoflop(runs)
    return {
        "exponent_of_params": found.exponent_of_params,
        "parabolas": found.frame.to_dict("records"),
        "optimum": found.allocate(budgets).to_dict("records"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    if (rows.read(options.rows)["role"] == "frontier").any():
        sys.exit("There are frontier runs already; a forecast of them is none.")
    new = wanted()
    runs = bs.datasets.load(NAME)
    (original,) = bs.datasets.fetch(NAME)
    forecast = {
        "about": about()
        | {
            "data_sha256": runs.sha256,
            "file_sha256": hashlib.sha256(original.read_bytes()).hexdigest(),
        },
        "n_runs": len(runs),
        "frontier": new.to_dict("records"),
        **{name: told(forecaster, runs, new) for name, forecaster in FORECASTERS.items()},
        "approach_2": approach_2(runs, np.unique(new["budget"])),
    }
    FORECAST.write_text(json.dumps(forecast, indent=1) + "\n", encoding="utf-8")
    for name in FORECASTERS:
        print(
            name,
            pd.DataFrame(forecast[name]["runs"]).T.to_string(float_format="{:.4f}".format),
            sep="\n",
        )
        print(pd.DataFrame(forecast[name]["optimum"]).to_string(float_format="{:.4g}".format))
    print(
        "approach 2",
        pd.DataFrame(forecast["approach_2"]["optimum"]).to_string(float_format="{:.4g}".format),
        sep="\n",
    )


if __name__ == "__main__":
    main()
