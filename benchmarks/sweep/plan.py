"""Which runs are made: sizes, budgets and seeds, and the rule that gives each its learning rate.

Budgets are of C = 6·N·D with N all parameters, as `bayescale.allocate` counts; exact FLOPs stand in the rows beside them.
"""

from collections.abc import Callable, Iterable

from model import Shape
from train import BATCH_BYTES, Task

SEEDS = (0, 1)


def learning_rate(n_params: float, n_bytes: float) -> float:
    """Peak rate of Adam for a model and the length of its run."""
    return 0.02 * (n_params / 3e4) ** -0.3 * (n_bytes / 5e5) ** -0.1


def of_budget(role: str, budget: float, widths: Iterable[int], seeds: Iterable[int] = SEEDS) -> list[Task]:
    """Runs of one budget, each of as many whole steps as come nearest to it."""
    shapes = [Shape(width) for width in widths]
    steps = [round(budget / (6 * shape.n_params * BATCH_BYTES)) for shape in shapes]
    return [
        Task(shape, count, learning_rate(shape.n_params, count * BATCH_BYTES), seed, role, budget)
        for seed in seeds
        for shape, count in zip(shapes, steps, strict=True)
    ]


def tune() -> list[Task]:
    """Five learning rates at small sizes, to fit the rule to."""
    return [
        Task(Shape(width), steps, rate, 0, "tune", 6.0 * Shape(width).n_params * steps * BATCH_BYTES)
        for width, steps in ((16, 600), (40, 600), (16, 2400))
        for rate in (0.005, 0.01, 0.02, 0.04, 0.08)
    ]


PLANS: dict[str, Callable[[], list[Task]]] = {"tune": tune}
