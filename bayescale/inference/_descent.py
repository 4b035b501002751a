"""Newton's method on values alone, for a function of a few coordinates of which many points cost
little more than one.

Slopes and second derivatives are differences between points of a stencil about the current point,
so that a search needs no other compiled program than the one that gives values. Where the Hessian
has negative eigenvalues their absolute values stand in, so that every step goes downhill and
saddles repel. Y. Dauphin et al., "Identifying and Attacking the Saddle Point Problem in
High-Dimensional Non-Convex Optimization", 2014 (arXiv:1406.2572).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Values = Callable[[np.ndarray], np.ndarray]
"""From points, shape (points, m), to values, shape (points,)."""

_DIFFERENCE = 1e-2
_FIRST_DAMPING, _LEAST_DAMPING, _SHRINK, _GROW = 1e-2, 1e-8, 0.1, 8.0
_LONGEST, _FLATTEST, _LEVEL = 2.0, 1e-3, 1e-3


@dataclass(frozen=True)
class Expansion:
    """A function to second order at a point.

    Attributes
    ----------
    at : array, shape (m,)
    value : float
    gradient : array, shape (m,)
    hessian : array, shape (m, m)
    """

    at: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray

    @classmethod
    def about(cls, values: Values, at: np.ndarray) -> "Expansion":
        """Expand about a point by differences over a stencil of 1 + m + m² points."""
        m, step = len(at), _DIFFERENCE
        unit = step * np.eye(m)
        first, second = np.triu_indices(m, 1)
        both = unit[first] + unit[second]
        stencil = np.concatenate([np.zeros((1, m)), unit, -unit, both, -both])
        found = values(at + stencil)
        centre, above, below = found[0], found[1 : m + 1], found[m + 1 : 2 * m + 1]
        both_above, both_below = np.split(found[2 * m + 1 :], 2)
        along = above + below - 2 * centre
        across = (both_above + both_below - 2 * centre - along[first] - along[second]) / 2
        hessian = np.diag(along)
        hessian[first, second] = hessian[second, first] = across
        return cls(at, float(centre), (above - below) / (2 * step), hessian / step**2)

    @property
    def is_finite(self) -> bool:
        """Return whether value, gradient and Hessian are finite."""
        return bool(
            np.isfinite(self.value)
            and np.isfinite(self.gradient).all()
            and np.isfinite(self.hessian).all()
        )

    def step(self, damping: float) -> tuple[np.ndarray, float]:
        """Return a step downhill, shape (m,), and the fall that an undamped one promises."""
        curvature, axes = np.linalg.eigh(self.hessian)
        stiffness = np.maximum(np.abs(curvature), _FLATTEST)
        slope = axes.T @ self.gradient
        move = -axes @ (slope / (stiffness * (1 + damping) + damping))
        shorter = min(1.0, _LONGEST / max(np.abs(move).max(initial=0.0), 1e-300))
        return move * shorter, float(np.sum(slope**2 / stiffness) / 2)


def descended(values: Values, start: np.ndarray, steps: int) -> Expansion:
    """Return the expansion where a search from ``start``, shape (m,), ends.

    The value is that of the start, and the Hessian may be not finite, where nothing finite was met.
    """
    best, damping = Expansion.about(values, start), _FIRST_DAMPING
    for _ in range(steps if best.is_finite else 0):
        move, promised = best.step(damping)
        if promised < _LEVEL:
            break
        trial = Expansion.about(values, best.at + move)
        if trial.is_finite and trial.value < best.value:
            best, damping = trial, max(damping * _SHRINK, _LEAST_DAMPING)
        else:
            damping *= _GROW
    return best
