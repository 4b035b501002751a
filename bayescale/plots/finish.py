"""A figure of a running run: its losses so far, and where it will end."""

from typing import overload

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescale.decisions.forecasts.finish import Finish
from bayescale.plots._drawing import COLOURS, INK, axes_of, drawn, styled

_SKIPPED = 0.1
_NOTE = "Points: logged losses. Band and bars: 90 % intervals."


@overload
def finish(result: Finish, *, ax: None = None) -> Figure: ...
@overload
def finish(result: Finish, *, ax: Axes) -> Axes: ...
@styled
def finish(result: Finish, *, ax: Axes | None = None) -> Figure | Axes:
    """Draw the losses of a run, the planned rest with its 90 % interval, and other ends.

    Parameters
    ----------
    result : Finish
    ax : Axes, optional
        Axes to draw on, in place of a new figure.

    Returns
    -------
    Figure, or ``ax`` where it is given

    Examples
    --------
    >>> import bayescale as bs, numpy as np
    >>> step = np.arange(1000, 20_001, 1000)
    >>> loss = 2 + 30 * step**-0.5 + 0.003 * np.sin(step)
    >>> log = bs.Curves.read({"step": step, "lr": 0 * step + 1e-3, "loss": loss})
    >>> plan = bs.Schedule.wsd(peak=1e-3, total=40_000, decay_fraction=0.2)
    >>> bs.plots.finish(bs.finish(log, plan, draws=50)).axes[0].get_xlabel()
    'step'
    """
    axes = axes_of(ax, (7.0, 4.6))
    axes.set(title=result.title, xlabel="step", ylabel="loss")
    # The fall of the first steps would flatten all that is asked about.
    later = result.logged[result.logged["step"] >= _SKIPPED * result.step]
    axes.plot(later["step"], later["loss"], ".", markersize=3, color=INK, alpha=0.6)
    path = result.path
    axes.fill_between(path["step"], path["q05"], path["q95"], color=COLOURS[0], alpha=0.25, lw=0)
    axes.plot(path["step"], path["q50"], color=COLOURS[0], label="planned")
    others = result.frame.iloc[1:]
    if len(others):
        lengths = [others["q50"] - others["q05"], others["q95"] - others["q50"]]
        axes.errorbar(
            others["end_step"], others["q50"], lengths,
            fmt="o", markersize=4, linewidth=1, color=COLOURS[1], label="ends of other decays",
        )  # fmt: skip
    axes.legend(loc="upper right")
    return drawn(axes, ax, _NOTE)
