"""What the figures share: a sober style, colours that colour-blind readers tell apart, labels with
units, titles.
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

P = ParamSpec("P")
R = TypeVar("R")

INK, GREY, PAPER = "#222222", "#6b6b6b", "#f3f1ec"
# M. Okabe and K. Ito, "Color Universal Design", 2008, without the yellow, which is too pale for
# points on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v")
LABELS = {
    "compute": "training compute C = 6ND (FLOPs)",
    "flops": "training compute C (FLOPs)",
    "n_params": "parameters N",
    "n_tokens": "training tokens D",
    "loss": "loss (nats per token)",
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
    """A matplotlib figure that shows itself in a notebook without pyplot, so that no global list of
    figures keeps it alive.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def as_svg(figure: Figure, label: str) -> str:
    """A figure as an SVG element that says what it shows; equal figures give equal text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": label}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :].replace(
        "<svg ", f'<svg role="img" aria-label="{label}" ', 1
    )


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` with the style of this package, and leave the caller's settings as they
    were.
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(_STYLE):
            return function(*args, **kwargs)

    return wrapped


def title(posterior: Posterior) -> str:
    """What was fitted to what, and how, in two lines."""
    count = posterior.n_draws
    draws = "one draw: a point fit without bands" if count == 1 else f"{count:,} draws"
    formula = re.sub(r"\^(?:\{([^}]*)\}|(\w+))", r"$^{\1\2}$", posterior.law.formula)
    return (
        f"{formula} fitted to {posterior.runs.name}, {len(posterior.runs)} runs\n"
        f"{type(posterior.noise).__name__} noise, {type(posterior.method).__name__}, {draws}"
    )


def note(figure: Figure, text: str) -> None:
    """A line for the reader below the axes."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=8, color=GREY)


def loss_axis(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with ticks at equal steps, as plain numbers: losses
    seldom span a decade.
    """
    axes.set_yscale("log")
    axis = axes.yaxis
    axis.set_major_locator(MaxNLocator(8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def log_ticks(axis: Axis, count: int) -> None:
    """Label a logarithmic axis with plain numbers where it spans about a decade, and with powers of
    ten beyond.

    Parameters
    ----------
    axis : Axis
        With all that is to be drawn on it.
    count : int
        Of ticks, at most.
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
    """Round numbers, about evenly spaced on a logarithmic axis: one digit where they differ by
    enough, otherwise two.

    >>> _rounded(270, 880, 3)
    [300.0, 500.0, 800.0]
    """
    digits = 1 if (high / low) ** (1 / count) > _ONE_DIGIT_APART else 2
    margin = (high / low) ** 0.05
    spaced = np.geomspace(low * margin, high / margin, count)
    return sorted({float(f"{value:.{digits}g}") for value in spaced})
