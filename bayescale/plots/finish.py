"""A figure of a running run: its losses so far, and where it will end."""

from matplotlib.figure import Figure

from bayescale.decisions.forecasts.finish import Finish
from bayescale.plots._drawing import COLOURS, INK, Drawing, note, styled

_SKIPPED = 0.1


@styled
def finish(result: Finish) -> Figure:
    """Draw the losses of a run, the planned rest with its 90 % interval, and other ends.

    Parameters
    ----------
    result : Finish

    Returns
    -------
    Figure

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
    figure = Drawing(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot(title=result.title, xlabel="step", ylabel="loss")
    # The fall of the first steps would flatten all that is asked about.
    later = result.logged[result.logged["step"] >= _SKIPPED * result.step]
    axes.plot(later["step"], later["loss"], ".", markersize=3, color=INK, alpha=0.6)
    path = result.path
    axes.fill_between(path["step"], path["q05"], path["q95"], color=COLOURS[0], alpha=0.25, lw=0)
    axes.plot(path["step"], path["q50"], color=COLOURS[0], label="planned")
    others = result.frame.iloc[1:]
    for row in others.to_dict("records"):
        axes.plot([row["end_step"]] * 2, [row["q05"], row["q95"]], color=COLOURS[1], lw=1)
        axes.plot(row["end_step"], row["q50"], "o", markersize=4, color=COLOURS[1])
    note(figure, "Band and bars: 90 % intervals. Bars: ends of other decays.")
    return figure
