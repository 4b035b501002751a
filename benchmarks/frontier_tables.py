"""Tables from the cells of the frontier.

Each family has one vote; CRPS is a ratio to today's practice; a table selects the model for each
family on the other families.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from record import JsonObject

BASELINE = "huber"
LARGE_SET = 10
# A large set is reported if 90 % intervals cover a smaller share of its hidden runs.
LOW = 0.7
DECADES = {
    "0 – 0.5": (-np.inf, 0.5),
    "0.5 – 1": (0.5, 1.0),
    "1 – 1.5": (1.0, 1.5),
    "> 1.5": (1.5, np.inf),
}


def sets(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return coverage, CRPS, and the log ratio of CRPS to today's practice.

    There is one row for each model, set and split.
    """
    rows = []
    for cell in cells:
        runs = cell["runs"]
        row = {
            "model": cell["model"],
            "family": cell["family"],
            "set": cell["set"],
            "split": cell["split"],
            "n_test": len(runs["crps"]),
            "covered50": float(np.mean(runs["covered50"])),
            "covered90": float(np.mean(runs["covered90"])),
            "crps": float(np.mean(runs["crps"])),
            "problems": len(cell["problems"]),
            "low_by_chance": cell["low_by_chance"],
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    baseline = table[table["model"] == BASELINE].set_index(["set", "split"])["crps"]
    keys = pd.MultiIndex.from_frame(table[["set", "split"]])
    ratio = table["crps"].to_numpy() / baseline.reindex(keys).to_numpy()
    return table.assign(log_ratio=np.log(ratio))


def families(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the sets of each family, indexed by split, model and family."""
    columns = ["covered50", "covered90", "log_ratio"]
    return table.groupby(["split", "model", "family"], sort=False)[columns].mean()


def frontier(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each split and model; each family has one vote."""
    rows = []
    for (split, model), votes in families(table).groupby(["split", "model"], sort=False):
        votes = votes.droplevel(["split", "model"])
        sets_of_model = table[(table["split"] == split) & (table["model"] == model)]
        large = sets_of_model[sets_of_model["n_test"] >= LARGE_SET].sort_values("covered90")
        rows.append(
            {
                "split": split,
                "model": model,
                "coverage50": votes["covered50"].mean(),
                "coverage90": votes["covered90"].mean(),
                "crps_ratio": np.exp(votes["log_ratio"].mean()),
                "worst_family": votes["log_ratio"].idxmax(),
                "worst_ratio": np.exp(votes["log_ratio"].max()),
                "least_family": votes["covered90"].idxmin(),
                "least_coverage90": votes["covered90"].min(),
                "least_large_set": large["set"].iloc[0] if len(large) else "",
                "least_large_coverage90": large["covered90"].iloc[0] if len(large) else np.nan,
                "low_sets": int((large["covered90"] < LOW).sum()),
                "low_sets_by_chance": large["low_by_chance"].sum(),
                "families": len(votes),
                "sets": len(sets_of_model),
                "doubtful": int((sets_of_model["problems"] > 0).sum()),
            }
        )
    return pd.DataFrame(rows)


def left_out(table: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each family by the model that is best on the other families.

    The best model is chosen over all splits. A row for each split and family has ``model``,
    ``covered50``, ``covered90`` and ``log_ratio``. Candidates are the models that have every set,
    without today's practice.
    """
    n_sets = table.groupby("model").size()
    candidates = set(n_sets[n_sets == n_sets.max()].index) - {BASELINE}
    votes = families(table[table["model"].isin(candidates)])
    rows = []
    for family in votes.index.unique("family"):
        others = votes[votes.index.get_level_values("family") != family]["log_ratio"]
        # Splits have equal weight, although one has fewer families.
        means = others.groupby(["model", "split"]).mean().groupby("model").mean()
        if means.empty:
            continue
        best = means.idxmin()
        for split in votes.index.unique("split"):
            if (split, best, family) in votes.index:
                row = {"split": split, "family": family, "model": best}
                rows.append(row | votes.loc[(split, best, family)].to_dict())
    return pd.DataFrame(rows)


def by_decades(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return coverage by the distance of hidden runs beyond the largest fitted compute.

    Each family has one vote; both splits are combined.
    """
    tables = []
    for cell in cells:
        scores = pd.DataFrame(cell["runs"])[["decades", "covered50", "covered90"]]
        labelled = scores.assign(
            model=cell["model"], family=cell["family"], set=cell["set"], split=cell["split"]
        )
        tables.append(labelled)
    runs = pd.concat(tables)
    rows = []
    for label, (low, high) in DECADES.items():
        inside = runs[(runs["decades"] > low) & (runs["decades"] <= high)]
        for model, of_model in inside.groupby("model", sort=False):
            by_set = of_model.groupby(["family", "set", "split"])[["covered50", "covered90"]].mean()
            votes = by_set.groupby("family").mean()
            rows.append(
                {
                    "decades": label,
                    "model": model,
                    "coverage50": votes["covered50"].mean(),
                    "coverage90": votes["covered90"].mean(),
                    "families": len(votes),
                    "runs": len(of_model),
                }
            )
    return pd.DataFrame(rows)


def worlds(table: pd.DataFrame) -> pd.DataFrame:
    """Return coverage over the sweeps and the geometric mean ratio of CRPS.

    There is one row for each world and model.
    """
    result = table.groupby(["family", "model"], sort=False).agg(
        coverage50=("covered50", "mean"),
        coverage90=("covered90", "mean"),
        crps_ratio=("log_ratio", "mean"),
        sweeps=("set", "size"),
    )
    result["crps_ratio"] = np.exp(result["crps_ratio"])
    return result.rename_axis(index=["world", "model"]).reset_index()
