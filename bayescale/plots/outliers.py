"""A figure of residuals, with the probability that each run is an outlier."""

from typing import overload

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bayescale.decisions.checks.outliers import NAMED
from bayescale.decisions.checks.outliers import outliers as find_outliers
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    LABELS,
    PAPER,
    axes_of,
    colour_bar,
    drawn,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.units import six_nd

_MOST_NAMED = 12
# The axis is linear only if all residuals are within this many times the shaded limit.
_FAR = 3.0
_SHADES = LinearSegmentedColormap.from_list("outlier", ("white", COLOURS[1]))


@overload
def outliers(posterior: Posterior, *, ax: None = None) -> Figure: ...
@overload
def outliers(posterior: Posterior, *, ax: Axes) -> Axes: ...
@styled
def outliers(posterior: Posterior, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw each run's residual against compute, coloured by its probability of being an outlier.

    Residuals are in units of the scale of the bulk.

    Parameters
    ----------
    posterior : Posterior
        Its noise model must be a likelihood.
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the noise model is an objective.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.outliers(point).axes[0].get_ylabel()
    'residual of log loss (scales of the bulk)'
    """
    judgement = find_outliers(posterior)
    limit = judgement.limit
    frame, quantity = _with_abscissa(judgement.frame, posterior)
    axes = axes_of(ax, (7.8, 4.8))
    label = LABELS.get(quantity, quantity)
    axes.set(
        title=title(posterior), xlabel=label, ylabel="residual of log loss (scales of the bulk)"
    )
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.axhspan(-limit, limit, color=PAPER, zorder=0)
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    dots = axes.scatter(
        frame["x"],
        frame["residual"],
        c=frame["probability"],
        cmap=_SHADES,
        vmin=0,
        vmax=1,
        s=26,
        edgecolor=INK,
        linewidth=0.4,
    )
    colour_bar(axes, dots, "probability of being an outlier")
    # On a linear axis one very large residual would compress all others to a line.
    if frame["residual"].abs().max() > _FAR * limit:
        axes.set_yscale("symlog", linthresh=limit)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _annotate(axes, frame)
    text = (
        f"Shaded: within {limit:.2f} scales. The probability that any regular run is outside is "
        f"5 %."
    )
    return drawn(axes, ax, text)


def _with_abscissa(frame: pd.DataFrame, posterior: Posterior) -> tuple[pd.DataFrame, str]:
    """Return the table with the abscissa in the column ``x``, and the name of that quantity."""
    if {"n_params", "n_tokens"} <= set(frame):
        return frame.assign(x=six_nd(frame["n_params"], frame["n_tokens"])), "compute"
    return frame.assign(x=frame[posterior.law.inputs[0]]), posterior.law.inputs[0]


def _annotate(axes: Axes, frame: pd.DataFrame) -> None:
    """Add the names of the runs that are probably outliers."""
    named = frame[frame["probability"] > NAMED].head(_MOST_NAMED).sort_values("residual")
    points = named[["x", "residual"]].to_numpy()
    for index, run_id in enumerate(named["run_id"].astype(str)):
        # Neighbours in height have their names on opposite sides, so that they seldom overlap.
        on_left = index % 2 == 1
        axes.annotate(
            run_id,
            (points[index, 0], points[index, 1]),
            xytext=(-7 if on_left else 7, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontsize=8,
            color=INK,
        )
