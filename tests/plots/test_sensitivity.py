"""`plots.sensitivity`: what is in the figure."""

import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.checks.sensitivity import UNITS, Sensitivity


@pytest.fixture
def found() -> Sensitivity:
    rows = [
        {
            "kind": kind,
            "variant": variant,
            "quantity": quantity,
            "q05": 1.0,
            "q50": 2.0 + place,
            "q95": 5.0,
        }
        for place, (kind, variant) in enumerate(
            [("posterior", "as fitted"), ("likelihood", "laplace"), ("runs", "without A")]
        )
        for quantity in UNITS
    ]
    return Sensitivity("these runs", 1e22, pd.DataFrame(rows))


def test_there_is_a_panel_a_quantity_and_a_line_a_variant(found: Sensitivity) -> None:
    figure = bs.plots.sensitivity(found)
    assert len(figure.axes) == 6
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "as fitted",
        "laplace",
        "without A",
    ]
    dots = figure.axes[0].collections[-1].get_offsets()
    assert dots[:, 0].tolist() == [2.0, 3.0, 4.0] and dots[:, 1].tolist() == [0, 1, 2]


def test_sizes_have_logarithmic_axes(found: Sensitivity) -> None:
    scales = [axes.get_xscale() for axes in bs.plots.sensitivity(found).axes]
    assert scales == ["linear", "linear", "linear", "log", "log", "linear"]


def test_the_title_tells_runs_and_budget(found: Sensitivity) -> None:
    assert (
        bs.plots.sensitivity(found).get_suptitle()
        == "Sensitivity of these runs, at $10^{22}$ FLOPs"
    )
