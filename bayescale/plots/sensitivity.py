"""How far the answers move under other assumptions, beside the posterior's own width."""

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
from bayescale.units import as_power_of_ten

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
_ROW, _AROUND = 0.21, 0.75


@styled
def sensitivity(found: Sensitivity) -> Figure:
    """Draw medians and 90 % intervals of each quantity under each variant, one panel a quantity.

    Parameters
    ----------
    found : Sensitivity
        Of `bayescale.sensitivity`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> from bayescale.decisions.checks.sensitivity import Sensitivity
    >>> row = {"kind": "posterior", "variant": "as fitted", "quantity": "alpha", "q05": 0.3, "q50": 0.34, "q95": 0.36}
    >>> bs.plots.sensitivity(Sensitivity("runs", 1e21, pd.DataFrame([row]))).axes[0].get_title("left")
    'α'
    """
    quantities = found.frame["quantity"].unique()
    variants = found.frame[["kind", "variant"]].drop_duplicates()
    rows = -(-len(quantities) // _COLUMNS)
    figure = Drawing(
        figsize=(10.0, rows * (_AROUND + _ROW * len(variants)) + 0.7), layout="constrained"
    )
    figure.suptitle(
        f"Sensitivity of {found.name}, at {as_power_of_ten(found.compute)} FLOPs",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    for axes, quantity in zip(grid.flat, quantities, strict=False):
        _draw(axes, found.frame[found.frame["quantity"] == quantity])
        axes.set_title(_TITLES[quantity])
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
        "Dots: medians; lines: 90 % intervals; band: the posterior's. The forecast is of one run "
        "under all variants.",
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    own = rows[rows["kind"] == "posterior"].iloc[0]
    axes.axvspan(own["q05"], own["q95"], color=GREY, alpha=0.15, linewidth=0)
    axes.axvline(own["q50"], color=GREY, linewidth=0.8)
    colours = [_KINDS[kind] for kind in rows["kind"]]
    heights = np.arange(len(rows))
    axes.hlines(heights, rows["q05"], rows["q95"], color=colours, linewidth=1.6)
    axes.scatter(rows["q50"], heights, color=colours, s=20, zorder=3)
