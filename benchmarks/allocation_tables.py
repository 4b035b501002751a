"""Tables of the allocation's backtest: means within cuts, sweeps and families, in this order."""

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

# Ratio of a hidden budget's compute to that of the dearest fitted one.
DISTANCES = {"3 to 9": (0.0, 9.0), "9 to 28": (9.0, 28.0), "over 28": (28.0, np.inf)}

HUBER = "huber"

_KEYS = ["model", "family", "set", "cut"]
_SCORES = ["covered50", "covered90", "width", "error", "absolute_error", "crps", "regret"]


def budgets(cells: list[JsonObject]) -> pd.DataFrame:
    """Return one row a model, cut and hidden budget, with the scores of `AllocationBacktest`."""
    tables = []
    for cell in cells:
        facts = {key: cell[key] for key in _KEYS}
        tables.append(pd.DataFrame(cell["budgets"]).assign(**facts))
    table = pd.concat(tables, ignore_index=True)
    covered = table[["covered50", "covered90"]].astype(float)
    return table.assign(**covered, absolute_error=table["error"].abs())


def cuts(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return mean scores of each model at each cut, with its number of hidden budgets."""
    groups = budgets.groupby(_KEYS, sort=False)
    means = groups[[*_SCORES, "n_train"]].mean()
    return means.assign(n_budgets=groups.size()).reset_index()


def families(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return mean scores of each model in each family."""
    return _by_family(budgets).reset_index()


def models(budgets: pd.DataFrame, cells: list[JsonObject]) -> pd.DataFrame:
    """Return scores of each model, a family one vote.

    Returns
    -------
    DataFrame, one row per model
        Means over families; ``crps`` is their geometric mean. For each of DISTANCES
        ``coverage90_…``, over the families that have budgets there. ``loss_crps_ratio``, a
        geometric mean, and ``loss_coverage90`` are of the losses of hidden runs. ``doubtful`` and
        ``lacking`` count cells whose fit complains, and cells without a forecast.
    """
    by_family = _by_family(budgets)
    groups = by_family.groupby("model", sort=False)
    table = groups[_SCORES].mean()
    table["crps"] = np.exp(np.log(by_family["crps"]).groupby("model", sort=False).mean())
    for name, (low, high) in DISTANCES.items():
        there = budgets[(low <= budgets["times"]) & (budgets["times"] < high)]
        if len(there):
            coverage = _by_family(there)["covered90"].groupby("model").mean()
            table[f"coverage90_{name.replace(' ', '_')}"] = coverage
    table["families"] = groups.size()
    table["budgets"] = budgets.groupby("model").size()
    facts = pd.DataFrame(
        {
            "model": [cell["model"] for cell in cells],
            "doubtful": [bool(cell["problems"]) for cell in cells],
            "lacking": [bool(cell["lacking"]) for cell in cells],
            "seconds": [cell["seconds"] for cell in cells],
        }
    )
    counted = facts.groupby("model").agg(
        doubtful=("doubtful", "sum"), lacking=("lacking", "sum"), seconds=("seconds", "median")
    )
    return table.join(_of_losses(cells)).join(counted).reset_index()


def _of_losses(cells: list[JsonObject]) -> pd.DataFrame:
    """Return how each model forecasts the losses of hidden runs, a family one vote."""
    forecast = [cell for cell in cells if cell["losses"]]
    scores = pd.DataFrame([cell["losses"] for cell in forecast])
    table = pd.DataFrame(forecast)[_KEYS].join(scores).set_index(_KEYS)
    practice = table["crps"].xs(HUBER, level="model").rename("practice")
    table = table.join(practice)
    table["log_ratio"] = np.log(table["crps"] / table["practice"])
    by_set = table[["log_ratio", "covered90"]].groupby(["model", "family", "set"]).mean()
    means = by_set.groupby(["model", "family"]).mean().groupby("model").mean()
    return pd.DataFrame(
        {"loss_crps_ratio": np.exp(means["log_ratio"]), "loss_coverage90": means["covered90"]}
    )


def _by_family(budgets: pd.DataFrame) -> pd.DataFrame:
    by_cut = budgets.groupby(_KEYS, sort=False)[_SCORES].mean()
    by_set = by_cut.groupby(["model", "family", "set"], sort=False).mean()
    return by_set.groupby(["model", "family"], sort=False).mean()


def shown_models(table: pd.DataFrame) -> "Table":
    """Return the table of models, to print."""
    first = table.iloc[0]
    title = (
        f"N* at {first['budgets']} hidden budgets of {first['families']} families; decades of N, "
        f"regret in nats; 90 % at so many times the fitted compute"
    )
    cells = pd.DataFrame({"model": table["model"]})
    cells["50 %"] = table["covered50"].map("{:.2f}".format)
    cells["90 %"] = table["covered90"].map("{:.2f}".format)
    cells["width"] = table["width"].map("{:.2f}".format)
    cells["bias"] = table["error"].map("{:+.2f}".format)
    cells["CRPS"] = table["crps"].map("{:.3f}".format)
    for name in DISTANCES:
        column = f"coverage90_{name.replace(' ', '_')}"
        if column in table:
            cells[f"{name} ×"] = table[column].map("{:.2f}".format)
    cells["regret"] = table["regret"].map("{:.4f}".format)
    cells["loss CRPS"] = table["loss_crps_ratio"].map("{:.2f}".format, na_action="ignore")
    cells["loss 90 %"] = table["loss_coverage90"].map("{:.2f}".format, na_action="ignore")
    cells = cells.fillna("")
    cells["doubtful"] = table["doubtful"].map(str)
    cells["lacking"] = table["lacking"].map(str)
    cells["seconds"] = table["seconds"].map("{:.1f}".format)
    return _shown(cells, title)


def shown_families(table: pd.DataFrame) -> "Table":
    """Return coverage of 90 % intervals and CRPS of each family, to print."""
    texts = table["covered90"].map("{:.2f}".format) + ", " + table["crps"].map("{:.3f}".format)
    wide = table.assign(text=texts).pivot(index="model", columns="family", values="text")
    ordered = wide.loc[table["model"].unique(), table["family"].unique()].fillna("")
    return _shown(ordered.reset_index(), "Coverage of 90 % and CRPS by family")


def line(cell: JsonObject) -> str:
    """Return one line about a finished cell."""
    scores = pd.DataFrame(cell["budgets"])
    what = f"{cell['model']:14} {cell['set']:28} cut {cell['cut']} {cell['n_train']:4}"
    if not len(scores):
        return f"{what}  {cell['lacking']}"
    doubtful = "doubtful" if cell["problems"] else ""
    return (
        f"{what} {len(scores):3}  50 %: {scores['covered50'].mean():.2f}  "
        f"90 %: {scores['covered90'].mean():.2f}  width {scores['width'].mean():.2f}  "
        f"CRPS {scores['crps'].mean():.3f}  {cell['seconds']:6.1f} s  {doubtful}"
    )


def as_records(table: pd.DataFrame) -> list[JsonObject]:
    """Return the rows of a table as JSON, with six digits."""
    listed: list[JsonObject] = json.loads(table.to_json(orient="records", double_precision=6))
    return listed


def _shown(cells: pd.DataFrame, title: str) -> "Table":
    from rich.table import Table

    table = Table(*cells.columns, title=title, title_justify="left")
    for row in cells.itertuples(index=False):
        table.add_row(*row)
    return table
