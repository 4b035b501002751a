"""Every plot function, as discovery finds it: where it draws, and what it leaves alone."""

import io

import matplotlib
import pytest
from matplotlib.figure import Figure

import bayescale as bs
from bayescale.plots._drawing import COLOURS
from tests.plots import examples

# One figure of several axes each; the others draw on one.
SEVERAL = {"backtest_bands", "calibration", "pair", "sensitivity"}
plots = pytest.mark.parametrize("name", bs.plots.__all__)


def drawn(name, **options):
    return getattr(bs.plots, name)(getattr(examples, name)(), **options)


@plots
def test_a_plot_says_what_its_axes_are_and_leaves_the_callers_style_as_it_was(name):
    before = dict(matplotlib.rcParams)
    figure = drawn(name)
    assert dict(matplotlib.rcParams) == before
    axes = [one for one in figure.axes if one.get_label() != "<colorbar>"]
    assert (len(axes) > 1) == (name in SEVERAL)
    # A panel of small multiples has a title in place of a label.
    assert all(one.get_xlabel() or one.get_title("left") or name == "pair" for one in axes)


@pytest.mark.parametrize("name", sorted(set(bs.plots.__all__) - SEVERAL))
def test_a_plot_draws_on_the_axes_that_it_is_given_and_returns_them(name):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert drawn(name, ax=right) is right
    assert right.has_data() and not left.has_data()
    assert right.get_xlabel() and not figure.get_supxlabel()


def test_a_figure_shows_itself_in_a_notebook_and_is_written_as_vectors():
    figure = drawn("isoflop")
    assert figure._repr_png_().startswith(b"\x89PNG")
    for form, first in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        file = io.BytesIO()
        figure.savefig(file, format=form)
        assert file.getvalue().startswith(first)


def test_colours_are_those_of_okabe_and_ito():
    published = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    assert set(COLOURS) < published
