"""A figure of the intervals of the prior beside those that the runs leave."""

from textwrap import fill
from typing import overload

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.errors import InputError
from bayescale.plots._drawing import COLOURS, GREY, axes_of, drawn, styled, title
from bayescale.posterior.beside_prior import QUANTITIES
from bayescale.posterior.beside_prior import beside_prior as intervals_of
from bayescale.posterior.posterior import Posterior

_LABEL_WIDTH = 26  # characters
_NOTE = (
    "Grey: median and 90 % interval of the prior. Blue: those that the runs leave.\nShares and "
    "exponents at the runs where the prior is stated."
)


@overload
def beside_prior(posterior: Posterior, *, ax: None = None) -> Figure: ...
@overload
def beside_prior(posterior: Posterior, *, ax: Axes) -> Axes: ...
@styled
def beside_prior(posterior: Posterior, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw the interval of the prior of each quantity, and the interval that the runs leave.

    Parameters
    ----------
    posterior : Posterior
        Its law must have the parameters E, A, B, alpha, beta and gamma.
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the law has other parameters.

    Examples
    --------
    >>> import bayescale as bs
    >>> post = bs.fit(bs.datasets.simulate(seed=1))  # doctest: +SKIP
    >>> bs.plots.beside_prior(post).axes[0].get_xlabel()  # doctest: +SKIP
    'value (no unit)'
    """
    table = intervals_of(posterior)
    if table.empty:
        raise InputError(
            f"beside_prior is drawn for a law with the parameters E, A, B, alpha, beta and gamma; "
            f"here is {posterior.law.formula}. Fit Coupled(), or see `Posterior.to_dict()`, "
            f"whose prior_weight says how far the runs narrow each prior."
        )
    axes = axes_of(ax, (7.8, 4.0))
    axes.set(title=title(posterior), xlabel="value (no unit)")
    heights = np.arange(len(table))
    above, below = heights - 0.14, heights + 0.14
    axes.hlines(above, table["prior_q05"], table["prior_q95"], color=GREY, linewidth=5, alpha=0.45)
    axes.scatter(table["prior_q50"], above, s=34, marker="|", color=GREY, zorder=3)
    axes.hlines(below, table["q05"], table["q95"], color=COLOURS[0], linewidth=2)
    axes.scatter(table["q50"], below, s=22, color=COLOURS[0], zorder=3)
    labels = [fill(QUANTITIES[name], _LABEL_WIDTH) for name in table.index]
    axes.set_yticks(heights, labels)
    axes.set_ylim(len(table) - 0.5, -0.6)
    axes.tick_params(axis="y", length=0)
    _name(axes, "prior", table["prior_q95"].iloc[0], above[0], GREY)
    _name(axes, "posterior", table["q95"].iloc[0], below[0], COLOURS[0])
    return drawn(axes, ax, _NOTE)


def _name(axes: Axes, text: str, x: float, y: float, colour: str) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=colour,
    )
