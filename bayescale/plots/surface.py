"""A figure of the loss over parameters and tokens, with the uncertainty of the law.

It has the runs and the best split of compute.
"""

from typing import overload

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bayescale.decisions.forecasts.surface import surface as predicted_surface
from bayescale.decisions.plans._one_budget import is_of_one_budget
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.plots._drawing import (
    COLOURS,
    INK,
    LABELS,
    axes_of,
    colour_bar,
    drawn,
    styled,
    title,
)
from bayescale.posterior.posterior import Posterior
from bayescale.units import in_loss_unit, six_nd

_POINTS = 40
# Each axis extends to the largest run times this.
_EXTRAPOLATION = 10.0
_CONTOURS = 12
# Pale, so that lines stay legible.
_SHADES = LinearSegmentedColormap.from_list("uncertainty", ("white", "#6aaed6"))
_NOTE = (
    "Lines: median loss of the law, nats per token. Dots: runs. Dashed: the median best N and D of "
    "each compute budget."
)


@overload
def surface(posterior: Posterior, *, ax: None = None) -> Figure: ...
@overload
def surface(posterior: Posterior, *, ax: Axes) -> Axes: ...
@styled
def surface(posterior: Posterior, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw the law's loss over parameters and tokens as contours, and its uncertainty as shading.

    The runs and the best split of compute are drawn on it.

    Parameters
    ----------
    posterior : Posterior
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the inputs of the law are not parameters and tokens.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.surface(point).axes[0].get_ylabel()
    'training tokens D'
    """
    if set(posterior.law.inputs) != {"n_params", "n_tokens"}:
        raise InputError(
            f"{posterior.law.formula} has the inputs {', '.join(posterior.law.inputs)}; a surface "
            f"is drawn over n_params and n_tokens. Fit Chinchilla(), or draw loss_along_compute."
        )
    n_params = _axis(posterior.runs.column("n_params"))
    n_tokens = _axis(posterior.runs.column("n_tokens"))
    data = predicted_surface(posterior, n_params=n_params, n_tokens=n_tokens).data
    axes = axes_of(ax, (7.8, 5.8))
    axes.set(title=title(posterior), xlabel=LABELS["n_params"], ylabel=LABELS["n_tokens"])
    axes.set(xscale="log", yscale="log")
    if posterior.n_draws > 1:
        _draw_uncertainty(axes, data)
    _draw_contours(axes, data)
    axes.scatter(
        posterior.runs.column("n_params"),
        posterior.runs.column("n_tokens"),
        s=18,
        color=INK,
        zorder=4,
    )
    if isinstance(posterior.law, AllocatesCompute) and not is_of_one_budget(posterior):
        _draw_best_split(axes, posterior, six_nd(n_params, n_tokens))
    axes.set(xlim=n_params[[0, -1]].tolist(), ylim=n_tokens[[0, -1]].tolist())
    return drawn(axes, ax, in_loss_unit(_NOTE, posterior.runs.loss_unit))


def _axis(values: np.ndarray) -> np.ndarray:
    """Return points from half of the least value to ten times the largest."""
    return np.geomspace(values.min() / 2, values.max() * _EXTRAPOLATION, _POINTS)


def _draw_uncertainty(axes: Axes, data: xr.Dataset) -> None:
    half_width = 50 * (data["law_q95"] - data["law_q05"]) / data["law_q50"]
    # Smooth, so that no cell looks like a result; rasterised also in vector files.
    shading = axes.pcolormesh(
        data["n_params"],
        data["n_tokens"],
        half_width.T,
        shading="gouraud",
        cmap=_SHADES,
        vmin=0,
        rasterized=True,
    )
    colour_bar(axes, shading, "half the 90 % interval of the law (% of its median)")


def _draw_contours(axes: Axes, data: xr.Dataset) -> None:
    loss = data["law_q50"].T
    # Evenly spaced in their logarithms, so that lines do not crowd where loss is steep.
    spaced = np.geomspace(loss.min(), loss.max(), _CONTOURS + 2)[1:-1]
    levels = np.unique([float(f"{level:.3g}") for level in spaced])
    lines = axes.contour(
        data["n_params"], data["n_tokens"], loss, levels=levels, colors=INK, linewidths=0.8
    )
    axes.clabel(lines, fontsize=8, fmt="%.3g")


def _draw_best_split(axes: Axes, posterior: Posterior, compute: np.ndarray) -> None:
    best = allocate(posterior, compute=compute).draws.median("draw")
    axes.plot(
        best["n_params"],
        best["n_tokens"],
        color=COLOURS[1],
        linewidth=1.8,
        linestyle=(0, (4, 2)),
        zorder=3,
    )
