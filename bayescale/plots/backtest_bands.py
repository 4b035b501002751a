"""A figure of the forecasts of hidden runs, with their losses and the runs that were fitted."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayescale.decisions.checks.backtest import Backtest
from bayescale.decisions.checks.holdouts.base import compute
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    LABELS,
    Drawing,
    log_ticks,
    loss_axis,
    loss_label,
    note,
    styled,
)
from bayescale.runs import Runs

_MOST_ACROSS = 3
# Fitted runs are drawn down to the least compute of the hidden runs divided by this.
_COMPUTE_RATIO = 30.0
# Shares of the axis's width: between neighbours that are drawn apart, and of all of them.
_SEPARATION = 0.012
_WIDEST = 0.1
_NOTE = (
    "A bar is the forecast of a hidden run: thick 50 %, thin 90 %. Runs of nearly the same compute "
    "are moved apart sideways.\n"
    "Grey: runs that the forecast was made from, down to a thirtieth of the compute of the "
    "cheapest hidden run."
)


@styled
def backtest_bands(tested: Backtest) -> Figure:
    """Draw the 50 and 90 % forecast of each hidden run against compute, with its observed loss.

    Each fold has its own axes.

    Parameters
    ----------
    tested : Backtest

    Returns
    -------
    Figure

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> tested = bs.backtest(runs, bs.LargestCompute(0.2), law=law, noise=noise, method=method)
    >>> len(bs.plots.backtest_bands(tested).axes)
    1
    """
    forecasts = tested.frame[tested.frame["model"] == tested.model]
    folds = list(tested.posteriors)
    across = 2 if len(folds) in (2, 4) else min(len(folds), _MOST_ACROSS)
    down = -(-len(folds) // across)
    size = (7.8, 5.2) if len(folds) == 1 else (4.0 * across + 0.6, 3.3 * down + 1.0)
    figure = Drawing(figsize=size, layout="constrained")
    grid = np.ravel(figure.subplots(down, across, squeeze=False))
    heading = f"{tested.model}, on {tested.runs.name}"
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10, color=INK)
    for index, name in enumerate(folds):
        axes = grid[index]
        rows = forecasts[forecasts["fold"] == name]
        _draw(axes, tested.posteriors[name].runs, rows)
        plural = "s" if len(rows) > 1 else ""
        covered = rows["covered90"].sum()
        axes.set_title(f"{name}: {len(rows)} run{plural}, {covered} in the 90 % bars", fontsize=9)
        if index % across == 0:
            axes.set_ylabel(loss_label(tested.runs))
        if index >= len(folds) - across:
            axes.set_xlabel(LABELS["compute"])
    for axes in grid[len(folds) :]:
        axes.remove()
    grid[0].legend(handles=_legend(), loc="lower left")
    note(figure, _NOTE)
    return figure


def _draw(axes: Axes, fitted: Runs, rows: pd.DataFrame) -> None:
    flops = compute(fitted)
    shown = flops >= rows["compute"].min() / _COMPUTE_RATIO
    axes.scatter(
        flops[shown], fitted.column("loss")[shown], s=10, color=GREY, alpha=0.4, linewidth=0
    )
    all_compute = np.concatenate([flops[shown], rows["compute"]])
    width = np.log10(all_compute.max() / all_compute.min()) + 0.2
    loss = rows["loss"].to_numpy()
    x = _separated(rows["compute"].to_numpy(), loss, width)
    axes.vlines(x, rows["q05"], rows["q95"], color=COLOURS[0], linewidth=1, alpha=0.8)
    axes.vlines(x, rows["q25"], rows["q75"], color=COLOURS[0], linewidth=3.2, alpha=0.6)
    covered = rows["covered90"].to_numpy()
    axes.scatter(
        x[covered], loss[covered], s=16, color=INK, edgecolor="white", linewidth=0.4, zorder=4
    )
    axes.scatter(
        x[~covered], loss[~covered], s=26, color=COLOURS[1], marker="x", linewidth=1.6, zorder=5
    )
    axes.set_xscale("log")
    margin = 10 ** (0.06 * width)
    lowest = min(all_compute.min(), x.min())
    highest = max(all_compute.max(), x.max())
    axes.set_xlim(lowest / margin, highest * margin)
    log_ticks(axes.xaxis, 4)
    loss_axis(axes)


def _separated(compute: np.ndarray, loss: np.ndarray, width: float) -> np.ndarray:
    """Return abscissae at which runs of nearly the same compute are side by side.

    They are in the order of their losses, about their mean.

    Parameters
    ----------
    compute, loss : array, shape (runs,)
    width : float
        Width of the axis in decades.
    """
    x = np.log10(compute)
    order = np.argsort(x)
    steps = np.diff(x[order]) > _SEPARATION * width
    for members in np.split(order, np.flatnonzero(steps) + 1):
        # A chain of runs, each close to the next, may be long: only runs that overlap are moved.
        if np.ptp(x[members]) < _SEPARATION * width:
            ranks = np.argsort(np.argsort(loss[members]))
            spread = min(_SEPARATION, _WIDEST / len(members)) * width
            x[members] = x[members].mean() + spread * (ranks - (len(members) - 1) / 2)
    return np.asarray(10**x)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=COLOURS[0], linewidth=3.2, alpha=0.6, label="50 % of the forecast"),
        Line2D([], [], color=COLOURS[0], linewidth=1, alpha=0.8, label="90 % of the forecast"),
        _dot("hidden run, within 90 %", marker="o", size=4, color=INK),
        _dot("hidden run, outside", marker="x", size=5, color=COLOURS[1]),
        _dot("fitted run", marker="o", size=3, color=GREY, alpha=0.5),
    ]


def _dot(label: str, *, marker: str, size: float, color: str, alpha: float = 1.0) -> Line2D:
    return Line2D(
        [],
        [],
        color=color,
        marker=marker,
        markersize=size,
        linestyle="none",
        label=label,
        alpha=alpha,
    )
