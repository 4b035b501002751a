"""A figure of the profile likelihood of two exponents, with draws of the posterior."""

from typing import overload

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from bayescale.decisions.checks.profile import LEVELS, Profile
from bayescale.decisions.checks.profile import profile as profiled
from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood
from bayescale.plots._drawing import COLOURS, INK, axes_of, drawn, styled, title
from bayescale.posterior.posterior import Posterior

_GREEK = {"alpha": "α", "beta": "β"}
_MOST_DOTS = 1000
# Largest drop of the log likelihood below its maximum that the axes must include.
_LARGEST_DROP = 6.0


@overload
def profile(posterior: Posterior, *, ax: None = None) -> Figure: ...
@overload
def profile(posterior: Posterior, *, ax: Axes) -> Axes: ...
@styled
def profile(posterior: Posterior, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw the 50 and 90 % regions of the profile likelihood of two exponents, and draws.

    Parameters
    ----------
    posterior : Posterior
        Its law must have two exponents, and its noise model must be a likelihood.
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Raises
    ------
    InputError
        If the law does not have two exponents, or the noise model is not a likelihood.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.profile(point).axes[0].get_xlabel()
    'α (no unit)'
    """
    exponents = {term.exponent for term in posterior.law.terms if term.exponent is not None}
    if len(exponents) != 2 or not is_likelihood(posterior.noise):
        raise InputError(
            f"A profile is drawn over two exponents of a likelihood; here are "
            f"{posterior.law.formula} and "
            f"{posterior.noise.title}. `bs.profile(...).summary()` has the numbers."
        )
    found = profiled(posterior)
    across, down = [str(name) for name in found.data.dims]
    axes = axes_of(ax, (6.4, 5.4))
    axes.set(
        title=title(posterior),
        xlabel=f"{_GREEK.get(across, across)} (no unit)",
        ylabel=f"{_GREEK.get(down, down)} (no unit)",
    )
    if posterior.n_draws > 1:
        n_dots = min(posterior.n_draws, _MOST_DOTS)
        some = np.linspace(0, posterior.n_draws - 1, n_dots).astype(int)
        axes.scatter(
            posterior.draws(across)[some],
            posterior.draws(down)[some],
            s=5,
            color=COLOURS[0],
            alpha=0.35,
            linewidth=0,
        )
    height = found.data["relative_log_likelihood"].to_numpy()
    labels = {-chi2.ppf(level, df=2) / 2: f"{level:.0%}" for level in LEVELS}
    lines = axes.contour(
        found.data[across].to_numpy(),
        found.data[down].to_numpy(),
        height.T,
        levels=sorted(labels),
        colors=INK,
        linewidths=1.2,
        linestyles="solid",
    )
    axes.clabel(lines, fmt=lambda level: labels[level], fontsize=8)
    best = found.summary()["best"]
    axes.plot(best[across], best[down], marker="+", markersize=10, color=INK, linestyle="none")
    axes.set_xlim(*_limits(found, posterior, along=0))
    axes.set_ylim(*_limits(found, posterior, along=1))
    dots = " Dots: draws of the posterior." if posterior.n_draws > 1 else ""
    text = f"Lines: 50 and 90 % regions of the likelihood alone; +: its maximum.{dots}"
    return drawn(axes, ax, text)


def _limits(found: Profile, posterior: Posterior, along: int) -> tuple[float, float]:
    """Return limits that include the high likelihood and 98 % of the draws along an axis."""
    likelihood = found.data["relative_log_likelihood"]
    name = str(likelihood.dims[along])
    visible = likelihood.to_numpy() > -_LARGEST_DROP
    nodes = found.data[name].to_numpy()[visible.any(axis=1 - along)]
    low, high = np.quantile(posterior.draws(name), [0.01, 0.99])
    return min(nodes.min(), low), max(nodes.max(), high)
