"""Forecasts of pass rates at 1,000 and 10,000 samples a problem from 100 of them.

The data are for the seven models of Brown et al. 2024. From each problem's 10,000 samples 100 are
drawn without replacement, twenty times. `bayescale.pass_at_k` and a straight line through
log(−log pass@k) against log k, k = 1 … 100, by least squares, forecast the pass rate of the same
problems; the true value is the unbiased estimate from all 10,000. The family and its priors were
chosen on four of the models, on jailbreaks of Hughes et al. 2024 (arXiv:2412.03556) forecast from
the first 60 samples of each behaviour, and on new samples of Schaeffer et al. 2025; the other three
models confirm the choice. For these three, errors of earlier families on one subsample, together
with the four, were known before the choice. Prints one table and writes
benchmarks/results/pass_at_k.json.

    BAYESCALE_DATA=... python benchmarks/pass_at_k.py
"""

import time
import warnings

import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale.decisions.repeated_sampling.pass_at_k import THESE, PassRates

RESULTS = record.RESULTS / "pass_at_k.json"
SUBSAMPLES = 20
SIZE = 100
DRAWS = 500
QUICK_DRAWS = 100
QUICK_MODELS = ("Pythia 70M", "Pythia 12B")
K = np.array([1_000, 10_000])
CHOSEN_ON = ("Pythia 70M", "Pythia 410M", "Pythia 2.8B", "Pythia 12B")


def all_counts() -> pd.DataFrame:
    """Return the counts of all samples."""
    table = bs.datasets.frame("schaeffer2025_monkeys")
    return table[table["source"] == "brown2024_original"]


def straight_line(n_correct: np.ndarray) -> np.ndarray:
    """Return forecasts at each of K by the line through log(−log pass@k)."""
    k = np.arange(1, SIZE + 1)
    pass_rate = bs.unbiased_pass_at_k(np.full(len(n_correct), SIZE), n_correct, k).mean(axis=0)
    slope, level = np.polyfit(np.log(k), np.log(-np.log(pass_rate)), 1)
    return np.asarray(np.exp(-np.exp(level + slope * np.log(K))))


def forecasts(counts: pd.DataFrame, seed: int, n_draws: int) -> list[JsonObject]:
    """Return one row for each model, k and way to forecast."""
    rows: list[JsonObject] = []
    table = counts[["model", "n_samples", "n_correct"]]
    result = bs.pass_at_k(table, K, method=bs.NUTS(draws=n_draws, seed=seed))
    frame = result.frame[result.frame["over"] == THESE]
    frame = frame[frame["quantity"] != "exponent"]
    wide = frame.pivot(index=["group", "k"], columns="quantity", values=["q05", "q50", "q95"])
    for (model, k), quantiles in wide.iterrows():
        row = {
            "subsample": seed,
            "way": "bayescale",
            "model": model,
            "k": int(k),
            "q05": quantiles["q05", "pass_rate"],
            "forecast": quantiles["q50", "pass_rate"],
            "q95": quantiles["q95", "pass_rate"],
            "solved_q05": quantiles["q05", "solved"],
            "solved_q95": quantiles["q95", "solved"],
            "sound": not _has_problem(result, str(model)),
        }
        rows.append(row)
    for model, of_model in counts.groupby("model"):
        line = straight_line(of_model["n_correct"].to_numpy())
        for k, forecast in zip(K, line, strict=True):
            row = {"subsample": seed, "way": "straight line", "model": model, "k": int(k)}
            rows.append(row | {"forecast": float(forecast)})
    return rows


def _has_problem(result: PassRates, model: str) -> bool:
    return any(str(problem).startswith(f"{model}:") for problem in result.problems)


def scores(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return root mean square error and bias of log pass@k, and coverage of 90 % intervals."""
    return table.groupby(by, sort=False).apply(_scores_of_group, include_groups=False)


def _scores_of_group(rows: pd.DataFrame) -> pd.Series:
    has_intervals = rows["q05"].notna().all()
    return pd.Series(
        {
            "rmse": np.sqrt((rows["log_error"] ** 2).mean()),
            "bias": rows["log_error"].mean(),
            "coverage90": rows["covered"].mean() if has_intervals else np.nan,
            "solved_coverage90": rows["solved_covered"].mean() if has_intervals else np.nan,
            "sound": rows["sound"].mean(),
        }
    )


def records(table: pd.DataFrame) -> list[JsonObject]:
    """Return rows for JSON, without missing values."""
    return [row.dropna().to_dict() for _, row in table.reset_index().astype(object).iterrows()]


def main() -> None:
    """Forecast, score, print, write."""
    arguments = record.parser(__doc__).parse_args()
    warnings.simplefilter("ignore")
    full = all_counts()
    subsamples, n_draws = SUBSAMPLES, DRAWS
    if arguments.quick:
        full = full[full["model"].isin(QUICK_MODELS)]
        subsamples, n_draws = 1, QUICK_DRAWS
    rng = np.random.default_rng(0)
    pass_rates = bs.unbiased_pass_at_k(full["n_samples"], full["n_correct"], K)
    by_model_and_k = pd.DataFrame(pass_rates, columns=K).groupby(full["model"].to_numpy())
    truth = by_model_and_k.mean().stack().rename("truth")
    rows: list[JsonObject] = []
    begun = time.perf_counter()
    for seed in range(subsamples):
        n_wrong = full["n_samples"] - full["n_correct"]
        n_correct = rng.hypergeometric(full["n_correct"], n_wrong, SIZE)
        rows += forecasts(full.assign(n_samples=SIZE, n_correct=n_correct), seed, n_draws)
        table = pd.DataFrame(rows).join(truth, on=["model", "k"])
        table["log_error"] = np.log(table["forecast"] / table["truth"])
        table["covered"] = table["truth"].between(table["q05"], table["q95"])
        table["solved_covered"] = table["truth"].between(table["solved_q05"], table["solved_q95"])
        print(f"subsample {seed + 1}: {time.perf_counter() - begun:.0f} s", flush=True)
        table["role"] = np.where(table["model"].isin(CHOSEN_ON), "chosen on", "confirms")
        over_all = scores(table, ["k", "way"])
        by_role = scores(table, ["role", "k", "way"])
        by_model = scores(table, ["model", "k", "way"])
        result = {
            "subsamples": seed + 1,
            "seconds": time.perf_counter() - begun,
            "scores": records(over_all),
            "roles": records(by_role),
            "models": records(by_model),
        }
        record.write(result, RESULTS, arguments, {})
    print(by_model.round(3).to_string())
    print(by_role.round(3).to_string())
    print(over_all.round(3).to_string())


if __name__ == "__main__":
    main()
