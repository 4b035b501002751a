"""A figure of the answers under other assumptions, beside the width of the posterior."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bayescale.decisions.checks.sensitivity import Sensitivity
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    Drawing,
    log_ticks,
    note,
    styled,
)
from bayescale.units import as_power_of_ten, in_loss_unit

_TITLES = {
    "alpha": "α",
    "beta": "β",
    "a": "a = β/(α + β)",
    "n_params": "best parameters N*",
    "n_tokens": "best tokens D*",
    "loss": "forecast loss (nats per token)",
}
_KINDS = {"posterior": INK, "likelihood": COLOURS[0], "form": COLOURS[1], "runs": COLOURS[2]}
_COLUMNS = 3
# Heights in inches: of a variant, and of a panel's title and axis.
_ROW_HEIGHT = 0.21
_PANEL_HEIGHT = 0.75


@styled
def sensitivity(found: Sensitivity) -> Figure:
    """Draw the median and 90 % interval of each quantity under each variant.

    Each quantity has its own panel.

    Parameters
    ----------
    found : Sensitivity
        Result of `bayescale.sensitivity`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> from bayescale.decisions.checks.sensitivity import Sensitivity
    >>> row = {"kind": "posterior", "variant": "as fitted", "quantity": "alpha"}
    >>> row |= {"q05": 0.3, "q50": 0.34, "q95": 0.36}
    >>> result = Sensitivity("runs", 1e21, pd.DataFrame([row]))
    >>> bs.plots.sensitivity(result).axes[0].get_title("left")
    'α'
    """
    quantities = found.frame["quantity"].unique()
    variants = found.frame[["kind", "variant"]].drop_duplicates()
    rows = -(-len(quantities) // _COLUMNS)
    height = rows * (_PANEL_HEIGHT + _ROW_HEIGHT * len(variants)) + 0.7
    figure = Drawing(figsize=(10.0, height), layout="constrained")
    figure.suptitle(
        f"Sensitivity of {found.name}, at {as_power_of_ten(found.compute)} FLOPs",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    # Room between the labels of the ends of neighbouring axes.
    figure.set_layout_engine("constrained", wspace=0.05)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    for axes, quantity in zip(grid.flat, quantities, strict=False):
        _draw(axes, found.frame[found.frame["quantity"] == quantity])
        axes.set_title(in_loss_unit(_TITLES[quantity], found.loss_unit))
        if quantity in ("n_params", "n_tokens"):
            axes.set_xscale("log")
            log_ticks(axes.xaxis, count=3)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_power_of_ten(value)))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(4))
    for axes in grid.flat[len(quantities) :]:
        axes.remove()
    grid[0, 0].set(
        yticks=np.arange(len(variants)),
        yticklabels=variants["variant"],
        ylim=(len(variants) - 0.5, -0.5),
    )
    note(
        figure,
        "Dots: medians; lines: 90 % intervals; band: 90 % interval of the posterior. Blue: other "
        "likelihoods; orange: other laws; green: fewer runs.\nAll variants forecast the same run.",
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    as_fitted = rows[rows["kind"] == "posterior"].iloc[0]
    axes.axvspan(as_fitted["q05"], as_fitted["q95"], color=GREY, alpha=0.15, linewidth=0)
    axes.axvline(as_fitted["q50"], color=GREY, linewidth=0.8)
    colours = [_KINDS[kind] for kind in rows["kind"]]
    heights = np.arange(len(rows))
    axes.hlines(heights, rows["q05"], rows["q95"], color=colours, linewidth=1.6)
    axes.scatter(rows["q50"], heights, color=colours, s=20, zorder=3)
