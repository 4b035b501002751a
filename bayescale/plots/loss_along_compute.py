"""A figure of loss against compute: the runs, and the law's compute-optimal frontier with bands."""

from typing import overload

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.decisions.forecasts.surface import summarise_cells
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    LABELS,
    MARKERS,
    PAPER,
    axes_of,
    drawn,
    loss_axis,
    loss_label,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.units import tokens_for

_POINTS_PER_DECADE = 8
_MOST_GROUPS = 10
_MANY_RUNS = 100
# Lower and upper quantile, opacity and label of each band.
_LAW_BANDS = (
    ("law_q05", "law_q95", 0.25, "90 % of the law"),
    ("law_q25", "law_q75", 0.45, "50 % of the law"),
)
_OFF_THE_FRONTIER = (
    "Runs lie above the frontier where their N and D are not the best split of their compute "
    "(over- or under-trained)."
)
_BANDS = (
    "The frontier is a run at the posterior median N* of each budget; a new run adds the scatter "
    "of runs to the law's band."
)
_BANDS_OF_DEPARTURES = f"{_BANDS}\nThe band includes the departures from the law that runs share."


@overload
def loss_along_compute(
    posterior: Posterior, decades: float = 1.5, *, ax: None = None
) -> Figure: ...
@overload
def loss_along_compute(posterior: Posterior, decades: float = 1.5, *, ax: Axes) -> Axes: ...
@styled
def loss_along_compute(
    posterior: Posterior, decades: float = 1.5, *, ax: Axes | None = None
) -> Figure | Axes:
    """Draw the runs' loss against compute, with the fitted frontier and its 50 and 90 % bands.

    A law without a best split of compute is drawn along its own input.

    Parameters
    ----------
    posterior : Posterior
    decades : float, at least 0
        Distance of the extrapolation beyond the largest run, in powers of ten.
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the law has several inputs and no best split of compute, ``decades`` is negative, or all
        runs have one budget.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.loss_along_compute(point).axes[0].get_ylabel()
    'loss (nats per token)'
    """
    if not 0 <= decades < np.inf:
        raise InputError(f"loss_along_compute: decades={decades} must be 0 or more.")
    quantity = _abscissa(posterior)
    if quantity == "compute":
        refuse_other_budgets("loss_along_compute", posterior, None)
    runs = _runs(posterior, quantity)
    largest = runs["x"].max()
    line = _predictions(posterior, quantity, _grid(runs["x"].min(), largest, decades))
    axes = axes_of(ax, (7.8, 5.0))
    axes.set(
        title=title(posterior),
        xlabel=LABELS.get(quantity, quantity),
        ylabel=loss_label(posterior.runs),
    )
    _draw_law(axes, line, largest, several=posterior.n_draws > 1)
    _draw_runs(axes, runs)
    axes.set_xscale("log")
    axes.set_xlim(line["x"].iloc[0] / 1.3, line["x"].iloc[-1])
    loss_axis(axes)
    return drawn(axes, ax, _note(posterior, quantity))


def _note(posterior: Posterior, quantity: str) -> str:
    """Return what the reader should know of runs and bands."""
    if quantity != "compute":
        return ""
    if posterior.n_draws == 1:
        return _OFF_THE_FRONTIER
    bands = _BANDS_OF_DEPARTURES if posterior.noise.shared else _BANDS
    return f"{_OFF_THE_FRONTIER}\n{bands}"


def _abscissa(posterior: Posterior) -> str:
    """Return the quantity on the abscissa: ``compute``, or the only input of the law."""
    if isinstance(posterior.law, AllocatesCompute):
        return "compute"
    if len(posterior.law.inputs) > 1:
        raise InputError(
            f"{posterior.law.formula} has the inputs {', '.join(posterior.law.inputs)} and no best "
            f"split of compute, so there is no single line to draw; use forecast at the inputs you "
            f"mean."
        )
    return posterior.law.inputs[0]


