"""How loss falls as compute grows: the runs, the law's compute-optimal frontier, and how sure both
are beyond the runs.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.decisions.forecasts.surface import summarise_cells
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.plots._drawing import (
    COLOURS,
    GREY,
    INK,
    LABELS,
    MARKERS,
    PAPER,
    Drawing,
    loss_axis,
    note,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.units import tokens_for

_POINTS_A_DECADE = 8
_MOST_GROUPS = 10
_MANY_RUNS = 100
_OFF_THE_FRONTIER = "Runs lie above the frontier where their N and D are not the best split of their compute (over- or under-trained)."
_BANDS = "The frontier is a run at the posterior median N* of each budget; a new run adds the scatter of runs to the law's band."
_BANDS_OF_DEPARTURES = f"{_BANDS}\nThe band has the departures from the law that runs share."


@styled
def loss_along_compute(posterior: Posterior, decades: float = 1.5) -> Figure:
    """Draw the runs' loss against compute, with the fitted frontier and its 50 and 90 % bands.

    A law without a best split of compute is drawn along its own input.

    Parameters
    ----------
    posterior : Posterior
    decades : float, at least 0
        How far beyond the largest run to extrapolate, in powers of ten.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where the law has several inputs and no best split of compute, or ``decades`` is negative.

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
    runs = _runs(posterior, quantity)
    largest = runs["x"].max()
    line = _predictions(posterior, quantity, _grid(runs["x"].min(), largest, decades))
    figure = Drawing(figsize=(7.8, 5.0), layout="constrained")
    axes = figure.add_subplot(
        title=title(posterior), xlabel=LABELS.get(quantity, quantity), ylabel=LABELS["loss"]
    )
    _draw_law(axes, line, largest, several=posterior.n_draws > 1)
    _draw_runs(axes, runs)
    axes.set_xscale("log")
    axes.set_xlim(line["x"].iloc[0] / 1.3, line["x"].iloc[-1])
    loss_axis(axes)
    if quantity == "compute":
        bands = _BANDS_OF_DEPARTURES if posterior.noise.shared else _BANDS
        note(
            figure, f"{_OFF_THE_FRONTIER}\n{bands}" if posterior.n_draws > 1 else _OFF_THE_FRONTIER
        )
    return figure


def _abscissa(posterior: Posterior) -> str:
    """``compute`` for a law that splits it, otherwise the law's one input."""
    if hasattr(posterior.law, "optimal_n_params"):
        return "compute"
    if len(posterior.law.inputs) > 1:
        raise InputError(
            f"{posterior.law.formula} has the inputs {', '.join(posterior.law.inputs)} and no best "
            f"split of compute, "
            "so there is no one line to draw; use forecast at the inputs you mean."
        )
    return posterior.law.inputs[0]


def _runs(posterior: Posterior, quantity: str) -> pd.DataFrame:
    """Columns ``x``, ``loss`` and ``group``, which is empty where the runs have no groups, or too
    many to tell apart.
    """
    runs = posterior.runs
    # The frontier counts C as 6ND, so the runs must too, whatever FLOPs were reported for them.
    x = runs.six_nd if quantity == "compute" else runs.column(quantity)
    groups = (
        runs.frame["group"].astype(str).to_numpy()
        if "group" in runs.frame
        else np.full(len(runs), "")
    )
    told_apart = 1 < len(np.unique(groups)) <= _MOST_GROUPS
    return pd.DataFrame(
        {"x": x, "loss": runs.column("loss"), "group": groups if told_apart else ""}
    )


def _grid(smallest: float, largest: float, decades: float) -> np.ndarray:
    """Inputs evenly spaced on either side of the largest run, which is one of them, so that the
    line can change there.
    """
    within = int(_POINTS_A_DECADE * np.log10(largest / smallest)) + 2
    beyond = int(_POINTS_A_DECADE * decades) + 2
    return np.union1d(
        np.geomspace(smallest, largest, within),
        np.geomspace(largest, largest * 10**decades, beyond),
    )


def _predictions(posterior: Posterior, quantity: str, x: np.ndarray) -> pd.DataFrame:
    """``x``, and statistics of the loss there. All meet the same scatter, or heavy tails would make
    the band jagged.
    """
    if quantity == "compute":
        plans = allocate(posterior, compute=x).frame
        n_params = plans.loc[plans["quantity"] == "n_params", "q50"].to_numpy()
        inputs = {"n_params": n_params, "n_tokens": tokens_for(x, n_params)}
    else:
        inputs = {quantity: x}
    return summarise_cells(posterior, inputs).assign(x=x)


def _draw_law(axes: Axes, line: pd.DataFrame, largest: float, several: bool) -> None:
    inside, beyond = line[line["x"] <= largest], line[line["x"] >= largest]
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
        for share, low, high, depth in (
            (90, "law_q05", "law_q95", 0.25),
            (50, "law_q25", "law_q75", 0.45),
        ):
            name = f"{share} % of the law"
            axes.fill_between(
                line["x"], line[low], line[high], color=GREY, alpha=depth, linewidth=0, label=name
            )
    # An objective has no scatter to add: then the forecast of a run is the law's own.
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
    points = [
        axes.scatter(
            rows["x"],
            rows["loss"],
            s=14 if crowded else 26,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            edgecolor="white",
            linewidth=0.4,
            label=str(group) or "runs",
            alpha=0.9,
            zorder=3 if crowded else 5,  # so many runs would hide the line
        )
        for place, (group, rows) in enumerate(
            runs.sort_values("x", kind="stable").groupby("group", sort=False)
        )
    ]
    axes.legend(handles=points, loc="upper right")
