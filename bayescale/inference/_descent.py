"""Newton's method for many problems and many starts at once, on slopes alone.

Second derivatives are differences of slopes: a compiled program of slopes is small, one of exact
second derivatives of a determinant takes a minute to compile. Where the Hessian has negative
eigenvalues their absolute values stand in, so that every step goes downhill and saddles repel. Y.
Dauphin et al., "Identifying and Attacking the Saddle Point Problem in High-Dimensional Non-Convex
Optimization", 2014 (arXiv:1406.2572).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From (problems, points, k) to values, shape (problems, points), and gradients, shape (problems,
points, k).
"""

_DIFFERENCE = 1e-4
_FIRST_DAMPING, _LEAST_DAMPING, _SHRINK, _GROW = 1e-2, 1e-8, 0.1, 8.0
_LONGEST, _FLATTEST, _LEVEL = 2.0, 1e-3, 1e-3


@dataclass(frozen=True)
class Expansion:
    """A function to second order at each search's point.

    Attributes
    ----------
    at : array, shape (problems, starts, k)
    value : array, shape (problems, starts)
    gradient : array, shape (problems, starts, k)
    hessian : array, shape (problems, starts, k, k)
    """

    at: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray

    @classmethod
    def about(cls, slopes: Slopes, at: np.ndarray) -> "Expansion":
        """Expand about points by central differences, all in one call."""
        problems, starts, k = at.shape
        moves = _DIFFERENCE * np.concatenate([np.zeros((1, k)), np.eye(k), -np.eye(k)])
        values, gradients = slopes((at[:, :, None] + moves).reshape(problems, -1, k))
        values, gradients = (
            values.reshape(problems, starts, -1),
            gradients.reshape(problems, starts, -1, k),
        )
        curvature = (gradients[:, :, 1 : k + 1] - gradients[:, :, k + 1 :]) / (2 * _DIFFERENCE)
        return cls(
            at,
            values[:, :, 0],
            gradients[:, :, 0],
            (curvature + np.swapaxes(curvature, -1, -2)) / 2,
        )

    @property
    def known(self) -> np.ndarray:
        """Return where all of it is finite, shape (problems, starts)."""
        return (
            np.isfinite(self.value)
            & np.isfinite(self.gradient).all(-1)
            & np.isfinite(self.hessian).all((-1, -2))
        )

    def where(self, mine: np.ndarray, other: "Expansion") -> "Expansion":
        """Select element-wise: this expansion where ``mine`` is true, the other elsewhere."""
        vectors, matrices = mine[..., None], mine[..., None, None]
        return Expansion(
            at=np.where(vectors, self.at, other.at),
            value=np.where(mine, self.value, other.value),
            gradient=np.where(vectors, self.gradient, other.gradient),
            hessian=np.where(matrices, self.hessian, other.hessian),
        )

    def step(self, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a step downhill, shape (problems, starts, k), and the fall that an undamped one
        promises.
        """
        curvature, axes = np.linalg.eigh(self.hessian)
        stiffness = np.maximum(np.abs(curvature), _FLATTEST)
        slope = np.einsum("psij,psi->psj", axes, self.gradient)
        move = -np.einsum(
            "psij,psj->psi",
            axes,
            slope / (stiffness * (1 + damping[..., None]) + damping[..., None]),
        )
        shorter = np.minimum(
            1.0, _LONGEST / np.maximum(np.abs(move).max(axis=-1, keepdims=True), 1e-300)
        )
        return move * shorter, np.sum(slope**2 / stiffness, axis=-1) / 2


def descended(slopes: Slopes, starts: np.ndarray, steps: int) -> Expansion:
    """Return the ends of searches from ``starts``, shape (problems, starts, k).

    The value is infinite where nothing finite was met.
    """
    best = Expansion.about(slopes, starts)
    nothing = Expansion(
        starts,
        np.full(starts.shape[:2], np.inf),
        np.zeros_like(best.gradient),
        np.zeros_like(best.hessian),
    )
    best = best.where(best.known, nothing)
    damping = np.full(best.value.shape, _FIRST_DAMPING)
    for _ in range(steps):
        move, promised = best.step(damping)
        if not (promised[np.isfinite(best.value)] > _LEVEL).any():
            break
        trial = Expansion.about(slopes, best.at + move)
        better = trial.known & (trial.value < best.value)
        best = trial.where(better, best)
        damping = np.where(better, np.maximum(damping * _SHRINK, _LEAST_DAMPING), damping * _GROW)
    return best
