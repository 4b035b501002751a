"""Simulated sweeps that no law of bayescale describes, to test coverage at ten times the compute.

Each sweep has different true parameters. The worlds are: the law itself, for comparison; a third,
slow power of D that no law has; a power of N that breaks within the sweep and flattens; a learning
rate that is wrong for large models and increases their losses, more for larger models; and scatter
that runs of one budget share.
"""

from collections.abc import Iterator

import numpy as np
from frontier_panel import Case

import bayescale as bs
from bayescale.decisions.checks.holdouts.base import Fold

WORLDS = ("as_fitted", "hidden_component", "broken_power", "bad_learning_rate", "clustered_noise")

_FITTED = np.geomspace(1e18, 1e21, 7)
_HIDDEN = float(10 * _FITTED[-1])
_SIZES = 7
_SCATTER = 0.005
_MIDDLE_N = 5e8
_MIDDLE_D = 1e10


def sweeps(count: int, only: str = "") -> Iterator[Case]:
    """Yield ``count`` sweeps of each world, or of the worlds whose name contains ``only``."""
    for world in WORLDS:
        if only in world:
            for seed in range(count):
                yield Case(world, f"{world} {seed}", "ten_times", _fold(world, seed))


def _fold(world: str, seed: int) -> Fold:
    rng = np.random.default_rng([WORLDS.index(world), seed])
    alpha, beta = rng.uniform(0.28, 0.45, size=2)
    e = rng.uniform(1.4, 2.0)
    middle_term_of_n, middle_term_of_d = rng.uniform(0.3, 0.6, size=2)
    a = middle_term_of_n * _MIDDLE_N**alpha
    b = middle_term_of_d * _MIDDLE_D**beta
    design = bs.datasets.simulate(
        seed,
        E=e,
        A=a,
        B=b,
        alpha=alpha,
        beta=beta,
        budgets=[*_FITTED.tolist(), _HIDDEN],
        sizes_per_budget=_SIZES,
        noise=0.0,
    )
    frame = design.frame.copy()
    n = frame["n_params"].to_numpy()
    d = frame["n_tokens"].to_numpy()
    term_of_n = a / n**alpha
    log_loss = np.log(frame["loss"].to_numpy())
    if world == "hidden_component":
        log_loss = np.log(np.exp(log_loss) + 0.4 * (d / _MIDDLE_D) ** -0.06)
    if world == "broken_power":
        # Beyond the break the power of N halves, smoothly over about a factor of three.
        broken_term = term_of_n * np.sqrt(1 + (n / _MIDDLE_N) ** alpha)
        log_loss = np.log(np.exp(log_loss) - term_of_n + broken_term)
    if world == "bad_learning_rate":
        log_loss += 0.02 * np.maximum(np.log10(n / _MIDDLE_N), 0)
    if world == "clustered_noise":
        budgets, member = np.unique(frame["group"].to_numpy(), return_inverse=True)
        log_loss += 0.01 * rng.standard_normal(len(budgets))[member]
    frame["loss"] = np.exp(log_loss + _SCATTER * rng.standard_normal(len(frame)))
    hidden = frame["flops"].to_numpy() > 0.5 * _HIDDEN
    name = f"{world} {seed}"
    train = bs.Runs.from_frame(frame[~hidden], name=name)
    test = bs.Runs.from_frame(frame[hidden], name=name)
    return Fold("ten_times", train, test)
