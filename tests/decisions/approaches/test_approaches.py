"""The three approaches in one table, on sweeps whose truth is known."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.errors import InputError

# With the runs as they are, the table has 200 columns, as the bootstrap of a backtest has, with
# which it shares compiled programs.
TARGET, REPLICATES = 1e24, 199


@pytest.fixture(scope="module")
def runs():
    return bs.datasets.simulate(seed=3, noise=0.003)


@pytest.fixture(scope="module")
def found(runs):
    return bs.approaches(runs, TARGET, replicates=REPLICATES)


def test_each_approach_has_one_row_a_budget(found):
    table = found.summary()
    assert [name[0] for name, _ in table.index] == ["1", "2", "3"]
    assert found.problems == ()


def test_approach_2_and_its_bias_are_those_of_isoflop(runs, found):
    alone = bs.isoflop(runs)
    row = found.summary().xs(TARGET, level="compute").iloc[1]
    assert row["n_tokens"] == pytest.approx(alone.allocate(TARGET)["n_tokens"].item(), rel=1e-9)
    assert row["a"] == pytest.approx(alone.exponent_of_params, rel=1e-9)
    fitted = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(1e-3), method=bs.MultiStart(starts=500)
    )
    told = alone.bias(fitted, TARGET).set_index("quantity").loc["n_params", "mean"]
    assert row["bias_of_n_params"] == pytest.approx(told, rel=1e-3)


def test_approach_1_is_a_power_law_through_the_lowest_runs_of_each_budget(runs, found):
    frame = runs.frame
    lowest = frame.loc[frame.groupby("group")["loss"].idxmin()]
    log_c = np.log10(6 * lowest["n_params"] * lowest["n_tokens"])
    a, k = np.polyfit(log_c, np.log10(lowest["n_params"]), 1)
    row = found.summary().xs(TARGET, level="compute").iloc[0]
    assert row["a"] == pytest.approx(a, rel=1e-9)
    assert row["n_params"] == pytest.approx(10 ** (k + a * np.log10(TARGET)), rel=1e-9)


def test_approach_3_has_no_bias_and_holds_the_truth(found):
    rows = found.frame[found.frame["approach"].str.startswith("3")].set_index("quantity")
    assert (rows["bias"] == 0).all()
    assert rows.loc["a", "q05"] < 0.28 / 0.62 < rows.loc["a", "q95"]


def test_every_interval_holds_its_value(found):
    assert (found.frame["q05"] <= found.frame["value"] + 1e-12).mean() > 0.9
    assert (found.frame["q95"] >= found.frame["value"] - 1e-12).mean() > 0.9


def test_an_approach_that_the_runs_do_not_allow_is_left_out_and_told():
    # As many runs as the sweep has, with compute in steps of five per cent, which are no budgets.
    n_params, n_tokens = np.geomspace(1e8, 1e9, 45), np.resize([1e10, 2e10], 45)
    errors = np.exp(0.003 * np.random.default_rng(0).standard_normal(45))
    loss = (1.69 + 406.4 / n_params**0.34 + 410.7 / n_tokens**0.28) * errors
    table = pd.DataFrame({"n_params": n_params, "n_tokens": n_tokens, "loss": loss})
    found = bs.approaches(bs.Runs.from_frame(table), TARGET, replicates=REPLICATES)
    assert any(str(problem).startswith("2: isoFLOP parabolas") for problem in found.problems)
    assert not found.frame["approach"].str.startswith("2").any()


def test_a_budget_that_is_not_positive_is_refused(runs):
    with pytest.raises(InputError, match="compute = -1 is not a positive number of FLOPs"):
        bs.approaches(runs, -1.0)
