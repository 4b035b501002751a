"""Draw the README's figures: python docs/make_figures.py

Of the embedded sweep with its frontier runs, whose losses stand in benchmarks/sweep/rows.csv beside
those that they were forecast from, and of the embedded Pile runs.
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import bayescale as bs

HERE = Path(__file__).parent
ROWS = HERE.parent / "benchmarks" / "sweep" / "rows.csv"


def with_frontier(posterior: bs.Posterior) -> Figure:
    """The law of the base runs, and on it the runs that were made after the forecast."""
    figure = bs.plots.loss_along_compute(posterior, decades=1.6)
    axes = figure.axes[0]
    rows = pd.read_csv(ROWS)
    made = rows[rows["role"] == "frontier"]
    compute = 6 * made["n_params"] * made["n_tokens"]
    axes.scatter(
        compute, made["loss"], s=64, marker="*", color="black", zorder=6, label="made afterwards"
    )
    handles = [handle for handle in axes.get_legend().legend_handles if handle is not None]
    axes.legend(handles=[*handles, axes.collections[-1]], loc="upper right")
    axes.set_ylabel("loss (nats per byte)")
    return figure


def main() -> None:
    """Write one PNG a figure beside this file."""
    sweep, pile = (
        bs.fit(bs.datasets.load(name)) for name in ("bayescale2026_sweep", "dey2023_pile")
    )
    with_frontier(sweep).savefig(HERE / "loss_along_compute.png", dpi=110)
    isoflop = bs.plots.isoflop(sweep)
    isoflop.axes[0].set_ylabel("loss (nats per byte)")
    isoflop.savefig(HERE / "isoflop.png", dpi=110)
    bs.plots.pair(pile).savefig(HERE / "pair.png", dpi=110)


if __name__ == "__main__":
    main()
