"""Simulated sweeps that no law here describes: does a stated interval hold at ten times the compute
all the same?

Each sweep has a truth of its own. The worlds: the law itself, for comparison; a third, slow power
of D that no law here has; a power of N that breaks within the sweep and flattens; a learning rate
that is wrong for large models, whose losses it lifts more the larger they are; and scatter that
runs of one budget share.
"""

from collections.abc import Iterator

import numpy as np
from frontier_panel import Case

import bayescale as bs
from bayescale.decisions.checks.holdouts.base import Fold

WORLDS = ("as_fitted", "hidden_component", "broken_power", "bad_learning_rate", "clustered_noise")

_FITTED = tuple(float(budget) for budget in np.geomspace(1e18, 1e21, 7))
_HIDDEN = 10 * _FITTED[-1]
_SIZES = 7
_SCATTER = 0.005
_MIDDLE_N, _MIDDLE_D = 5e8, 1e10


def sweeps(count: int, only: str = "") -> Iterator[Case]:
    """``count`` sweeps of each world, or of those whose name contains ``only``."""
    for world in WORLDS:
        if only in world:
            yield from (
                Case(world, f"{world} {seed}", "ten_times", _fold(world, seed))
                for seed in range(count)
            )


def _fold(world: str, seed: int) -> Fold:
    rng = np.random.default_rng([WORLDS.index(world), seed])
    alpha, beta = rng.uniform(0.28, 0.45, size=2)
    e, a, b = (
        rng.uniform(1.4, 2.0),
        *(rng.uniform(0.3, 0.6, size=2) * np.array([_MIDDLE_N**alpha, _MIDDLE_D**beta])),
    )
    design = bs.datasets.simulate(
        seed,
        E=e,
        A=a,
        B=b,
        alpha=alpha,
        beta=beta,
        budgets=(*_FITTED, _HIDDEN),
        sizes_per_budget=_SIZES,
        noise=0.0,
    )
    frame = design.frame.copy()
    n, d, budget = (
        frame["n_params"].to_numpy(),
        frame["n_tokens"].to_numpy(),
        frame["group"].to_numpy(),
    )
    of_n = a / n**alpha
    log_loss = np.log(frame["loss"].to_numpy())
    if world == "hidden_component":
        log_loss = np.log(np.exp(log_loss) + 0.4 * (d / _MIDDLE_D) ** -0.06)
    if world == "broken_power":
        # Past the break the power of N halves, smoothly over about a factor of three.
        log_loss = np.log(np.exp(log_loss) - of_n + of_n * np.sqrt(1 + (n / _MIDDLE_N) ** alpha))
    if world == "bad_learning_rate":
        log_loss += 0.02 * np.maximum(np.log10(n / _MIDDLE_N), 0)
    if world == "clustered_noise":
        budgets, member = np.unique(budget, return_inverse=True)
        log_loss += 0.01 * rng.standard_normal(len(budgets))[member]
    frame["loss"] = np.exp(log_loss + _SCATTER * rng.standard_normal(len(frame)))
    hidden = frame["flops"].to_numpy() > 0.5 * _HIDDEN
    sides = (bs.Runs.from_frame(frame[rows], name=f"{world} {seed}") for rows in (~hidden, hidden))
    return Fold("ten_times", *sides)
