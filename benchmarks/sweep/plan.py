"""The plan of the sweep: sizes, budgets and seeds of its runs, and the rule for the learning rate.

Budgets are C = 6·N·D, where N counts all parameters, as in `bayescale.allocate`; the rows also have
exact FLOPs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from model import Shape
from train import BATCH_BYTES, Task

SEEDS = (0, 1)
# Four budgets over one and a half decades, and widths around the best of each.
BASE = {
    6.0e10: (12, 14, 16, 18, 20, 24, 28, 32),
    1.9e11: (12, 16, 20, 24, 28, 32, 40, 48),
    6.0e11: (16, 20, 24, 32, 40, 48, 64, 80),
    1.9e12: (24, 32, 40, 48, 56, 64, 80, 112),
}
# Ten and thirty times the largest of these budgets. The second width of the first and the first
# width of the second are the best by the default fit of the data set, 220,000 and 336,000
# parameters; smaller models at the larger budget would need more text than exists.
FRONTIER = {1.9e13: (56, 72, 88, 112), 5.7e13: (88, 112, 144)}
# Budget, width and seeds of the smallest run, a middle one, and two of the largest budget, with the
# largest run. Seeds differ by more than the effect to measure, so the extremes have four seeds.
CHECKED = (
    (6.0e10, 12, (0, 1, 2, 3)),
    (6.0e11, 40, (0, 1)),
    (1.9e12, 64, (0,)),
    (1.9e12, 112, (0, 1, 2, 3)),
)
CHECKS = (0.4, 0.63, 1.6, 2.5)
REBUILT = 3


def learning_rate(n_bytes: float) -> float:
    """Return the peak learning rate of the embeddings for the length of a run.

    The rate of the blocks also depends on the width. Parabolas in log rate through the runs of
    `tune` have their minima at 0.076 (17,408 parameters, 307,200 bytes), 0.057 (four times the
    bytes) and 0.073 (4.5 times the parameters): a power of D, independent of N. Twice or half the
    best rate increases the loss by 1 %.
    """
    return 0.066 * (n_bytes / 6e5) ** -0.2


def of_budget(
    role: str, budget: float, widths: Iterable[int], seeds: Iterable[int] = SEEDS
) -> list[Task]:
    """Return the runs of a budget, each with the whole number of steps that is nearest to it."""
    tasks = []
    for seed in seeds:
        for width in widths:
            shape = Shape(width)
            steps = round(budget / (6 * shape.n_params * BATCH_BYTES))
            rate = learning_rate(steps * BATCH_BYTES)
            tasks.append(Task(shape, steps, rate, seed, role, budget))
    return tasks


def tune() -> list[Task]:
    """Return runs with five learning rates at small sizes, to fit the rule to."""
    tasks = []
    for width, steps in ((16, 600), (40, 600), (16, 2400)):
        shape = Shape(width)
        budget = 6.0 * shape.n_params * steps * BATCH_BYTES
        rates = (0.01, 0.02, 0.04, 0.08, 0.16)
        tasks += [Task(shape, steps, rate, 0, "tune", budget) for rate in rates]
    return tasks


def base() -> list[Task]:
    """Return the runs of the data set."""
    return _of_budgets("base", BASE)


def check() -> list[Task]:
    """Return runs with rates around the rule's at the smallest, a middle and the largest size.

    The data set has the runs with the rule's own rate and its seeds.
    """
    tasks = []
    for budget, width, seeds in CHECKED:
        for task in of_budget("check", budget, [width], seeds):
            factors = CHECKS if task.seed in SEEDS else (*CHECKS, 1.0)
            rates = [task.learning_rate * factor for factor in factors]
            tasks += [replace(task, learning_rate=rate) for rate in rates]
    return tasks


def rebuild() -> list[Task]:
    """Return some runs of the smallest budget, drawn at random, to repeat them."""
    smallest = [task for task in base() if task.budget == min(BASE)]
    chosen = np.random.default_rng(2026).choice(len(smallest), REBUILT, replace=False)
    return [replace(smallest[i], role="rebuild") for i in sorted(chosen)]


def frontier() -> list[Task]:
    """Return the runs with ten and thirty times the compute, several sizes for each budget."""
    return _of_budgets("frontier", FRONTIER)


def _of_budgets(role: str, widths: Mapping[float, Iterable[int]]) -> list[Task]:
    tasks: list[Task] = []
    for budget, widths_of_budget in widths.items():
        tasks += of_budget(role, budget, widths_of_budget)
    return tasks


PLANS: dict[str, Callable[[], list[Task]]] = {
    "tune": tune,
    "base": base,
    "check": check,
    "rebuild": rebuild,
    "frontier": frontier,
}
