"""Simulate, fit, and count how often intervals hold the truth."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

import bayescale as bs

SWEEPS, PARAMETERS, INTERVALS = (
    200,
    ("E", "A", "B", "alpha", "beta"),
    {0.5: (0.25, 0.75), 0.9: (0.05, 0.95)},
)


def draw_truth(rng: np.random.Generator) -> dict[str, float]:
    """Constants like those published: two terms of 0.05 to 0.6 nats in the middle of the sweep,
    above a floor of 1.4 to 2.2.
    """
    alpha, beta = np.exp(rng.normal(np.log(0.35), 0.2, size=2))
    excess = np.exp(rng.uniform(np.log(0.05), np.log(0.6), size=2))
    return {
        "E": float(rng.uniform(1.4, 2.2)),
        "A": float(excess[0] * 5e8**alpha),
        "B": float(excess[1] * 1e10**beta),
        "alpha": float(alpha),
        "beta": float(beta),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "degrees_of_freedom"),
    [(bs.noise.StudentT(), 4.0), (bs.noise.Normal(), None)],
    ids=["student_t", "normal"],
)
def test_intervals_of_all_parameters_hold_the_truth_as_often_as_they_say(
    noise: Any, degrees_of_freedom: float | None
) -> None:
    rng = np.random.default_rng(0)
    held = {(level, name): 0 for level in INTERVALS for name in PARAMETERS}
    for sweep in range(SWEEPS):
        truth = draw_truth(rng)
        runs = bs.datasets.simulate(
            sweep, **truth, noise=0.01, degrees_of_freedom=degrees_of_freedom
        )
        posterior = bs.fit(runs, law=bs.laws.Chinchilla(), noise=noise, method=bs.NUTS(seed=sweep))
        for level, tails in INTERVALS.items():
            for name in PARAMETERS:
                low, high = np.quantile(posterior.draws(name), tails)
                held[level, name] += int(low <= truth[name] <= high)
    # Each of the ten counts is binomial; together they leave these bounds by chance less than once
    # in a hundred.
    for (level, name), count in held.items():
        low, high = binom.interval(1 - 0.01 / len(held), SWEEPS, level)
        assert low <= count <= high, f"{name}: {count} of {SWEEPS} intervals of {level:.0%}"
