"""Each figure looks as it did when it was looked at, and no interval can go missing unseen."""

import pytest
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import bayescale as bs
from tests.plots import examples
from tests.plots.images import FOLDER, baseline, difference, figure_of, pixels

# Root mean square, of 255. The same figure under two releases of matplotlib differs by 0.0, and an
# interval that is missing by 1.4 at least.
TOLERANCE = 0.7
plots = pytest.mark.parametrize("name", bs.plots.__all__)


def intervals(figure: Figure) -> list[Artist]:
    """Return bands, bars and shaded ranges, less those of bars of colours."""
    found: list[Artist] = []
    for axes in figure.axes:
        if axes.get_label() != "<colorbar>":
            bands = [one for one in axes.collections if isinstance(one, PolyCollection)]
            bars = [one for one in axes.collections if isinstance(one, LineCollection)]
            ranges = [one for one in axes.patches if isinstance(one, Rectangle)]
            found += [*bands, *bars, *ranges]
    return found


def test_every_plot_has_an_example_and_a_small_picture():
    assert all(callable(getattr(examples, name, None)) for name in bs.plots.__all__)
    pictures = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert set(pictures) == set(bs.plots.__all__)
    assert max(pictures.values()) < 30_000


@plots
def test_a_figure_looks_as_it_did(name):
    found = difference(pixels(figure_of(name)), baseline(name))
    assert found < TOLERANCE, (
        f"The figure of {name} has changed. Look at it; if it is right, write its picture anew: "
        f"python -m tests.plots.images"
    )


@plots
def test_an_interval_that_is_missing_is_noticed(name):
    figure = figure_of(name)
    for interval in intervals(figure):
        interval.set_visible(False)
        assert difference(pixels(figure), baseline(name)) > TOLERANCE, interval
        interval.set_visible(True)


def test_all_figures_but_two_draw_intervals_as_bands_bars_or_ranges():
    # The profile draws regions, and the surface has shades for the width of the interval.
    without = {name for name in bs.plots.__all__ if not intervals(figure_of(name))}
    assert without == {"profile", "surface"}
