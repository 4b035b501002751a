"""Pass rates at 1,000 and 10,000 samples a problem from 100 of them, for the seven models of Brown
et al. 2024.

From each problem's 10,000 samples 100 are drawn without replacement, twenty times.
`bayescale.pass_at_k` and a straight line through log(−log pass@k) against log k, k = 1 … 100, by
least squares, forecast the pass rate of the same problems; the truth is the unbiased estimate from
all 10,000. The family and its priors were chosen on four of the models, on jailbreaks of Hughes et
al. 2024 (arXiv:2412.03556) forecast from the first 60 samples of each behaviour, and on samples
that Schaeffer et al. 2025 drew anew; the other three models confirm. Of those, errors on one
subsample of earlier families, with the four, were seen before the choice. Prints one table and
writes benchmarks/results/pass_at_k.json.

    BAYESCALE_DATA=... python benchmarks/pass_at_k.py
"""

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from alternatives import about, write

import bayescale as bs
from bayescale.decisions.repeated_sampling.pass_at_k import THESE

RESULTS = Path(__file__).parent / "results" / "pass_at_k.json"
SUBSAMPLES, SIZE, DRAWS = 20, 100, 500
K = np.array([1_000, 10_000])
CHOSEN_ON = ("Pythia 70M", "Pythia 410M", "Pythia 2.8B", "Pythia 12B")


def whole() -> pd.DataFrame:
    """The counts of all samples."""
    table = bs.datasets.frame("schaeffer2025_monkeys")
    return table[table["source"] == "brown2024_original"]


def straight_line(n_correct: np.ndarray) -> np.ndarray:
    """Forecasts at each of K, where the line through log(−log pass@k) goes."""
    k = np.arange(1, SIZE + 1)
    pass_rate = bs.unbiased_pass_at_k(np.full(len(n_correct), SIZE), n_correct, k).mean(axis=0)
    slope, level = np.polyfit(np.log(k), np.log(-np.log(pass_rate)), 1)
    return np.asarray(np.exp(-np.exp(level + slope * np.log(K))))


def forecasts(counts: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """One row for each model, k and way to forecast."""
    rows: list[dict[str, Any]] = []
    found = bs.pass_at_k(
        counts[["model", "n_samples", "n_correct"]], K, method=bs.NUTS(draws=DRAWS, seed=seed)
    )
    told = found.frame[(found.frame["over"] == THESE) & (found.frame["quantity"] != "exponent")]
    wide = told.pivot(index=["group", "k"], columns="quantity", values=["q05", "q50", "q95"])
    for (model, k), row in wide.iterrows():
        interval = {
            "q05": row["q05", "pass_rate"],
            "forecast": row["q50", "pass_rate"],
            "q95": row["q95", "pass_rate"],
        }
        interval |= {"solved_q05": row["q05", "solved"], "solved_q95": row["q95", "solved"]}
        sound = not any(str(problem).startswith(f"{model}:") for problem in found.problems)
        rows.append({"way": "bayescale", "model": model, "k": int(k), **interval, "sound": sound})
    for model, own in counts.groupby("model"):
        for k, forecast in zip(K, straight_line(own["n_correct"].to_numpy()), strict=True):
            rows.append(
                {"way": "straight line", "model": model, "k": int(k), "forecast": float(forecast)}
            )
    return [{"subsample": seed, **row} for row in rows]


def scores(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Root mean square and bias of log pass@k, and the shares of truths in 90 % intervals."""
    return table.groupby(by, sort=False).apply(
        lambda rows: pd.Series(
            {
                "rmse": np.sqrt((rows["log_error"] ** 2).mean()),
                "bias": rows["log_error"].mean(),
                "coverage90": rows["covered"].mean() if rows["q05"].notna().all() else np.nan,
                "solved_coverage90": rows["solved_covered"].mean()
                if rows["q05"].notna().all()
                else np.nan,
                "sound": rows["sound"].mean(),
            }
        ),
        include_groups=False,
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, without what is no number."""
    return [
        {name: value for name, value in row.items() if value == value}
        for row in table.reset_index().to_dict("records")
    ]


def main() -> None:
    warnings.simplefilter("ignore")
    full, rng = whole(), np.random.default_rng(0)
    every = bs.unbiased_pass_at_k(full["n_samples"], full["n_correct"], K)
    truth = (
        pd.DataFrame(every, columns=K)
        .groupby(full["model"].to_numpy())
        .mean()
        .stack()
        .rename("truth")
    )
    rows: list[dict[str, Any]] = []
    begun = time.perf_counter()
    for seed in range(SUBSAMPLES):
        drawn = rng.hypergeometric(full["n_correct"], full["n_samples"] - full["n_correct"], SIZE)
        rows += forecasts(full.assign(n_samples=SIZE, n_correct=drawn), seed)
        table = pd.DataFrame(rows).join(truth, on=["model", "k"])
        table["log_error"] = np.log(table["forecast"] / table["truth"])
        table["covered"] = table["truth"].between(table["q05"], table["q95"])
        table["solved_covered"] = table["truth"].between(table["solved_q05"], table["solved_q95"])
        print(f"subsample {seed + 1}: {time.perf_counter() - begun:.0f} s", flush=True)
        table["role"] = np.where(table["model"].isin(CHOSEN_ON), "chosen on", "confirms")
        whole_scores, by_role = scores(table, ["k", "way"]), scores(table, ["role", "k", "way"])
        by_model = scores(table, ["model", "k", "way"])
        write(
            RESULTS,
            {
                "about": about(),
                "subsamples": seed + 1,
                "seconds": time.perf_counter() - begun,
                "scores": records(whole_scores),
                "roles": records(by_role),
                "models": records(by_model),
            },
        )
    print(by_model.round(3).to_string())
    print(by_role.round(3).to_string())
    print(whole_scores.round(3).to_string())


if __name__ == "__main__":
    main()
