"""Laws of experts, parallel streams and settings at values that are known by hand."""

import numpy as np
import pytest

from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, ExpertsFloor, ParallelStreams, SettingsValley

BASE = {"E": 1.6, "A": 0.5, "B": 0.4, "alpha": 0.3, "beta": 0.25}
VALLEY = {
    "v_lr": 0.02,
    "v_b": 0.01,
    "v_x": -0.01,
    "l_0": 0.1,
    "l_N": -0.7,
    "l_D": 0.3,
    "b_0": 0.2,
    "b_D": 0.6,
}


@float64
def test_one_stream_is_a_power_of_parameters_and_more_are_worth_more() -> None:
    law, params = ParallelStreams(), {"E": 1.3, "A": 0.8, "alpha": 0.2, "gain": 0.35}
    streams = np.log([1.0, 2.0, 8.0])
    found = np.exp(law.predict(params, {"n_params": np.log(5.0), "n_streams": streams}))
    worth = 5.0 * (0.35 * streams + 1)
    np.testing.assert_allclose(found, 1.3 + 0.8 * worth**-0.2, rtol=1e-12)


@float64
def test_experts_help_less_in_larger_models() -> None:
    law = ExpertsFloor()
    params = {"E": 1.3, "A": 0.8, "alpha": 0.2, "beta": 0.15, "chi": 0.02}

    def excess(n: float, k: float) -> float:
        at = {"n_params": np.log(n), "n_experts": np.log(k)}
        return float(np.exp(law.predict(params, at))) - 1.3

    small, large = excess(1.0, 8.0) / excess(1.0, 1.0), excess(9.0, 8.0) / excess(9.0, 1.0)
    assert small == pytest.approx(8.0**-0.15, rel=1e-9)
    assert large == pytest.approx(8.0 ** (-0.15 + 0.02 * np.log(9.0)), rel=1e-9)


@float64
def test_at_the_best_settings_the_loss_is_chinchillas_and_a_miss_costs_its_share() -> None:
    law, log_n, log_d = SettingsValley(), np.log(3.0), np.log(7.0)
    best_rate, best_batch = 0.1 - 0.7 * log_n + 0.3 * log_d, 0.2 + 0.6 * log_d
    rates = best_rate + np.array([0.0, 0.5])
    at = {"n_params": log_n, "n_tokens": log_d, "learning_rate": rates, "batch_tokens": best_batch}
    base = Chinchilla().predict(BASE, at)
    np.testing.assert_allclose(
        law.predict(BASE | VALLEY, at) - base, 0.02 * (rates - best_rate) ** 2
    )


@pytest.mark.parametrize(
    "law",
    [ParallelStreams(), ExpertsFloor(), SettingsValley()],
    ids=["streams", "experts", "settings"],
)
@float64
def test_most_losses_of_the_prior_at_the_centre_lie_near_those_of_the_runs(law) -> None:
    rng = np.random.default_rng(0)
    drawn = {p.name: p.draw_prior(rng, (500,)) for p in law.parameters}
    log_loss = np.asarray(law.predict(drawn, dict.fromkeys(law.inputs, np.zeros(()))))
    low, middle, high = np.quantile(log_loss, [0.05, 0.5, 0.95])
    assert -1.2 < low < middle < high < 1.8
    assert abs(middle) < 0.6
