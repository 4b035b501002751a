"""The style that all figures share: colours, labels with units, titles, notes and axes.

Colour-blind readers can distinguish the colours.
"""

import io
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from bayescale.posterior.posterior import Posterior
from bayescale.runs import Runs

P = ParamSpec("P")
R = TypeVar("R")

INK = "#222222"
GREY = "#6b6b6b"
PAPER = "#f3f1ec"
# M. Okabe and K. Ito, "Color Universal Design", 2008, without the yellow, which is too pale for
# points on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v")
LABELS = {
    "compute": "training compute C = 6ND (FLOPs)",
    "flops": "training compute C (FLOPs)",
    "n_params": "parameters N",
    "n_tokens": "training tokens D",
}

_STYLE: Any = {  # Any, because the keys that its stubs know differ between releases of matplotlib
    "font.size": 10,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.dpi": 110,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.solid_capstyle": "butt",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
}
_FEW_DECADES = 1.2
_ONE_DIGIT_APART = 1.4


class Drawing(Figure):
    """A matplotlib figure that a notebook displays without pyplot.

    No global list of figures keeps it alive.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def as_svg(figure: Figure, label: str) -> str:
    """Return a figure as an SVG element with an accessible label; equal figures give equal text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": label}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    document = buffer.getvalue()
    element = document[document.index("<svg") :]
    return element.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with the style of this package; the caller's settings are unchanged."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(_STYLE):
            return function(*args, **kwargs)

    return wrapped


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes that the caller gave, or those of a new figure of this size in inches."""
    return Drawing(figsize=size, layout="constrained").add_subplot() if ax is None else ax


def drawn(axes: Axes, ax: Axes | None, text: str) -> Figure | Axes:
    """Return the axes that the caller gave, or their new figure with a note for the reader.

    A figure of the caller's own gets no note, since other axes may be where it would stand.
    """
    if ax is not None:
        return ax
    figure = axes.figure
    assert isinstance(figure, Figure)
    if text:
        note(figure, text)
    return figure


def colour_bar(axes: Axes, drawing: ScalarMappable, label: str) -> None:
    """Add a bar that says what the colours of a drawing mean, beside its axes."""
    axes.figure.colorbar(drawing, ax=axes, label=label)


def title(posterior: Posterior) -> str:
    """Return a title of two lines: the law and the runs, the noise model and the method."""
    count = posterior.n_draws
    draws = "one draw: a point fit without bands" if count == 1 else f"{count:,} draws"
    formula = re.sub(r"\^(?:\{([^}]*)\}|(\w+))", r"$^{\1\2}$", posterior.law.formula)
    return (
        f"{formula} fitted to {posterior.runs.name}, {len(posterior.runs)} runs\n"
        f"{type(posterior.noise).__name__} noise, {type(posterior.method).__name__}, {draws}"
    )


def loss_label(runs: Runs) -> str:
    """Return the label of an axis of losses, with their unit."""
    return f"loss ({runs.loss_unit})"


def note(figure: Figure, text: str) -> None:
    """Add a note for the reader below the axes."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=8, color=GREY)


def loss_axis(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with ticks at equal steps, labelled as plain numbers.

    Losses seldom span a decade.
    """
    axes.set_yscale("log")
    axis = axes.yaxis
    axis.set_major_locator(MaxNLocator(8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def log_ticks(axis: Axis, count: int) -> None:
    """Label a logarithmic axis.

    The labels are plain numbers where the axis spans about a decade, and powers of ten where it
    spans more.

    Parameters
    ----------
    axis : Axis
        The axis, after all data are drawn on it.
    count : int
        Largest number of ticks.
    """
    low, high = axis.get_view_interval()
    if np.log10(high / low) < _FEW_DECADES:
        axis.set_major_locator(FixedLocator(_rounded(low, high, count)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(numticks=count))
        axis.set_major_formatter(LogFormatterSciNotation())
        axis.set_minor_formatter(NullFormatter())


def _rounded(low: float, high: float, count: int) -> list[float]:
    """Return round numbers, about evenly spaced on a logarithmic axis.

    They have one digit where they differ by enough, otherwise two.

    >>> _rounded(270, 880, 3)
    [300.0, 500.0, 800.0]
    """
    digits = 1 if (high / low) ** (1 / count) > _ONE_DIGIT_APART else 2
    margin = (high / low) ** 0.05
    spaced = np.geomspace(low * margin, high / margin, count)
    return sorted({float(f"{value:.{digits}g}") for value in spaced})
