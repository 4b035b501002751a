"""Which runs lie off the law, by how much, and how surely they are outliers."""

from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bayescale.decisions.checks.outliers import NAMED
from bayescale.decisions.checks.outliers import outliers as judged
from bayescale.plots._drawing import COLOURS, GREY, INK, LABELS, PAPER, Drawing, note, styled, title
from bayescale.posterior.posterior import Posterior
from bayescale.units import six_nd

_MOST_NAMED = 12
_FAR = 3.0
_SHADES = LinearSegmentedColormap.from_list("outlier", ("white", COLOURS[1]))


@styled
def outliers(posterior: Posterior) -> Figure:
    """Draw each run's residual in units of the scale against compute, shaded by the probability
    that it is an outlier.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where the noise model is an objective.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.outliers(point).axes[0].get_ylabel()
    'residual of log loss (scales of the bulk)'
    """
    found = judged(posterior)
    frame, quantity = _placed(found.frame, posterior)
    figure = Drawing(figsize=(7.8, 4.8), layout="constrained")
    label = LABELS.get(quantity, quantity)
    axes = figure.add_subplot(
        title=title(posterior), xlabel=label, ylabel="residual of log loss (scales of the bulk)"
    )
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.axhspan(-found.limit, found.limit, color=PAPER, zorder=0)
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    dots = axes.scatter(
        frame["at"],
        frame["residual"],
        c=frame["probability"],
        cmap=_SHADES,
        vmin=0,
        vmax=1,
        s=26,
        edgecolor=INK,
        linewidth=0.4,
    )
    figure.colorbar(dots, ax=axes, label="probability of being an outlier")
    # A run very far off would press all others to a line.
    if frame["residual"].abs().max() > _FAR * found.limit:
        axes.set_yscale("symlog", linthresh=found.limit)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _name(axes, frame)
    note(
        figure,
        f"Shaded: within {found.limit:.2f} scales, which honest runs leave with a probability of 5 "
        f"%, all together.",
    )
    return figure


def _placed(frame: pd.DataFrame, posterior: Posterior) -> tuple[pd.DataFrame, str]:
    if {"n_params", "n_tokens"} <= set(frame):
        return frame.assign(at=six_nd(frame["n_params"], frame["n_tokens"])), "compute"
    return frame.assign(at=frame[posterior.law.inputs[0]]), posterior.law.inputs[0]


def _name(axes: Axes, frame: pd.DataFrame) -> None:
    named = frame[frame["probability"] > NAMED].head(_MOST_NAMED).sort_values("residual")
    rows = zip(
        named["run_id"].astype(str),
        named["at"].to_numpy(),
        named["residual"].to_numpy(),
        strict=True,
    )
    # Neighbours in height have their names on opposite sides, so that they seldom meet.
    for on_left, (run_id, *place) in zip(cycle([False, True]), rows, strict=False):
        axes.annotate(
            run_id,
            (place[0], place[1]),
            xytext=(-7 if on_left else 7, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontsize=8,
            color=INK,
        )
