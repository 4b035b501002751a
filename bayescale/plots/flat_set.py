"""A figure of the expected regret of each size at a budget, which shows how flat the optimum is."""

from typing import overload

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.decisions.plans.bounds import AMOUNTS
from bayescale.decisions.plans.flat_set import FlatSet
from bayescale.plots._drawing import (
    COLOURS,
    INK,
    LABELS,
    axes_of,
    drawn,
    log_ticks,
    styled,
)
from bayescale.units import as_power_of_ten


@overload
def flat_set(found: FlatSet, *, ax: None = None) -> Figure: ...
@overload
def flat_set(found: FlatSet, *, ax: Axes) -> Axes: ...
@styled
def flat_set(found: FlatSet, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw the expected regret of each size at each budget, and shade the near-optimal sizes.

    Parameters
    ----------
    found : FlatSet
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> bs.plots.flat_set(bs.flat_set(post, compute=1e23)).axes[0].get_xlabel()
    'parameters N'
    """
    over = str(found.frame.columns[0])
    axes = axes_of(ax, (7.8, 4.2))
    axes.set(xlabel=LABELS["n_params"], ylabel=f"expected regret ({found.loss_unit})", xscale="log")
    summary = found.summary()
    for colour, (budget, rows) in zip(COLOURS, found.frame.groupby(over), strict=False):
        near = rows[np.isfinite(rows["expected_regret"])]
        axes.plot(near["n_params"], near["expected_regret"], color=colour, linewidth=1.8)
        best = summary.loc[[budget]]
        axes.plot(
            best["n_params"],
            best["expected_regret"],
            marker="D",
            color=colour,
            markeredgecolor=INK,
            linestyle="none",
        )
        low, high = best[["low_50", "high_50"]].to_numpy()[0]
        if np.isfinite(low):
            axes.axvspan(low, high, color=colour, alpha=0.12, linewidth=0)
        if len(summary) > 1:
            _name(axes, over, float(rows[over].iloc[0]), float(best["n_params"].iloc[0]), colour)
    axes.axhline(found.epsilon, color=INK, linewidth=0.8, linestyle=":")
    bottom, top = axes.get_ylim()
    # A regret of zero lies a little above the edge, so that the best size is visible.
    axes.set_ylim(min(bottom, -0.05 * top), top)
    log_ticks(axes.xaxis, 8)
    text = (
        f"Shaded: {found.title} (dotted) with a probability of 50 % or more. Diamond: least "
        f"expected regret."
    )
    return drawn(axes, ax, text)


def _name(axes: Axes, over: str, budget: float, n_params: float, colour: str) -> None:
    """Write the budget above its sizes."""
    axes.text(
        n_params,
        0.98,
        f"{as_power_of_ten(budget)} {AMOUNTS[over].unit}".rstrip(),
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="top",
        fontsize=8.5,
        color=colour,
    )
