"""Which runs are made: sizes, budgets and seeds, and the rule that gives each its learning rate.

Budgets are of C = 6·N·D with N all parameters, as `bayescale.allocate` counts; exact FLOPs stand in
the rows beside them.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from model import Shape
from train import BATCH_BYTES, Task

SEEDS = (0, 1)
# Four budgets over one and a half decades, and widths about the best of each.
BASE = {
    6.0e10: (12, 14, 16, 18, 20, 24, 28, 32),
    1.9e11: (12, 16, 20, 24, 28, 32, 40, 48),
    6.0e11: (16, 20, 24, 32, 40, 48, 64, 80),
    1.9e12: (24, 32, 40, 48, 56, 64, 80, 112),
}
# Ten and thirty times the dearest of these. The second width of the first and the first of the
# second are the best by the default fit of the data set, 220,000 and 336,000 parameters; smaller
# ones at the dearer would need more text than there is.
FRONTIER = {1.9e13: (56, 72, 88, 112), 5.7e13: (88, 112, 144)}
# The smallest run, one of the middle, and two of the dearest, the largest among them: budget, width
# and seeds. Seeds differ by more than what is to be told, so that the ends have four.
CHECKED = (
    (6.0e10, 12, (0, 1, 2, 3)),
    (6.0e11, 40, (0, 1)),
    (1.9e12, 64, (0,)),
    (1.9e12, 112, (0, 1, 2, 3)),
)
CHECKS = (0.4, 0.63, 1.6, 2.5)
REBUILT = 3


def learning_rate(n_bytes: float) -> float:
    """Peak rate of the embeddings for the length of a run; that of the blocks has the width in it.

    Parabolas in log rate through the runs of `tune` have their minima at 0.076 (17,408 parameters,
    307,200 bytes), 0.057 (four times the bytes) and 0.073 (4.5 times the parameters): a power of D,
    and nothing of N. Twice or half the best rate costs 1 % of the loss.
    """
    return 0.066 * (n_bytes / 6e5) ** -0.2


def of_budget(
    role: str, budget: float, widths: Iterable[int], seeds: Iterable[int] = SEEDS
) -> list[Task]:
    """Runs of one budget, each of as many whole steps as come nearest to it."""
    shapes = [Shape(width) for width in widths]
    steps = [round(budget / (6 * shape.n_params * BATCH_BYTES)) for shape in shapes]
    return [
        Task(shape, count, learning_rate(count * BATCH_BYTES), seed, role, budget)
        for seed in seeds
        for shape, count in zip(shapes, steps, strict=True)
    ]


def tune() -> list[Task]:
    """Five learning rates at small sizes, to fit the rule to."""
    return [
        Task(
            Shape(width), steps, rate, 0, "tune", 6.0 * Shape(width).n_params * steps * BATCH_BYTES
        )
        for width, steps in ((16, 600), (40, 600), (16, 2400))
        for rate in (0.01, 0.02, 0.04, 0.08, 0.16)
    ]


def base() -> list[Task]:
    """The data set."""
    return [task for budget, widths in BASE.items() for task in of_budget("base", budget, widths)]


def check() -> list[Task]:
    """Rates about the rule's at the smallest, a middle and the largest size; the data set has the
    rule's own of its seeds.
    """
    return [
        replace(task, learning_rate=task.learning_rate * factor, role="check")
        for budget, width, seeds in CHECKED
        for task in of_budget("check", budget, [width], seeds)
        for factor in (CHECKS if task.seed in SEEDS else (*CHECKS, 1.0))
    ]


def rebuild() -> list[Task]:
    """Some runs of the cheapest budget once more, drawn at random."""
    cheapest = [task for task in base() if task.budget == min(BASE)]
    drawn = np.random.default_rng(2026).choice(len(cheapest), REBUILT, replace=False)
    return [replace(cheapest[i], role="rebuild") for i in sorted(drawn)]


def frontier() -> list[Task]:
    """Ten and thirty times dearer, several sizes each."""
    return [
        task
        for budget, widths in FRONTIER.items()
        for task in of_budget("frontier", budget, widths)
    ]


PLANS: dict[str, Callable[[], list[Task]]] = {
    "tune": tune,
    "base": base,
    "check": check,
    "rebuild": rebuild,
    "frontier": frontier,
}
