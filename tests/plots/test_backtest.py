"""`plots.calibration` and `plots.backtest_bands`: what is in the figures."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.decisions.checks.backtest import Backtest
from tests.plots.examples import tested as backtest_of_two_folds


@pytest.fixture(scope="module")
def tested() -> Backtest:
    return backtest_of_two_folds()


@pytest.fixture(scope="module")
def bands(tested):
    return bs.plots.backtest_bands(tested)


@pytest.fixture(scope="module")
def calibration(tested):
    return bs.plots.calibration(tested)


def drawn_points(axes) -> np.ndarray:
    return np.concatenate(
        [
            np.asarray(c.get_offsets())
            for c in axes.collections
            if hasattr(c, "get_sizes") and len(c.get_sizes())
        ]
    )


def test_the_model_and_todays_practice_are_drawn_together(calibration, tested):
    labels = [text.get_text() for text in calibration.axes[0].get_legend().get_texts()]
    assert labels == [tested.model, "huber + bootstrap"]


def test_the_marked_coverage_is_that_of_the_summary(calibration, tested):
    shown = drawn_points(calibration.axes[0])[:4]
    wanted = tested.summary().iloc[0][["coverage50", "coverage80", "coverage90", "coverage95"]]
    # A draw on the edge of an interval may fall on either side of it.
    np.testing.assert_allclose(shown[:, 1], wanted, atol=0.04)


def test_the_band_of_chance_lies_about_the_diagonal(calibration):
    band = calibration.axes[0].collections[0].get_paths()[0].vertices
    upper, lower = band[:, 1].max(), band[:, 1].min()
    assert (lower, upper) == (0.0, 1.0)


def test_pit_densities_add_up_to_one(calibration):
    for stairs in calibration.axes[1].patches[1:]:
        values, edges, _ = stairs.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1)


def test_every_fold_has_its_axes_named_with_what_its_bars_hold(bands, tested):
    assert len(bands.axes) == 2
    ours = tested.frame[tested.frame["model"] == tested.model]
    for axes, (name, rows) in zip(bands.axes, ours.groupby("fold", sort=False), strict=True):
        assert (
            axes.get_title("left") == f"{name}: 15 runs, {rows['covered90'].sum()} in the 90 % bars"
        )


def test_every_hidden_loss_is_drawn_with_its_bars(bands, tested):
    ours = tested.frame[tested.frame["model"] == tested.model]
    for axes, (_, rows) in zip(bands.axes, ours.groupby("fold", sort=False), strict=True):
        assert set(rows["loss"]) <= set(drawn_points(axes)[:, 1])
        thin, thick = (
            np.array([path.vertices[:, 1] for path in lines.get_paths()])
            for lines in axes.collections[1:3]
        )
        np.testing.assert_allclose(thin, rows[["q05", "q95"]])
        np.testing.assert_allclose(thick, rows[["q25", "q75"]])


def test_runs_of_one_budget_stand_side_by_side(bands):
    for axes in bands.axes:
        indices = np.array([path.vertices[0, 0] for path in axes.collections[1].get_paths()])
        assert len(np.unique(indices.round(-12))) == len(indices)
