"""Pictures of the examples, without text; run this module to write them anew.

    python -m tests.plots.images

Text is left out, and axes stand at fixed places, because fonts and the room that they take differ
between releases of matplotlib. Other tests ask for labels.
"""

from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

import bayescale as bs
from tests.plots import examples

FOLDER = Path(__file__).with_name("baselines")
_INCHES = (4.4, 3.2)
_DOTS_PER_INCH = 60


@cache
def figure_of(name: str) -> Figure:
    """Return the figure of an example, less its texts, legends and ticks, at a fixed size."""
    # Labels of contours cut gaps into them, as wide as the font makes them.
    with patch.object(Axes, "clabel"):
        figure: Figure = getattr(bs.plots, name)(getattr(examples, name)())
    figure.set_layout_engine("none")
    figure.set_size_inches(_INCHES)
    figure.set_dpi(_DOTS_PER_INCH)
    for artist in figure.findobj(lambda one: isinstance(one, Text | Legend)):
        artist.set_visible(False)
    for axes in figure.axes:
        axes.tick_params(which="both", length=0)
    return figure


def pixels(figure: Figure) -> np.ndarray:
    """Return the picture, shape (rows, columns, 3), from 0 to 255."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)


def baseline(name: str) -> np.ndarray:
    """Return the picture as it was looked at and kept."""
    return np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB"), dtype=float)


def difference(picture: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean square difference of two pictures."""
    return float(np.sqrt(np.mean((picture - other) ** 2)))


def write() -> None:
    """Write the picture of each example."""
    FOLDER.mkdir(exist_ok=True)
    for name in bs.plots.__all__:
        picture = pixels(figure_of(name)).astype(np.uint8)
        Image.fromarray(picture).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    write()
