from dataclasses import dataclass, replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection

import bayescale as bs
from bayescale.posterior.posterior import Posterior


def points(axes: Axes) -> np.ndarray:
    """All scattered points, shape (points, 2)."""
    return np.concatenate(
        [np.asarray(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)]
    )


def bands(axes: Axes) -> dict[str, np.ndarray]:
    """Each filled band by its label: columns x, lower edge and upper edge, the ends left out."""
    found = {}
    for band in (c for c in axes.collections if isinstance(c, PolyCollection)):
        vertices = band.get_paths()[0].vertices
        x = np.unique(vertices[:, 0])[1:-1]
        edges = [np.sort(vertices[vertices[:, 0] == value, 1])[[0, -1]] for value in x]
        found[str(band.get_label())] = np.column_stack([x, edges])
    return found


def line(axes: Axes, label: str) -> np.ndarray:
    return next(
        np.column_stack(drawn.get_data())
        for drawn in axes.get_lines()
        if drawn.get_label() == label
    )


def test_axes_say_what_they_show_and_in_which_unit(posterior: Posterior) -> None:
    axes = bs.plots.loss_along_compute(posterior).axes[0]
    assert axes.get_xlabel() == "training compute C = 6ND (FLOPs)"
    assert axes.get_ylabel() == "loss (nats per token)"


def test_the_title_names_the_law_the_runs_and_their_number(posterior: Posterior) -> None:
    title = bs.plots.loss_along_compute(posterior).axes[0].get_title("left")
    assert "L(N, D) = E + A/N" in title
    assert "simulated (seed 1), 45 runs" in title


def test_every_run_is_drawn_at_its_compute_and_loss(posterior: Posterior, sweep: bs.Runs) -> None:
    drawn = points(bs.plots.loss_along_compute(posterior).axes[0])
    compute = 6 * sweep.column("n_params") * sweep.column("n_tokens")
    wanted = np.column_stack([compute, sweep.column("loss")])
    np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], wanted[np.lexsort(wanted.T)])


def test_compute_is_counted_as_the_frontier_counts_it_whatever_flops_were_reported(
    posterior: Posterior,
) -> None:
    flops = 1e8 * posterior.runs.six_nd
    reported = replace(posterior.runs, frame=posterior.runs.frame.assign(flops=flops))
    axes = bs.plots.loss_along_compute(replace(posterior, runs=reported)).axes[0]
    assert points(axes)[:, 0].max() < 1e23


def test_bands_contain_the_median_and_the_wide_one_the_narrow_one(posterior: Posterior) -> None:
    axes = bs.plots.loss_along_compute(posterior).axes[0]
    wide, narrow = bands(axes)["90 % of the law"], bands(axes)["50 % of the law"]
    median = line(axes, "median of the law")
    middle = np.interp(wide[: len(median) - 1, 0], *median.T)
    assert (wide[:, 1] <= narrow[:, 1]).all() and (narrow[:, 2] <= wide[:, 2]).all()
    assert (narrow[: len(middle), 1] < middle).all() and (middle < narrow[: len(middle), 2]).all()


def test_the_band_of_a_new_run_is_wider_than_the_laws(posterior: Posterior) -> None:
    axes = bs.plots.loss_along_compute(posterior).axes[0]
    assert (line(axes, "90 % of a new run")[1:-1, 1] < bands(axes)["90 % of the law"][:, 1]).all()


def test_an_objective_has_no_band_of_a_new_run(objective: Posterior) -> None:
    labels = [
        drawn.get_label() for drawn in bs.plots.loss_along_compute(objective).axes[0].get_lines()
    ]
    assert "90 % of a new run" not in labels


def test_a_point_fit_draws_without_bands_and_says_so(point: Posterior) -> None:
    axes = bs.plots.loss_along_compute(point).axes[0]
    assert not bands(axes)
    assert "a point fit without bands" in axes.get_title("left")


def test_the_line_is_dashed_from_the_largest_run_on(posterior: Posterior) -> None:
    drawn = bs.plots.loss_along_compute(posterior).axes[0].get_lines()
    beyond = next(line for line in drawn if line.get_linestyle() == "--")
    assert beyond.get_xdata()[0] == pytest.approx(1e22)


@pytest.mark.parametrize("decades", [0, 2])
def test_the_axis_ends_so_many_decades_beyond_the_largest_run(
    posterior: Posterior, decades: float
) -> None:
    axes = bs.plots.loss_along_compute(posterior, decades=decades).axes[0]
    assert axes.get_xlim()[1] == pytest.approx(1e22 * 10**decades)


def test_negative_decades_are_refused(posterior: Posterior) -> None:
    with pytest.raises(bs.InputError, match="decades=-1"):
        bs.plots.loss_along_compute(posterior, decades=-1)


def test_each_group_has_its_entry_in_the_legend(posterior: Posterior) -> None:
    names = [
        text.get_text()
        for text in bs.plots.loss_along_compute(posterior).axes[0].get_legend().get_texts()
    ]
    assert names == ["C1e+18", "C1e+19", "C1e+20", "C1e+21", "C1e+22"]


def test_more_groups_than_colours_can_tell_apart_are_drawn_as_one(posterior: Posterior) -> None:
    many = posterior.runs.frame.assign(group=[f"g{place}" for place in range(45)])
    axes = bs.plots.loss_along_compute(
        replace(posterior, runs=replace(posterior.runs, frame=many))
    ).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["runs"]


def test_a_law_without_a_trade_off_is_drawn_along_its_own_input(power_law: Posterior) -> None:
    assert (
        bs.plots.loss_along_compute(power_law).axes[0].get_xlabel() == "training compute C (FLOPs)"
    )


def test_a_law_of_several_inputs_without_a_trade_off_is_refused(power_law: Posterior) -> None:
    @dataclass(frozen=True)
    class Surface:
        formula: str = "L(N, V)"
        inputs: tuple[str, ...] = ("n_params", "vocabulary")

    with pytest.raises(bs.InputError, match="n_params, vocabulary"):
        bs.plots.loss_along_compute(replace(power_law, law=Surface()))
