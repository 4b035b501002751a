"""Tables from the cells of the frontier.

Each family has one vote; CRPS is a ratio to today's practice; a table selects the model for each
family on the other families. A cell whose model refused to fit has no scores, and is counted.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from frontier_panel import BEYOND, DEAREST, LADDERS
from record import JsonObject

BASELINE = "huber"
LARGE_SET = 10
# A large set is reported if 90 % intervals cover a smaller share of its hidden runs.
LOW = 0.7
# Times the compute of the dearest fitted run, and their logarithms to base 10.
DISTANCES = {
    "< 4": (-np.inf, np.log10(4)),
    "4 – 10": (np.log10(4), 1.0),
    "10 – 30": (1.0, np.log10(30)),
    "> 30": (np.log10(30), np.inf),
}
# Root mean square errors of log loss of the best of three point fits of the additive law, a Cauchy
# likelihood, on the Chinchilla runs below each budget (tests/reference/test_leave_future_out.py).
POINT_FITS = {1e20: 0.0104, 3e20: 0.0119, 1e21: 0.0107}

_PANEL = "both splits"
_CASE = ["family", "set", "split", "n_train"]
_SCORES = ["covered50", "covered90", "crps", "error", "width"]


def runs(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return the scores of each hidden run by each model, with what the cell is about."""
    tables = []
    for cell in cells:
        scores = pd.DataFrame(cell["runs"], columns=["decades", *_SCORES])
        tables.append(scores.astype(float).assign(**{name: cell[name] for name in _about()}))
    return pd.concat(tables, ignore_index=True)