def _runs(posterior: Posterior, quantity: str) -> pd.DataFrame:
    """Return a table of the runs with the columns ``x``, ``loss`` and ``group``.

    The group is an empty string where the runs have no groups, or too many to distinguish.
    """
    runs = posterior.runs
    # The frontier counts C as 6ND, so the runs must too, whatever FLOPs were reported for them.
    x = runs.six_nd if quantity == "compute" else runs.column(quantity)
    table = pd.DataFrame({"x": x, "loss": runs.column("loss"), "group": ""})
    if "group" in runs.frame:
        groups = runs.frame["group"].astype(str).to_numpy()
        if 1 < len(np.unique(groups)) <= _MOST_GROUPS:
            table["group"] = groups
    return table


def _grid(smallest: float, largest: float, decades: float) -> np.ndarray:
    """Return inputs that are evenly spaced on either side of the largest run.

    The largest run is one of them, so that the line can change there.
    """
    n_within = int(_POINTS_PER_DECADE * np.log10(largest / smallest)) + 2
    n_beyond = int(_POINTS_PER_DECADE * decades) + 2
    within = np.geomspace(smallest, largest, n_within)
    beyond = np.geomspace(largest, largest * 10**decades, n_beyond)
    return np.union1d(within, beyond)


def _predictions(posterior: Posterior, quantity: str, x: np.ndarray) -> pd.DataFrame:
    """Return ``x`` and statistics of the loss at each of its values.

    All values have the same scatter; otherwise heavy tails would make the band jagged.
    """
    if quantity == "compute":
        plans = allocate(posterior, compute=x).frame
        n_params = plans.loc[plans["quantity"] == "n_params", "q50"].to_numpy()
        inputs = {"n_params": n_params, "n_tokens": tokens_for(x, n_params)}
    else:
        inputs = {quantity: x}
    return summarise_cells(posterior, inputs).assign(x=x)


def _draw_law(axes: Axes, line: pd.DataFrame, largest: float, several: bool) -> None:
    inside = line[line["x"] <= largest]
    beyond = line[line["x"] >= largest]
    if len(beyond) > 1:
        axes.axvspan(largest, beyond["x"].iloc[-1], color=PAPER, linewidth=0, zorder=0)
        axes.text(
            largest,
            0.02,
            "  beyond the runs",
            transform=axes.get_xaxis_transform(),
            fontsize=8.5,
            color=GREY,
        )
    if several:
        for low, high, alpha, name in _LAW_BANDS:
            axes.fill_between(
                line["x"], line[low], line[high], color=GREY, alpha=alpha, linewidth=0, label=name
            )
    # An objective has no scatter to add: the forecast of a run is then the law itself.
    if several and not line["loss_q95"].equals(line["law_q95"]):
        axes.plot(
            line["x"],
            line["loss_q05"],
            color=GREY,
            linewidth=1,
            linestyle=":",
            label="90 % of a new run",
        )
        axes.plot(line["x"], line["loss_q95"], color=GREY, linewidth=1, linestyle=":")
    name = "median of the law" if several else "the law"
    axes.plot(inside["x"], inside["law_q50"], color=INK, linewidth=1.5, zorder=4, label=name)
    axes.plot(
        beyond["x"], beyond["law_q50"], color=INK, linewidth=1.5, zorder=4, linestyle=(0, (4, 2))
    )
    axes.add_artist(axes.legend(loc="lower left"))


def _draw_runs(axes: Axes, runs: pd.DataFrame) -> None:
    crowded = len(runs) > _MANY_RUNS
    groups = runs.sort_values("x", kind="stable").groupby("group", sort=False)
    handles = []
    for index, (group, rows) in enumerate(groups):
        dots = axes.scatter(
            rows["x"],
            rows["loss"],
            s=14 if crowded else 26,
            color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            edgecolor="white",
            linewidth=0.4,
            label=str(group) or "runs",
            alpha=0.9,
            zorder=3 if crowded else 5,  # many runs would hide the line
        )
        handles.append(dots)
    axes.legend(handles=handles, loc="upper right")
