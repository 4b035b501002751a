import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.contour import ContourSet

import bayescale as bs
from bayescale.posterior.posterior import Posterior


def drawn(axes: Axes, kind: type) -> list:
    return [collection for collection in axes.collections if isinstance(collection, kind)]


def test_axes_say_what_they_show(posterior: Posterior) -> None:
    axes, colours = bs.plots.surface(posterior).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("parameters N", "training tokens D")
    assert colours.get_ylabel() == "half the 90 % interval of the law (% of its median)"


def test_every_run_is_a_dot_within_the_axes(posterior: Posterior, sweep: bs.Runs) -> None:
    axes = bs.plots.surface(posterior).axes[0]
    (dots,) = drawn(axes, PathCollection)
    np.testing.assert_allclose(
        dots.get_offsets(), np.column_stack([sweep.column("n_params"), sweep.column("n_tokens")])
    )
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < sweep.column("n_params").min() and sweep.column("n_params").max() < right
    assert bottom < sweep.column("n_tokens").min() and sweep.column("n_tokens").max() < top


def test_a_contour_follows_the_median_of_the_law(posterior: Posterior) -> None:
    (contours,) = drawn(bs.plots.surface(posterior).axes[0], ContourSet)
    level, line = contours.levels[5], contours.get_paths()[5].vertices
    along = bs.forecast(posterior, n_params=line[:, 0], n_tokens=line[:, 1]).frame["law_q50"]
    np.testing.assert_allclose(
        along, level, rtol=3e-3
    )  # matplotlib draws straight lines within a cell


def test_shading_is_half_the_interval_as_a_share_of_the_median(posterior: Posterior) -> None:
    (shading,) = drawn(bs.plots.surface(posterior).axes[0], QuadMesh)
    n_params, n_tokens = shading.get_coordinates()[0, -1]
    corner = bs.forecast(posterior, n_params=n_params, n_tokens=n_tokens).frame.iloc[0]
    share = 50 * (corner["law_q95"] - corner["law_q05"]) / corner["law_q50"]
    assert shading.get_array().reshape(40, 40)[0, -1] == pytest.approx(share)


def test_the_best_split_is_that_of_the_allocation(posterior: Posterior) -> None:
    (line,) = bs.plots.surface(posterior).axes[0].get_lines()
    n_params, n_tokens = (values[20] for values in line.get_data())
    best = (
        bs.allocate(posterior, 6 * n_params * n_tokens)
        .summary()
        .loc[:, "q50"]
        .xs("n_params", level="quantity")
    )
    assert n_params == pytest.approx(best.iloc[0], rel=1e-3)


def test_a_point_fit_draws_without_shading(point: Posterior) -> None:
    figure = bs.plots.surface(point)
    assert len(figure.axes) == 1
    assert not drawn(figure.axes[0], QuadMesh)


def test_a_law_of_other_inputs_is_refused(power_law: Posterior) -> None:
    with pytest.raises(
        bs.InputError, match="has the inputs flops; a surface is drawn over n_params and n_tokens"
    ):
        bs.plots.surface(power_law)