def sets(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return the mean scores of each cell, and the log ratio of CRPS to today's practice.

    A cell whose model refused to fit has a row without scores.
    """
    rows = []
    for cell in cells:
        row = {name: cell[name] for name in _about()}
        row["problems"] = len(cell["problems"])
        row["low_by_chance"] = cell["low_by_chance"]
        rows.append(row)
    table = pd.DataFrame(rows).merge(_scored(runs(cells)), how="left", on=_about())
    return table.fillna({"n_test": 0})


def _about() -> list[str]:
    return ["model", *_CASE]


def _scored(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the means over the hidden runs of each cell, and the log ratio of CRPS."""
    by_cell = runs.groupby(_about(), sort=False)
    table = by_cell[_SCORES].mean().assign(n_test=by_cell.size()).reset_index()
    baseline = table[table["model"] == BASELINE].set_index(_CASE)["crps"]
    keys = pd.MultiIndex.from_frame(table[_CASE])
    ratio = table["crps"].to_numpy() / baseline.reindex(keys).to_numpy()
    return table.assign(log_ratio=np.log(ratio))


def over_families(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return a row for each group of sets: means over families, each a mean over its sets.

    Parameters
    ----------
    table : DataFrame
        As `sets` returns it.
    by : list of str
        Columns whose values make the groups; two at least.
    """
    rows = []
    for key, group in table.groupby(by, sort=False):
        votes = group.groupby("family")[[*_SCORES, "log_ratio"]].mean()
        compared = votes["log_ratio"].dropna()
        row = {
            **dict(zip(by, key, strict=True)),
            "coverage50": votes["covered50"].mean(),
            "coverage90": votes["covered90"].mean(),
            "crps": votes["crps"].mean(),
            "crps_ratio": np.exp(compared.mean()),
            "worst_family": compared.idxmax() if len(compared) else "",
            "worst_ratio": np.exp(compared.max()),
            "bias": votes["error"].mean(),
            "width": votes["width"].mean(),
            "families": int(votes["crps"].notna().sum()),
            "sets": len(group),
            "runs": int(group["n_test"].sum()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def frontier(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each split and model; each family has one vote."""
    rows = []
    for (split, model), group in table.groupby(["split", "model"], sort=False):
        by_family = group.groupby("family")["covered90"].mean().dropna()
        large = group[group["n_test"] >= LARGE_SET].sort_values("covered90")
        row = {
            "split": split,
            "model": model,
            "least_family": by_family.idxmin() if len(by_family) else "",
            "least_coverage90": by_family.min(),
            "least_large_set": large["set"].iloc[0] if len(large) else "",
            "least_large_coverage90": large["covered90"].iloc[0] if len(large) else np.nan,
            "low_sets": int((large["covered90"] < LOW).sum()),
            "low_sets_by_chance": large["low_by_chance"].sum(),
            "doubtful": int((group["problems"] > 0).sum()),
            "refused": int(group["crps"].isna().sum()),
        }
        rows.append(row)
    by = ["split", "model"]
    return over_families(table, by).merge(pd.DataFrame(rows), on=by)


def by_number(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each number of fitted runs of the ladders and each model."""
    ladders = table[table["split"].isin(list(LADDERS))]
    numbers = over_families(ladders, ["n_train", "model"]) if len(ladders) else ladders
    return numbers.sort_values("n_train", kind="stable")


def by_distance(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return a row for each kind of split, distance beyond the fitted compute, and model.

    The dearest fifth and the runs beyond a tenth are one kind.
    """
    scores = runs(cells)
    tables = []
    for label, (low, high) in DISTANCES.items():
        inside = scores[(scores["decades"] > low) & (scores["decades"] <= high)]
        tables.append(_scored(inside).assign(distance=label))
    table = pd.concat(tables, ignore_index=True)
    one_kind = table["split"].isin([DEAREST, BEYOND])
    table["kind"] = table["split"].mask(one_kind, _PANEL)
    return over_families(table, ["kind", "distance", "model"])


def by_family(table: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of CRPS of each model and family, with a column for each split."""
    votes = table.groupby(["model", "family", "split"], sort=False)["log_ratio"].mean()
    return np.exp(votes.unstack("split", sort=False)).reset_index()


def left_out(table: pd.DataFrame, candidates: Sequence[str]) -> pd.DataFrame:
    """Return the scores of each family by the model that is best on the other families.

    The best model is chosen over all splits. A row for each split and family has ``model``,
    ``covered50``, ``covered90`` and ``log_ratio``. A model that refused more sets than another is
    no candidate, nor is today's practice.
    """
    compared = table[table["model"].isin(candidates)].dropna(subset="log_ratio")
    n_sets = compared.groupby("model").size()
    complete = set(n_sets[n_sets == n_sets.max()].index) - {BASELINE}
    chosen_of = compared[compared["model"].isin(complete)]
    columns = ["covered50", "covered90", "log_ratio"]
    votes = chosen_of.groupby(["split", "model", "family"], sort=False)[columns].mean()
    rows = []
    for family in votes.index.unique("family"):
        others = votes[votes.index.get_level_values("family") != family]["log_ratio"]
        # Splits have equal weight, although one may have fewer families.
        means = others.groupby(["model", "split"]).mean().groupby("model").mean()
        if means.empty:
            continue
        best = means.idxmin()
        for split in votes.index.unique("split"):
            if (split, best, family) in votes.index:
                row: dict[str, Hashable] = {"split": split, "family": family, "model": best}
                rows.append(row | votes.loc[(split, best, family)].to_dict())
    return pd.DataFrame(rows)


def against(table: pd.DataFrame, model: str, other: str) -> pd.DataFrame:
    """Return the ratio of CRPS of one model to another over the sets that both were fitted to.

    Parameters
    ----------
    table : DataFrame
        As `sets` returns it.
    model, other : str

    Returns
    -------
    DataFrame, one row per split and family
        ``split``, ``family``, ``crps_ratio`` and ``sets``.
    """
    log_crps = np.log(table.set_index([*_CASE, "model"])["crps"]).unstack("model")
    both = log_crps.reindex(columns=[model, other]).dropna()
    by_family = (both[model] - both[other]).groupby(["split", "family"], sort=False)
    ratios = by_family.agg(crps_ratio="mean", sets="size").reset_index()
    return ratios.assign(crps_ratio=np.exp(ratios["crps_ratio"]))


def between_seeds(table: pd.DataFrame, model: str, other: str) -> pd.DataFrame:
    """Return how far two seeds of one model differ at each split.

    Parameters
    ----------
    table : DataFrame
        As `sets` returns it.
    model, other : str
        The model's names at both seeds.

    Returns
    -------
    DataFrame, one row per split
        ``split``, ``model``, ``crps_ratio`` and ``other_crps_ratio``; ``sd_of_family``, the
        standard deviation over seeds of a family's log ratio; ``sd_of_split``, the same of their
        mean.
    """
    both = table[table["model"].isin([model, other])]
    votes = both.groupby(["split", "family", "model"], sort=False)["log_ratio"].mean()
    rows = []
    for split, group in votes.unstack("model").dropna().groupby("split", sort=False):
        sd = float(np.sqrt(np.mean((group[model] - group[other]) ** 2) / 2))
        row = {
            "split": split,
            "model": model,
            "crps_ratio": np.exp(group[model].mean()),
            "other_crps_ratio": np.exp(group[other].mean()),
            "sd_of_family": sd,
            "sd_of_split": sd / np.sqrt(len(group)),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def worlds(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each world and model: means over sweeps, and the ratio of CRPS."""
    by_world = table.rename(columns={"family": "world"})
    # A world is all sweeps; each of them has one vote.
    rows = over_families(by_world.assign(family=by_world["set"]), ["world", "model"])
    return rows.drop(columns=["sets", "worst_family", "worst_ratio"]).rename(
        columns={"families": "sweeps"}
    )


def cuts(cells: Sequence[JsonObject]) -> pd.DataFrame:
    """Return the root mean square error of log loss of each model below each budget."""
    scores = runs(cells)
    rows = []
    for (name, model), group in scores.groupby(["set", "model"], sort=False):
        row = {
            "set": name,
            "model": model,
            "rmsle": float(np.sqrt((group["error"] ** 2).mean())),
            "coverage90": group["covered90"].mean(),
        }
        rows.append(row)
    return pd.DataFrame(rows)
