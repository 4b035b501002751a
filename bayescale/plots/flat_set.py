"""How flat is the optimum? What each size is expected to lose at a budget."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bayescale.decisions.plans.flat_set import FlatSet
from bayescale.plots._drawing import (
    COLOURS,
    INK,
    LABELS,
    Drawing,
    log_ticks,
    note,
    styled,
)
from bayescale.units import as_power_of_ten


@styled
def flat_set(found: FlatSet) -> Figure:
    """Draw the expected regret of each size at each budget, and shade the sizes that are probably
    near the best.

    Parameters
    ----------
    found : FlatSet

    Returns
    -------
    Figure

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
    figure = Drawing(figsize=(7.8, 4.2), layout="constrained")
    axes = figure.add_subplot(
        xlabel=LABELS["n_params"], ylabel="expected regret (nats per token)", xscale="log"
    )
    told = found.summary()
    for colour, (budget, rows) in zip(COLOURS, found.frame.groupby(over), strict=False):
        near = rows[np.isfinite(rows["expected_regret"])]
        name = as_power_of_ten(float(rows[over].iloc[0]))
        axes.plot(
            near["n_params"], near["expected_regret"], color=colour, linewidth=1.8, label=name
        )
        row: dict[Any, Any] = told.loc[budget].to_dict()
        axes.plot(
            row["n_params"],
            row["expected_regret"],
            marker="D",
            color=colour,
            markeredgecolor=INK,
            linestyle="none",
        )
        if np.isfinite(row["low_50"]):
            axes.axvspan(row["low_50"], row["high_50"], color=colour, alpha=0.12, linewidth=0)
    axes.axhline(found.epsilon, color=INK, linewidth=0.8, linestyle=":")
    low, high = axes.get_ylim()
    # Losing nothing lies a little above the edge, so that the best size is seen.
    axes.set_ylim(min(low, -0.05 * high), high)
    log_ticks(axes.xaxis, 8)
    if len(told) > 1:
        axes.legend(title=over)
    note(
        figure,
        f"Shaded: sizes within {found.epsilon:g} nats (dotted) of the best with a probability of "
        f"50 % or more. "
        "Diamond: least expected regret.",
    )
    return figure
