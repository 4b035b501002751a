"""A figure of loss against model size along slices of constant compute.

It has the runs near each budget and the best size of each budget.
"""

from collections.abc import Sequence
from typing import TypeAlias, overload

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.decisions.plans._one_budget import refuse_other_budgets, runs_are_of_one_budget
from bayescale.decisions.plans.allocate import allocate_by_law, loss_of_plans
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.plots._drawing import (
    INK,
    LABELS,
    axes_of,
    drawn,
    loss_axis,
    loss_label,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.runs import Runs
from bayescale.units import as_power_of_ten, budgets_or_none, nominal_budgets, six_nd, tokens_for

_Budgets: TypeAlias = Sequence[float] | np.ndarray | None

_POINTS = 32
_NEAR = 0.05
_MOST_BUDGETS = 9
_SPACED_BUDGETS = 5
# Each curve extends from the best size divided by this to the best size times this.
_SIZE_RATIO = 10.0
_MARGIN = 1.5
_MARGIN_FOR_LABELS = 6.0
_NOTE = (
    "Each line is one budget C = 6ND: median and 90 % band. Dots: runs within 12 % of "
    "the budget.\nDiamonds: the best size N* and its 90 % interval. Dashed: no run near that "
    "budget."
)
_NOTE_ON_A_POINT = (
    "Each line is one budget C = 6ND. Dots: runs within 12 % of the budget. Diamonds: the best "
    "size N*.\nDashed: no run near that budget."
)


@overload
def isoflop(
    posterior: Posterior, budgets: Sequence[float] | np.ndarray | None = None, *, ax: None = None
) -> Figure: ...
@overload
def isoflop(
    posterior: Posterior, budgets: Sequence[float] | np.ndarray | None = None, *, ax: Axes
) -> Axes: ...
@styled
def isoflop(
    posterior: Posterior,
    budgets: Sequence[float] | np.ndarray | None = None,
    *,
    ax: Axes | None = None,
) -> Figure | Axes:
    """Draw loss against model size at several budgets C = 6ND.

    The best size N* of each budget is drawn with its 90 % interval.

    Parameters
    ----------
    posterior : Posterior
    budgets : sequence of float, optional
        FLOPs. Unless given: the budgets of the runs, as `bayescale.isoflop` finds them, or of more
        than nine those with most runs; where the runs are in no budgets, five from the least to the
        most compute that a run had; and ten times the largest, unless all runs have one budget.
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the law has no trade-off between parameters and tokens, a budget is not positive,
        ``budgets`` is empty, or all runs have one budget and another is asked for.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.isoflop(point, budgets=[1e20, 1e24]).axes[0].get_xlabel()
    'parameters N'
    """
    if not isinstance(posterior.law, AllocatesCompute):
        raise InputError(
            f"{posterior.law.formula} has no trade-off between parameters and tokens, so a budget "
            f"has no best model size; fit Chinchilla(), or draw loss_along_compute."
        )
    runs = _runs(posterior)
    chosen = np.unique(
        _budgets(posterior.runs) if budgets is None else np.asarray(budgets, dtype=np.float64)
    )
    if not chosen.size:
        raise InputError(
            "isoflop: budgets is empty; give FLOPs such as [1e21, 1e22], or leave it out."
        )
    refuse_other_budgets("isoflop", posterior, chosen)
    optima = _optima(posterior, chosen)
    runs = _near(runs, chosen)
    curves = _curves(posterior, optima, runs)
    axes = axes_of(ax, (7.8, 5.4))
    axes.set(
        title=title(posterior),
        xlabel=LABELS["n_params"],
        ylabel=loss_label(posterior.runs),
        xscale="log",
    )
    shades = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.78, len(chosen)))
    for budget, colour in zip(chosen, shades, strict=True):
        curve = curves[curves["compute"] == budget]
        slice_runs = runs[runs["budget"] == budget]
        _draw_slice(axes, curve, slice_runs, colour, several=posterior.n_draws > 1)
    _draw_optima(axes, optima, shades)
    loss_axis(axes)
    # The automatic limits begin many decades before the first curve.
    sizes = curves["n_params"]
    axes.set_xlim(sizes.min() / _MARGIN, sizes.max() * _MARGIN_FOR_LABELS)
    return drawn(axes, ax, _NOTE if posterior.n_draws > 1 else _NOTE_ON_A_POINT)


