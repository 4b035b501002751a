"""A figure of the joint posterior of every pair of a law's parameters, and of each parameter."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayescale.laws.base import Parameter
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    Drawing,
    log_ticks,
    note,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.units import in_loss_unit, rounded

_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ"}
_SIDE = 1.62
_ROOM_FOR_THE_TITLE = 6.0
_BINS = 30
_FEW_DRAWS = 200
_DENSITY = LinearSegmentedColormap.from_list("density", ("#d6e6f2", COLOURS[0], "#00263d"))


@styled
def pair(posterior: Posterior) -> Figure:
    """Draw the joint posterior of each pair of the law's parameters, and each parameter's marginal.

    The marginal has the median and the 90 % interval.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    Figure

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> [axes.get_xlabel().split()[0] for axes in bs.plots.pair(point).axes if axes.get_xlabel()]
    ['E', 'A', 'B', 'α', 'β']
    """
    parameters = posterior.law.parameters
    count = len(parameters)
    unit = posterior.runs.loss_unit
    side = max(_SIDE * count, _ROOM_FOR_THE_TITLE)
    figure = Drawing(figsize=(side, side + 0.5), layout="constrained")
    figure.suptitle(title(posterior), x=0.01, ha="left", fontsize=10)
    grid = figure.subplots(count, count, squeeze=False, sharex="col")
    for row, down in enumerate(parameters):
        _draw_marginal(grid[row, row], posterior, down)
        for axes, across in zip(grid[row, :row], parameters, strict=False):
            _draw_joint(axes, posterior, across, down)
        for axes in grid[row, row + 1 :]:
            axes.remove()
    for axes, parameter in zip(grid[-1], parameters, strict=True):
        axes.set_xlabel(_label(parameter, unit))
        _draw_ticks(axes.xaxis, parameter)
    for axes, parameter in zip(grid[1:, 0], parameters[1:], strict=True):
        axes.set_ylabel(_label(parameter, unit))
        axes.tick_params(labelleft=True)
    if posterior.n_draws > 1:
        note(
            figure,
            "Lines and the numbers above them are medians; grey bands and ranges, 90 % intervals.",
        )
    return figure


def _draw_marginal(axes: Axes, posterior: Posterior, parameter: Parameter) -> None:
    low, median, high = (
        posterior.summary().loc[[parameter.name], ["q05", "q50", "q95"]].to_numpy()[0].tolist()
    )
    interval = f"\n{rounded(low)} to {rounded(high)}" if posterior.n_draws > 1 else ""
    axes.set_title(f"{_symbol(parameter)} = {rounded(median)}{interval}", fontsize=8.5)
    axes.set_xscale(_scale(parameter))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if posterior.n_draws > 1:
        draws = posterior.draws(parameter.name)
        axes.axvspan(low, high, color=GREY, alpha=0.18, linewidth=0)
        axes.hist(
            draws,
            bins=_edges(draws, parameter).tolist(),
            color=COLOURS[0],
            alpha=0.8,
            histtype="stepfilled",
        )
    else:
        axes.set_xlim(0.9 * median, 1.1 * median)
    axes.axvline(median, color=INK, linewidth=1.2)


def _draw_joint(axes: Axes, posterior: Posterior, across: Parameter, down: Parameter) -> None:
    x = posterior.draws(across.name)
    y = posterior.draws(down.name)
    axes.set_xscale(_scale(across))
    axes.set_yscale(_scale(down))
    if posterior.n_draws < _FEW_DRAWS:
        axes.scatter(x, y, s=12, color=COLOURS[0], linewidth=0)
    else:
        axes.hist2d(x, y, bins=[_edges(x, across), _edges(y, down)], cmin=1, cmap=_DENSITY)
    _draw_ticks(axes.yaxis, down)
    axes.tick_params(labelleft=False)


def _edges(draws: np.ndarray, parameter: Parameter) -> np.ndarray:
    """Return the edges of bins that have equal widths on the parameter's axis."""
    spaced = np.geomspace if _scale(parameter) == "log" else np.linspace
    return spaced(draws.min(), draws.max(), _BINS + 1)


def _draw_ticks(axis: Axis, parameter: Parameter) -> None:
    if _scale(parameter) == "log":
        log_ticks(axis, count=3)
    else:
        axis.set_major_locator(MaxNLocator(3))


def _scale(parameter: Parameter) -> Literal["linear", "log"]:
    # Of what multiplies a power the logarithm is nearly Normal, and a linear axis would show one
    # spike and one tail.
    return "log" if parameter.role == "level" and parameter.powers else "linear"


def _symbol(parameter: Parameter) -> str:
    return _GREEK.get(parameter.name, parameter.name)


def _label(parameter: Parameter, loss_unit: str) -> str:
    """Return the symbol and the unit."""
    return f"{_symbol(parameter)} ({in_loss_unit(parameter.unit, loss_unit) or 'no unit'})"
