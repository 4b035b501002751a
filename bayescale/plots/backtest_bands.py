"""Hidden runs and what was forecast of them, over the runs that the forecast was made from."""

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
    note,
    styled,
)
from bayescale.runs import Runs

_ACROSS = 3
_BEFORE = 30.0
_APART, _WIDEST = 0.012, 0.1
_NOTE = (
    "A bar is the forecast of a hidden run: thick 50 %, thin 90 %. Runs of nearly the same compute "
    "are moved apart sideways.\n"
    "Grey: runs that the forecast was made from, down to a thirtieth of the compute of the "
    "cheapest hidden run."
)


@styled
def backtest_bands(tested: Backtest) -> Figure:
    """Draw the 50 and 90 % forecast of each hidden run against compute, with the loss that came; an
    axes for each fold.

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
    ours = tested.frame[tested.frame["model"] == tested.model]
    folds = list(tested.posteriors)
    across = 2 if len(folds) in (2, 4) else min(len(folds), _ACROSS)
    down = -(-len(folds) // across)
    size = (7.8, 5.2) if len(folds) == 1 else (4.0 * across + 0.6, 3.3 * down + 1.0)
    figure = Drawing(figsize=size, layout="constrained")
    grid = np.ravel(figure.subplots(down, across, squeeze=False))
    figure.suptitle(
        f"{tested.model}, on {tested.runs.name}", x=0.01, ha="left", fontsize=10, color=INK
    )
    for place, (axes, name) in enumerate(zip(grid, folds, strict=False)):
        rows = ours[ours["fold"] == name]
        _draw(axes, tested.posteriors[name].runs, rows)
        count = f"{len(rows)} run" + "s" * (len(rows) > 1)
        axes.set_title(f"{name}: {count}, {rows['covered90'].sum()} in the 90 % bars", fontsize=9)
        if place % across == 0:
            axes.set_ylabel(LABELS["loss"])
        if place >= len(folds) - across:
            axes.set_xlabel(LABELS["compute"])
    for axes in grid[len(folds) :]:
        axes.remove()
    grid[0].legend(handles=_legend(), loc="lower left")
    note(figure, _NOTE)
    return figure


def _draw(axes: Axes, fitted: Runs, rows: pd.DataFrame) -> None:
    flops, loss = compute(fitted), fitted.column("loss")
    seen = flops >= rows["compute"].min() / _BEFORE
    axes.scatter(flops[seen], loss[seen], s=10, color=GREY, alpha=0.4, linewidth=0)
    both = np.concatenate([flops[seen], rows["compute"]])
    width = np.log10(both.max() / both.min()) + 0.2
    at = _apart(rows["compute"].to_numpy(), rows["loss"].to_numpy(), width)
    axes.vlines(at, rows["q05"], rows["q95"], color=COLOURS[0], linewidth=1, alpha=0.8)
    axes.vlines(at, rows["q25"], rows["q75"], color=COLOURS[0], linewidth=3.2, alpha=0.6)
    held = rows["covered90"].to_numpy()
    axes.scatter(
        at[held], rows["loss"][held], s=16, color=INK, edgecolor="white", linewidth=0.4, zorder=4
    )
    axes.scatter(
        at[~held], rows["loss"][~held], s=26, color=COLOURS[1], marker="x", linewidth=1.6, zorder=5
    )
    axes.set_xscale("log")
    margin = 10 ** (0.06 * width)
    axes.set_xlim(min(both.min(), at.min()) / margin, max(both.max(), at.max()) * margin)
    log_ticks(axes.xaxis, 4)
    loss_axis(axes)


def _apart(compute: np.ndarray, loss: np.ndarray, width: float) -> np.ndarray:
    """Runs of nearly the same compute side by side about it, in the order of their losses;
    ``width`` in decades.
    """
    at = np.log10(compute)
    order = np.argsort(at)
    steps = np.diff(at[order]) > _APART * width
    for members in np.split(order, np.flatnonzero(steps) + 1):
        # A chain of runs each close to the next may be long: only what stands on one spot is moved.
        if np.ptp(at[members]) < _APART * width:
            ranks = np.argsort(np.argsort(loss[members]))
            spread = min(_APART, _WIDEST / len(members)) * width
            at[members] = at[members].mean() + spread * (ranks - (len(members) - 1) / 2)
    return np.asarray(10**at)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=COLOURS[0], linewidth=3.2, alpha=0.6, label="50 % of the forecast"),
        Line2D([], [], color=COLOURS[0], linewidth=1, alpha=0.8, label="90 % of the forecast"),
        Line2D(
            [],
            [],
            color=INK,
            marker="o",
            markersize=4,
            linestyle="none",
            label="hidden run, within 90 %",
        ),
        Line2D(
            [],
            [],
            color=COLOURS[1],
            marker="x",
            markersize=5,
            linestyle="none",
            label="hidden run, outside",
        ),
        Line2D(
            [],
            [],
            color=GREY,
            alpha=0.5,
            marker="o",
            markersize=3,
            linestyle="none",
            label="fitted run",
        ),
    ]