def _runs(posterior: Posterior) -> pd.DataFrame:
    frame = posterior.runs.frame[["n_params", "n_tokens", "loss"]]
    return frame.assign(compute=six_nd(frame["n_params"], frame["n_tokens"]))


def _budgets(runs: Runs) -> np.ndarray:
    """Budgets of the runs, or else compute of runs that is spread over all of it; and ten times the
    largest, unless all runs have one budget.
    """
    if runs_are_of_one_budget(runs, ("n_params", "n_tokens")):
        return nominal_budgets(np.zeros(len(runs), dtype=int), runs.six_nd)
    budgets = budgets_or_none(runs.column("flops"))
    found = _spaced(runs.six_nd) if budgets is None else _fullest(budgets, runs.six_nd)
    return np.append(found, 10 * found.max())


def _fullest(budgets: np.ndarray, compute: np.ndarray) -> np.ndarray:
    """Compute of the budgets with most runs, as many as a figure can show."""
    most_first = np.argsort(-np.bincount(budgets), kind="stable")
    return nominal_budgets(budgets, compute)[most_first[:_MOST_BUDGETS]]


def _spaced(compute: np.ndarray) -> np.ndarray:
    """Compute of the runs nearest to equal steps in logarithm, so that no slice is without one."""
    log_compute = np.log10(compute)
    steps = np.linspace(log_compute.min(), log_compute.max(), _SPACED_BUDGETS)
    return compute[np.abs(log_compute[:, None] - steps).argmin(axis=0)]


def _optima(posterior: Posterior, budgets: np.ndarray) -> pd.DataFrame:
    """Return quantiles of N* and ``loss``, the median at the optimum; one row per budget."""
    plans = allocate_by_law(posterior, budgets).summary()
    sizes = plans.xs("n_params", level="quantity")[["q05", "q50", "q95"]]
    return sizes.assign(loss=plans.xs("loss", level="quantity")["q50"])


def _near(runs: pd.DataFrame, budgets: np.ndarray) -> pd.DataFrame:
    """Return the runs that are near a budget, with that budget in the column ``budget``."""
    log_compute = np.log10(runs["compute"].to_numpy())
    distance = np.abs(log_compute[:, None] - np.log10(budgets))
    nearest = runs.assign(budget=budgets[distance.argmin(axis=1)])
    return nearest[distance.min(axis=1) <= _NEAR]


def _curves(posterior: Posterior, optima: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return quantiles of loss along each budget, by law and departures.

    The sizes of a budget span its runs and the interval of N*. The columns ``n_params`` and
    ``compute`` are added.
    """
    sizes = runs.groupby("budget")["n_params"].agg(["min", "max"]).reindex(optima.index)
    low = np.fmin(sizes["min"], np.minimum(optima["q05"], optima["q50"] / _SIZE_RATIO))
    high = np.fmax(sizes["max"], np.maximum(optima["q95"], optima["q50"] * _SIZE_RATIO))
    n_params = np.geomspace(low, high, _POINTS).T.ravel()
    compute = np.repeat(optima.index.to_numpy(), _POINTS)
    losses = loss_of_plans(posterior, n_params, tokens_for(compute, n_params))
    return pd.DataFrame(losses).assign(n_params=n_params, compute=compute)


def _draw_slice(
    axes: Axes, curve: pd.DataFrame, runs: pd.DataFrame, colour: np.ndarray, several: bool
) -> None:
    if several:
        axes.fill_between(
            curve["n_params"],
            curve["q05"],
            curve["q95"],
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
    axes.plot(
        curve["n_params"],
        curve["q50"],
        color=colour,
        linewidth=1.3,
        linestyle="-" if len(runs) else (0, (4, 2)),
    )
    axes.scatter(
        runs["n_params"],
        runs["loss"],
        s=18,
        color=colour,
        edgecolor="white",
        linewidth=0.4,
        zorder=3,
    )
    end = curve.iloc[-1]
    text = f" {as_power_of_ten(end['compute'])} FLOPs" + ("" if len(runs) else ",\n no runs")
    axes.text(end["n_params"], end["q50"], text, color=colour, fontsize=8.5, va="center")


def _draw_optima(axes: Axes, optima: pd.DataFrame, shades: np.ndarray) -> None:
    axes.hlines(optima["loss"], optima["q05"], optima["q95"], color=INK, linewidth=2, zorder=4)
    axes.scatter(
        optima["q50"],
        optima["loss"],
        s=28,
        marker="D",
        color=shades,
        edgecolor=INK,
        linewidth=1,
        zorder=5,
    )
