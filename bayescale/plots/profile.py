"""What the runs alone say of the exponents, and what the posterior makes of it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from bayescale.decisions.checks.profile import LEVELS, Profile
from bayescale.decisions.checks.profile import profile as profiled
from bayescale.errors import InputError
from bayescale.plots._drawing import COLOURS, INK, Drawing, note, styled, title
from bayescale.posterior.posterior import Posterior

_GREEK = {"alpha": "α", "beta": "β"}
_MOST_DOTS, _SEEN = 1000, 6.0


@styled
def profile(posterior: Posterior) -> Figure:
    """Draw the regions in which the likelihood, at its best for each pair of exponents, holds 50
    and 90 %; draws over them.

    Parameters
    ----------
    posterior : Posterior
        Of a law with two exponents and a likelihood.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where the law has not two exponents, or the noise model is no likelihood.

    Examples
    --------
    >>> import bayescale as bs
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> point = bs.fit(bs.datasets.simulate(seed=1), law=law, noise=noise, method=method)
    >>> bs.plots.profile(point).axes[0].get_xlabel()
    'α'
    """
    found = profiled(posterior)
    if len(found.data.dims) != 2 or "relative_log_likelihood" not in found.data:
        raise InputError(
            f"A profile is drawn over two exponents of a likelihood; here are "
            f"{posterior.law.formula} and "
            f"{posterior.noise.title}. `bs.profile(...).summary()` has the numbers."
        )
    across, down = map(str, found.data.dims)
    figure = Drawing(figsize=(6.4, 5.4), layout="constrained")
    axes = figure.add_subplot(
        title=title(posterior), xlabel=_GREEK.get(across, across), ylabel=_GREEK.get(down, down)
    )
    if posterior.n_draws > 1:
        some = np.linspace(0, posterior.n_draws - 1, min(posterior.n_draws, _MOST_DOTS)).astype(int)
        axes.scatter(
            posterior.draws(across)[some],
            posterior.draws(down)[some],
            s=5,
            color=COLOURS[0],
            alpha=0.35,
            linewidth=0,
        )
    x, y, height = (
        found.data[name].to_numpy() for name in (across, down, "relative_log_likelihood")
    )
    falls = {-chi2.ppf(level, df=2) / 2: f"{level:.0%}" for level in LEVELS}
    lines = axes.contour(
        x, y, height.T, levels=sorted(falls), colors=INK, linewidths=1.2, linestyles="solid"
    )
    axes.clabel(lines, fmt=lambda level: falls[level], fontsize=8)
    best = found.summary()["best"]
    axes.plot(best[across], best[down], marker="+", markersize=10, color=INK, linestyle="none")
    _frame(axes, found, posterior)
    dots = " Dots: draws of the posterior." if posterior.n_draws > 1 else ""
    note(figure, f"Lines hold 50 and 90 % by the likelihood alone; + is its maximum.{dots}")
    return figure


def _frame(axes: Axes, found: Profile, posterior: Posterior) -> None:
    """Show where the likelihood falls by less than is worth seeing, and nearly all draws."""
    seen = found.data["relative_log_likelihood"].to_numpy() > -_SEEN
    for along, name in enumerate(map(str, found.data.dims)):
        axis = found.data[name].to_numpy()[seen.any(axis=1 - along)]
        both = np.concatenate([axis, np.quantile(posterior.draws(name), [0.01, 0.99])])
        limits = both.min(), both.max()
        axes.set(**({"xlim": limits} if along == 0 else {"ylim": limits}))
