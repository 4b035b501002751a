"""The figure of a running run."""

import numpy as np
import pandas as pd

import bayescale as bs
from bayescale.decisions.forecasts.finish import Finish


def test_the_figure_has_the_log_the_band_and_a_bar_for_each_other_end():
    futures = {"future": ["planned", "now"], "end_step": [200.0, 120.0], "decay_step": [150.0, 100]}
    draws = 2 + 0.1 * np.random.default_rng(0).standard_normal((50, 2))
    path = pd.DataFrame({"step": [150.0, 200.0], "q05": 1.9, "q50": 2.0, "q95": 2.1})
    logged = pd.DataFrame({"step": [1.0, 50.0, 100.0], "loss": [9.0, 2.4, 2.2]})
    table = pd.DataFrame(futures)
    found = Finish("big", 100.0, 2.2, table, draws, draws, path, logged, 300.0, True)
    axes = bs.plots.finish(found).axes[0]
    _, bars = axes.collections
    log, planned, points = axes.lines
    assert list(log.get_xdata()) == [50.0, 100.0]
    assert list(planned.get_xdata()) == [150.0, 200.0]
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], found.frame.loc[1, ["q05", "q95"]])
    assert points.get_ydata()[0] == found.frame["q50"][1]
