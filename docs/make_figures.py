"""Draw the README's figures: python docs/make_figures.py

The data are the embedded sweep with its frontier runs, whose losses are in
benchmarks/sweep/rows.csv, and the embedded Pile runs.
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import bayescale as bs

HERE = Path(__file__).parent
ROWS = HERE.parent / "benchmarks" / "sweep" / "rows.csv"


def with_frontier(posterior: bs.Posterior) -> Figure:
    """Draw the law of the base runs, with the runs that were trained after the forecast."""
    figure = bs.plots.loss_along_compute(posterior, decades=1.6)
    axes = figure.axes[0]
    rows = pd.read_csv(ROWS)
    frontier = rows[rows["role"] == "frontier"]
    compute = 6 * frontier["n_params"] * frontier["n_tokens"]
    stars = axes.scatter(
        compute,
        frontier["loss"],
        s=64,
        marker="*",
        color="black",
        zorder=6,
        label="trained afterwards",
    )
    handles = [handle for handle in axes.get_legend().legend_handles if handle is not None]
    handles.append(stars)
    axes.legend(handles=handles, loc="upper right")
    axes.set_ylabel("loss (nats per byte)")
    return figure


def main() -> None:
    """Write one PNG file for each figure, beside this file."""
    sweep = bs.fit(bs.datasets.load("bayescale2026_sweep"))
    pile = bs.fit(bs.datasets.load("dey2023_pile"))
    with_frontier(sweep).savefig(HERE / "loss_along_compute.png", dpi=110)
    isoflop = bs.plots.isoflop(sweep)
    isoflop.axes[0].set_ylabel("loss (nats per byte)")
    isoflop.savefig(HERE / "isoflop.png", dpi=110)
    bs.plots.pair(pile).savefig(HERE / "pair.png", dpi=110)


if __name__ == "__main__":
    main()
