"""`plots.outliers`: what is in the figure."""

from dataclasses import replace

import numpy as np

import bayescale as bs
from bayescale.posterior.posterior import Posterior


def planted(point: Posterior, factor: float) -> Posterior:
    frame = point.runs.frame.copy()
    frame.loc[frame.index == 7, "loss"] *= factor
    return replace(point, runs=bs.Runs(frame))


def test_every_run_is_a_dot_at_its_compute_and_residual(point: Posterior) -> None:
    dots = np.asarray(bs.plots.outliers(point).axes[0].collections[0].get_offsets())
    frame = bs.outliers(point).frame
    np.testing.assert_allclose(
        dots, np.stack([6 * frame["n_params"] * frame["n_tokens"], frame["residual"]], axis=1)
    )


def test_outliers_are_named_and_no_others(point: Posterior) -> None:
    assert [text.get_text() for text in bs.plots.outliers(planted(point, 1.06)).axes[0].texts] == [
        "7"
    ]


def test_a_run_that_is_very_far_off_leaves_room_for_the_others(point: Posterior) -> None:
    assert bs.plots.outliers(planted(point, 1.06)).axes[0].get_yscale() == "linear"
    assert bs.plots.outliers(planted(point, 2.0)).axes[0].get_yscale() == "symlog"


def test_a_law_in_one_input_is_drawn_along_it(power_law: Posterior) -> None:
    assert bs.plots.outliers(power_law).axes[0].get_xlabel() == "training compute C (FLOPs)"
