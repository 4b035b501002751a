"""Simulate pairs of sweeps of known multipliers, compare them, and count how often intervals hold
the truth.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import bayescale as bs
from bayescale.decisions.recipes.recipe_law import FLOOR

PAIRS, COMPUTE = 100, 1e22
QUANTITIES = ("n_params_multiplier", "n_tokens_multiplier", FLOOR, "compute_multiplier", "gain")


def best_loss(params: dict[str, float], compute: float) -> float:
    n = float(bs.laws.Chinchilla().optimal_n_params(params, compute))
    c = params
    return c["E"] + c["A"] / n ** c["alpha"] + c["B"] / (compute / 6 / n) ** c["beta"]


def pair(
    rng: np.random.Generator, number: int, own_floor: bool
) -> tuple[bs.Runs, dict[str, float]]:
    """Two sweeps of different recipes, and what should be found; effective compute by its
    definition.
    """
    alpha, beta = np.exp(rng.normal(np.log(0.35), 0.15, size=2))
    excess = np.exp(rng.uniform(np.log(0.1), np.log(0.5), size=2))
    of_n, of_d = np.exp(rng.normal(0.0, 0.5, size=2))
    floor = float(np.exp(rng.normal(0.0, 0.03))) if own_floor else 1.0
    levels = rng.uniform(1.4, 2.2), excess[0] * 5e8**alpha, excess[1] * 1e10**beta, alpha, beta
    base = dict(zip(("E", "A", "B", "alpha", "beta"), map(float, levels), strict=True))
    candidate = base | {
        "E": base["E"] * floor,
        "A": base["A"] / of_n**alpha,
        "B": base["B"] / of_d**beta,
    }
    budgets = (1e18, 1e19, 1e20)
    old, new = (
        bs.datasets.simulate(2 * number + i, **params, budgets=budgets, sizes_per_budget=5).frame
        for i, params in enumerate((base, candidate))
    )
    runs = bs.Runs.from_frame(
        pd.concat([old.assign(group="old"), new.assign(group="new")], ignore_index=True)
    )
    # The base's frontier is E + K C^-s, so a loss has one budget.
    s = alpha * beta / (alpha + beta)
    k = (best_loss(base, COMPUTE) - base["E"]) * COMPUTE**s
    aim = best_loss(candidate, COMPUTE) - base["E"]
    effective = (k / aim) ** (1 / s) / COMPUTE if aim > 0 else np.inf
    gain = best_loss(base, COMPUTE) - best_loss(candidate, COMPUTE)
    return runs, dict(
        zip(QUANTITIES, map(float, (of_n, of_d, floor, effective, gain)), strict=True)
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("own_floor", [False, True], ids=["shared floor", "own floor"])
def test_intervals_of_multipliers_hold_the_truth_as_often_as_they_say(own_floor: bool) -> None:
    rng = np.random.default_rng(0)
    held: dict[str, list[bool]] = {name: [] for name in QUANTITIES}
    for number in range(PAIRS):
        runs, truth = pair(rng, number, own_floor)
        found = bs.recipes(
            runs, "old", "new", compute=COMPUTE, shared_floor=not own_floor, noise=bs.noise.Normal()
        )
        assert not found.problems
        for row in found.frame.to_dict("records"):
            held[row["quantity"]].append(row["q05"] <= truth[row["quantity"]] <= row["q95"])
    counts = {name: sum(each) for name, each in held.items() if each}
    assert len(counts) == 4 + own_floor
    # Each count is binomial; together they leave these bounds by chance less than once in a
    # hundred.
    low, high = binom.interval(1 - 0.01 / len(counts), PAIRS, 0.9)
    assert all(low <= count <= high for count in counts.values()), counts
