"""The tables of the frontier, printed."""

from typing import TypeAlias

import alternatives
import numpy as np
import pandas as pd
from frontier_tables import LOW, POINT_FITS

Columns: TypeAlias = dict[str, str]
"""For each heading the format of its cells, in which a row's names stand."""


class _Nothing:
    """A number that is not known, which is printed as nothing."""

    def __format__(self, form: str) -> str:
        return ""


_NOTHING = _Nothing()

_SCORES: Columns = {
    "50 %": "{coverage50:.2f}",
    "90 %": "{coverage90:.2f}",
    "CRPS": "{crps_ratio:.2f}",
    "bias": "{bias:+.3f}",
    "width": "{width:.3f}",
}
_WORST: Columns = {"worst family": "{worst_ratio:.2f} {worst_family}"}


def show_frontier(rows: pd.DataFrame) -> None:
    """Print coverage and sharpness at each split."""
    show(
        "Hidden runs of each split; CRPS as a ratio to today's practice, bias of the median and "
        "width of 90 % in log loss",
        rows,
        {
            "split": "{split}",
            "model": "{model}",
            **_SCORES,
            **_WORST,
            "least 90 %": "{least_coverage90:.2f} {least_family}",
            f"sets under {LOW:.0%} (by chance)": "{low_sets} ({low_sets_by_chance:.1f})",
            "doubtful, refused": "{doubtful}, {refused}",
        },
    )


def show_numbers(rows: pd.DataFrame) -> None:
    """Print the ladders by their number of runs."""
    show(
        "Ladders by number of runs; of 3 or 4, today's practice fits a power law of compute",
        rows,
        {
            "runs": "{n_train}",
            "model": "{model}",
            **_SCORES,
            **_WORST,
            "CRPS in log loss": "{crps:.4f}",
        },
    )


def show_distances(rows: pd.DataFrame) -> None:
    """Print the scores by how far hidden runs lie beyond the fitted ones."""
    for kind, part in rows.groupby("kind", sort=False):
        show(
            f"By times the compute of the dearest fitted run: {kind}",
            part,
            {
                "times": "{distance}",
                "model": "{model}",
                **_SCORES,
                "families, runs": "{families}, {runs}",
            },
        )


def show_families(rows: pd.DataFrame, baseline: str) -> None:
    """Print the ratio of CRPS of each family."""
    splits = [name for name in rows.columns if name not in ("model", "family")]
    columns: Columns = {split: f"{{{split}:.2f}}" for split in splits}
    compared = rows[rows["model"] != baseline]
    show(
        "CRPS of each family as a ratio to today's practice",
        compared,
        {"model": "{model}", "family": "{family}", **columns},
    )


def show_chosen(rows: pd.DataFrame) -> None:
    """Print the scores of each family by the model that is best on the others."""
    means = rows.groupby("split", sort=False)[["covered50", "covered90", "log_ratio"]].mean()
    all_rows = pd.concat([rows, means.reset_index().assign(family="all", model="")])
    show(
        "Each family forecast by the model that is best on the others",
        all_rows.assign(crps_ratio=np.exp(all_rows["log_ratio"])),
        {
            "split": "{split}",
            "family": "{family}",
            "model": "{model}",
            "50 %": "{covered50:.2f}",
            "90 %": "{covered90:.2f}",
            "CRPS": "{crps_ratio:.2f}",
        },
    )


def show_against(rows: pd.DataFrame, model: str, other: str) -> None:
    """Print the ratio of CRPS of one model to another."""
    show(
        f"CRPS of {model} as a ratio to {other}, over the sets that both were fitted to",
        rows,
        {
            "split": "{split}",
            "family": "{family}",
            "CRPS": "{crps_ratio:.2f}",
            "sets": "{sets}",
        },
    )


def show_seeds(rows: pd.DataFrame) -> None:
    """Print how far two seeds differ."""
    show(
        "Two seeds of the sampler: CRPS, and standard deviation of its log ratio over seeds",
        rows,
        {
            "split": "{split}",
            "model": "{model}",
            "CRPS": "{crps_ratio:.3f}, {other_crps_ratio:.3f}",
            "of a family": "{sd_of_family:.3f}",
            "of the split": "{sd_of_split:.3f}",
        },
    )


def show_stacked(rows: pd.DataFrame) -> None:
    """Print what the default gains in log density where other models are mixed in."""
    show(
        "Models together: mean log density less that of the default alone, nats per hidden run",
        rows,
        {
            "set": "{set}",
            "weighed by": "{n_weighed} runs",
            "weight of the default": "{weight:.2f}",
            "stacked": "{gain:+.3f}",
            "equal weights": "{gain_equal:+.3f}",
        },
    )


def show_worlds(rows: pd.DataFrame) -> None:
    """Print the simulated worlds."""
    show(
        "Simulated worlds: hidden runs at ten times the compute; CRPS as a ratio to today's "
        "practice",
        rows,
        {"world": "{world}", "model": "{model}", **_SCORES, "sweeps": "{sweeps}"},
    )


def show_cuts(rows: pd.DataFrame) -> None:
    """Print the errors of the Chinchilla runs above each budget."""
    best = ", ".join(f"{error:.4f}" for error in POINT_FITS.values())
    show(
        f"Chinchilla runs below a budget forecast the others; the best of three point fits of the "
        f"additive law has {best}",
        rows,
        {
            "fitted": "{set}",
            "model": "{model}",
            "root mean square error of log loss": "{rmsle:.4f}",
            "90 %": "{coverage90:.2f}",
        },
    )


def show(title: str, rows: pd.DataFrame, columns: Columns) -> None:
    """Print a row of text for each row of a table; nothing where there is none."""
    from rich.table import Table

    if not len(rows):
        return
    shown = Table(*columns, title=title, title_justify="left")
    for row in rows.to_dict("records"):
        names = {str(name): _shown(str(name), value) for name, value in row.items()}
        shown.add_row(*[pattern.format(**names) for pattern in columns.values()])
    alternatives.show(shown)


def _shown(name: str, value: object) -> object:
    """Return what is printed of a value: the authors and year of a family, nothing of NaN."""
    if pd.isna(value):
        return _NOTHING
    if name.endswith("family"):
        return str(value).split("_")[0]
    return value
