"""A figure of calibration: stated against actual coverage, and the PIT of each hidden run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from bayescale.decisions.checks.backtest import Backtest
from bayescale.plots._drawing import COLOURS, GREY, INK, Drawing, note, styled

_LEVELS = np.linspace(0.02, 0.98, 49)
_MARKED_LEVELS = np.array([0.5, 0.8, 0.9, 0.95])
_CHANCE = 0.9
_MOST_BINS = 10
_RUNS_PER_BIN = 4
_LINE_STYLES = ("-", (0, (4, 2)))
_NOTE = (
    "Grey: 90 % band of calibrated intervals, if the {} hidden runs were independent. Left, below "
    "the diagonal: intervals too narrow.\nRight, a hill at one end: losses higher (right end) or "
    "lower (left end) than forecast; hills at both ends: intervals too narrow."
)


@styled
def calibration(tested: Backtest) -> Figure:
    """Draw the actual coverage of central intervals against their stated coverage, and the PIT.

    The model and today's practice are drawn together; grey bands show the variation due to chance
    if runs are independent.

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
    heading = f"Forecasts of hidden runs of {tested.runs.name}: {_folds(tested)}"
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10, color=INK)
    left, right = figure.subplots(1, 2)
    count = int((tested.frame["model"] == tested.model).sum())
    _band(left, count)
    bins = int(np.clip(count // _RUNS_PER_BIN, 3, _MOST_BINS))
    edges = np.linspace(0, 1, bins + 1)
    fewest, most = binom.interval(_CHANCE, count, 1 / bins)
    right.axhspan(fewest / count * bins, most / count * bins, color=GREY, alpha=0.15, linewidth=0)
    right.axhline(1, color=GREY, linewidth=1)
    models = tested.frame.groupby("model", sort=False)
    for (model, rows), colour, line in zip(models, COLOURS, _LINE_STYLES, strict=False):
        _draw_coverage(left, rows["pit"].to_numpy(), str(model), colour, line)
        counts, _ = np.histogram(rows["pit"], bins=edges)
        right.stairs(
            counts / count * bins, edges, color=colour, linewidth=1.8, linestyle=line, label=model
        )
    left.set(
        xlabel="stated coverage of the interval",
        ylabel="share of hidden runs in the interval",
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


def _folds(tested: Backtest) -> str:
    names = list(tested.posteriors)
    return names[0] if len(names) == 1 else f"{len(names)} folds"


def _band(axes: Axes, count: int) -> None:
    low, high = binom.interval(_CHANCE, count, _LEVELS)
    axes.fill_between(_LEVELS, low / count, high / count, color=GREY, alpha=0.15, linewidth=0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)


def _draw_coverage(axes: Axes, pit: np.ndarray, label: str, colour: str, line: object) -> None:
    coverage = _coverage(pit, _LEVELS)
    axes.plot(_LEVELS, coverage, color=colour, linewidth=1.8, linestyle=line, label=label)
    marked = _coverage(pit, _MARKED_LEVELS)
    axes.scatter(_MARKED_LEVELS, marked, s=24, color=colour, edgecolor="white", zorder=4)


def _coverage(pit: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the share of runs in the central interval of each level, shape (levels,)."""
    # A central interval of probability p contains a run whose PIT differs from 1/2 by at most p/2.
    needed = np.abs(2 * pit - 1)
    return np.mean(needed <= levels[:, None], axis=1)
