"""What the cells of the frontier come to: one vote a family, ratios to today's practice, selection
that left a family out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

BASELINE = "huber"
LARGE_SET = 10
# A large set of whose hidden runs 90 % intervals hold a smaller share is worth naming.
LOW = 0.7
DECADES = {
    "0 – 0.5": (-np.inf, 0.5),
    "0.5 – 1": (0.5, 1.0),
    "1 – 1.5": (1.0, 1.5),
    "> 1.5": (1.5, np.inf),
}


def sets(cells: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A row for each model, set and split: coverage, CRPS, and the log ratio of CRPS to today's
    practice.
    """
    rows = []
    for cell in cells:
        runs = cell["runs"]
        rows.append(
            {
                **{key: cell[key] for key in ("model", "family", "set", "split")},
                "n_test": len(runs["crps"]),
                **{name: float(np.mean(runs[name])) for name in ("covered50", "covered90", "crps")},
                "problems": len(cell["problems"]),
                "low_by_chance": cell["low_by_chance"],
            }
        )
    table = pd.DataFrame(rows)
    todays = table[table["model"] == BASELINE].set_index(["set", "split"])["crps"]
    keys = pd.MultiIndex.from_frame(table[["set", "split"]])
    return table.assign(
        log_ratio=np.log(table["crps"].to_numpy() / todays.reindex(keys).to_numpy())
    )


def families(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over the sets of a family, indexed by split, model and family."""
    columns = ["covered50", "covered90", "log_ratio"]
    return table.groupby(["split", "model", "family"], sort=False)[columns].mean()


def frontier(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each split and model, families having one vote each."""
    rows = []
    for (split, model), votes in families(table).groupby(["split", "model"], sort=False):
        votes = votes.droplevel(["split", "model"])
        mine = table[(table["split"] == split) & (table["model"] == model)]
        large = mine[mine["n_test"] >= LARGE_SET].sort_values("covered90")
        worst, least = votes["log_ratio"].idxmax(), votes["covered90"].idxmin()
        rows.append(
            {
                "split": split,
                "model": model,
                "coverage50": votes["covered50"].mean(),
                "coverage90": votes["covered90"].mean(),
                "crps_ratio": np.exp(votes["log_ratio"].mean()),
                "worst_family": worst,
                "worst_ratio": np.exp(votes["log_ratio"].max()),
                "least_family": least,
                "least_coverage90": votes["covered90"].min(),
                "least_large_set": large["set"].iloc[0] if len(large) else "",
                "least_large_coverage90": large["covered90"].iloc[0] if len(large) else np.nan,
                "low_sets": int((large["covered90"] < LOW).sum()),
                "low_sets_by_chance": large["low_by_chance"].sum(),
                "families": len(votes),
                "sets": len(mine),
                "doubtful": int((mine["problems"] > 0).sum()),
            }
        )
    return pd.DataFrame(rows)


def left_out(table: pd.DataFrame) -> pd.DataFrame:
    """For each family, the model that is best over the other families and all splits, and how it
    does on this one.

    A row for each split and family: ``model``, ``covered50``, ``covered90`` and ``log_ratio``.
    Candidates are the models that have every set, but for today's practice.
    """
    complete = table.groupby("model").size()
    whole = set(complete[complete == complete.max()].index) - {BASELINE}
    votes = families(table[table["model"].isin(whole)])
    rows = []
    for family in votes.index.unique("family"):
        others = votes[votes.index.get_level_values("family") != family]["log_ratio"]
        # Splits count alike, though one has fewer families.
        means = others.groupby(["model", "split"]).mean().groupby("model").mean()
        if means.empty:
            continue
        best = means.idxmin()
        rows.extend(
            {"split": split, "family": family, "model": best, **votes.loc[(split, best, family)]}
            for split in votes.index.unique("split")
            if (split, best, family) in votes.index
        )
    return pd.DataFrame(rows)


def by_decades(cells: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Coverage by how far beyond the dearest fitted run a hidden run lies: a vote a family, both
    splits together.
    """
    runs = pd.concat(
        [
            pd.DataFrame(
                {name: cell["runs"][name] for name in ("decades", "covered50", "covered90")}
            ).assign(**{key: cell[key] for key in ("model", "family", "set", "split")})
            for cell in cells
        ]
    )
    rows = []
    for label, (low, high) in DECADES.items():
        inside = runs[(runs["decades"] > low) & (runs["decades"] <= high)]
        for model, mine in inside.groupby("model", sort=False):
            each = mine.groupby(["family", "set", "split"])[["covered50", "covered90"]].mean()
            votes = each.groupby("family").mean()
            rows.append(
                {
                    "decades": label,
                    "model": model,
                    "coverage50": votes["covered50"].mean(),
                    "coverage90": votes["covered90"].mean(),
                    "families": len(votes),
                    "runs": len(mine),
                }
            )
    return pd.DataFrame(rows)


def worlds(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each world and model: coverage over its sweeps, and the geometric mean ratio of
    CRPS.
    """
    found = table.groupby(["family", "model"], sort=False).agg(
        coverage50=("covered50", "mean"),
        coverage90=("covered90", "mean"),
        crps_ratio=("log_ratio", "mean"),
        sweeps=("set", "size"),
    )
    found["crps_ratio"] = np.exp(found["crps_ratio"])
    return found.rename_axis(index=["world", "model"]).reset_index()
