from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection

import bayescale as bs
from bayescale.plots.isoflop import _budgets
from bayescale.posterior.posterior import Posterior


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_axes_say_what_they_show_and_in_which_unit(posterior: Posterior) -> None:
    axes = bs.plots.isoflop(posterior).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("parameters N", "loss (nats per token)")


def test_the_budgets_of_a_sweep_are_found_and_one_beyond_is_added(posterior: Posterior) -> None:
    labels = [text.split("$")[1] for text in texts(bs.plots.isoflop(posterior).axes[0])]
    assert labels == [f"10^{{{power}}}" for power in range(18, 24)]


def test_a_budget_without_runs_is_dashed_and_named_so(posterior: Posterior) -> None:
    axes = bs.plots.isoflop(posterior, budgets=[1e20, 1e24]).axes[0]
    assert [line.is_dashed() for line in axes.get_lines()] == [False, True]
    assert [text.endswith("no runs") for text in texts(axes)] == [False, True]


def test_runs_near_a_budget_are_drawn_on_its_slice(posterior: Posterior, sweep: bs.Runs) -> None:
    axes = bs.plots.isoflop(posterior, budgets=[1e20]).axes[0]
    runs = next(c for c in axes.collections if isinstance(c, PathCollection))
    wanted = sweep.frame.loc[np.isclose(sweep.column("flops"), 1e20), "loss"]
    np.testing.assert_allclose(np.sort(np.asarray(runs.get_offsets())[:, 1]), np.sort(wanted))


def test_the_best_size_lies_in_its_interval_at_the_bottom_of_its_slice(
    posterior: Posterior,
) -> None:
    axes = bs.plots.isoflop(posterior, budgets=[1e21]).axes[0]
    interval = next(
        c
        for c in axes.collections
        if isinstance(c, LineCollection) and not isinstance(c, PolyCollection)
    )
    (low, height), (high, _) = interval.get_segments()[0]
    best = [c for c in axes.collections if isinstance(c, PathCollection)][-1].get_offsets()[0]
    assert low < best[0] < high
    assert best[1] == height == pytest.approx(axes.get_lines()[0].get_ydata().min(), rel=1e-3)


def test_a_slice_reaches_over_the_interval_of_its_best_size_and_all_its_runs(
    posterior: Posterior, sweep: bs.Runs
) -> None:
    sizes = bs.plots.isoflop(posterior, budgets=[1e18]).axes[0].get_lines()[0].get_xdata()
    near = sweep.frame.loc[np.isclose(sweep.column("flops"), 1e18), "n_params"]
    assert sizes[0] <= near.min() * 1.0001 and near.max() <= sizes[-1] * 1.0001


def test_a_point_fit_draws_without_bands(point: Posterior) -> None:
    axes = bs.plots.isoflop(point).axes[0]
    assert not [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert "a point fit without bands" in axes.get_title("left")


def test_a_law_without_a_trade_off_is_refused(power_law: Posterior) -> None:
    with pytest.raises(bs.InputError, match="no trade-off"):
        bs.plots.isoflop(power_law)


@pytest.mark.parametrize("budgets", [[], [-1e21], [np.nan]])
def test_budgets_that_are_none_are_refused(posterior: Posterior, budgets: list[float]) -> None:
    with pytest.raises(bs.InputError):
        bs.plots.isoflop(posterior, budgets=budgets)


def spending(compute: np.ndarray) -> bs.Runs:
    n_params = np.geomspace(1e8, 1e9, len(compute))
    columns = {"n_params": n_params, "n_tokens": compute / (6 * n_params), "loss": 3.0}
    return bs.Runs(pd.DataFrame(columns))


def test_the_budget_of_runs_nearby_is_their_geometric_mean() -> None:
    nominal = np.repeat([1e19, 1e20, 1e21], 6)
    spread = nominal * np.tile([0.97, 0.98, 0.99, 1.0, 1.01, 1.02], 3)
    np.testing.assert_allclose(_budgets(spending(spread)), [1e19, 1e20, 1e21, 1e22], rtol=0.01)


def test_of_more_than_nine_budgets_those_with_most_runs_are_drawn() -> None:
    compute = np.repeat(10.0 ** np.arange(12, 23), [3, 2, 2, *(3,) * 8])
    np.testing.assert_allclose(
        np.sort(_budgets(spending(compute))), 10.0 ** np.array([12, *range(15, 24)])
    )


def test_without_budgets_five_runs_span_all_compute() -> None:
    compute = np.geomspace(1e18, 1e22, 17)
    found = _budgets(spending(compute))
    np.testing.assert_allclose(found, [1e18, 1e19, 1e20, 1e21, 1e22, 1e23])


def test_runs_of_one_budget_give_that_and_none_beyond(posterior: Posterior, sweep: bs.Runs) -> None:
    one = replace(sweep, frame=sweep.frame[np.isclose(sweep.column("flops"), 1e20)])
    of_one = replace(posterior, runs=one)
    labels = texts(bs.plots.isoflop(of_one).axes[0])
    assert [label.split("$")[1] for label in labels] == ["10^{20}"]
    with pytest.raises(bs.InputError, match="one_budget"):
        bs.plots.isoflop(of_one, budgets=[1e21])
