"""Do intervals hold what they promise? Stated against actual coverage, and where in its forecast
each hidden run fell.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from bayescale.decisions.checks.backtest import Backtest
from bayescale.plots._drawing import COLOURS, GREY, INK, Drawing, note, styled

_LEVELS = np.linspace(0.02, 0.98, 49)
_MARKED = np.array([0.5, 0.8, 0.9, 0.95])
_CHANCE = 0.9
_MOST_BINS, _RUNS_A_BIN = 10, 4
_NOTE = (
    "Grey: where right intervals lie nine times in ten, were the {} hidden runs independent. Left, "
    "below the diagonal: "
    "intervals too narrow.\nRight, a hill at an end: losses came out higher (right end) or lower "
    "(left end) than forecast; "
    "at both ends: intervals too narrow."
)


@styled
def calibration(tested: Backtest) -> Figure:
    """Draw the share of hidden runs that central intervals hold, against the share that they
    promise, and the PIT.

    The model and today's practice are drawn together; grey bands show what chance allows, run by
    run independent.

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
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> tested = bs.backtest(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> bs.plots.calibration(tested).axes[0].get_xlabel()
    'stated coverage of the interval'
    """
    figure = Drawing(figsize=(9.2, 4.6), layout="constrained")
    figure.suptitle(
        f"Forecasts of hidden runs of {tested.runs.name}: {_hidden(tested)}",
        x=0.01,
        ha="left",
        fontsize=10,
        color=INK,
    )
    left, right = figure.subplots(1, 2)
    count = int((tested.frame["model"] == tested.model).sum())
    _band(left, count)
    bins = int(np.clip(count // _RUNS_A_BIN, 3, _MOST_BINS))
    edges = np.linspace(0, 1, bins + 1)
    low, high = (edge / count * bins for edge in binom.interval(_CHANCE, count, 1 / bins))
    right.axhspan(low, high, color=GREY, alpha=0.15, linewidth=0)
    right.axhline(1, color=GREY, linewidth=1)
    for (model, rows), colour, line in zip(
        _models(tested), COLOURS, ("-", (0, (4, 2))), strict=False
    ):
        _draw(left, rows["pit"].to_numpy(), model, colour, line)
        heights = np.histogram(rows["pit"], bins=edges)[0] / count * bins
        right.stairs(heights, edges, color=colour, linewidth=1.8, linestyle=line, label=model)
    left.set(
        xlabel="stated coverage of the interval",
        ylabel="share of hidden runs that it holds",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    left.set_xticks([0, 0.2, 0.5, 0.8, 0.9, 1], ["0", "0.2", "0.5", "0.8", "0.9", "1"])
    left.legend(loc="upper left")
    right.set(
        xlabel="share of the forecast below the observed loss (PIT)",
        ylabel="density of hidden runs",
        xlim=(0, 1),
    )
    right.set_ylim(bottom=0)
    note(figure, _NOTE.format(count))
    return figure


def _hidden(tested: Backtest) -> str:
    names = list(tested.posteriors)
    return names[0] if len(names) == 1 else f"{len(names)} folds"


def _models(tested: Backtest) -> list[tuple[str, pd.DataFrame]]:
    return [(str(model), rows) for model, rows in tested.frame.groupby("model", sort=False)]


def _band(axes: Axes, count: int) -> None:
    low, high = binom.interval(_CHANCE, count, _LEVELS)
    axes.fill_between(_LEVELS, low / count, high / count, color=GREY, alpha=0.15, linewidth=0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)


def _draw(axes: Axes, pit: np.ndarray, label: str, colour: str, line: object) -> None:
    # A central interval of share p holds a run whose PIT lies within p/2 of the median's.
    width = np.abs(2 * pit - 1)
    axes.plot(
        _LEVELS,
        [(width <= level).mean() for level in _LEVELS],
        color=colour,
        linewidth=1.8,
        linestyle=line,
        label=label,
    )
    axes.scatter(
        _MARKED,
        [(width <= level).mean() for level in _MARKED],
        s=24,
        color=colour,
        edgecolor="white",
        zorder=4,
    )
