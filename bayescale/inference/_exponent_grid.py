"""Grids of exponents: the axes, and how they close in on the nodes that matter.

`Grid` and the profile both look at all nodes of a coarse grid over the whole ranges, and then at
ever closer grids over what is worth seeing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]
"""Lowest and highest value of an exponent."""


@dataclass(frozen=True, eq=False)
class ExponentGrid:
    """A grid of one exponent or two.

    Attributes
    ----------
    axes : tuple of array
        Evenly spaced values of each exponent.
    ranges : tuple of (low, high)
        What no axis leaves.
    """

    axes: tuple[np.ndarray, ...]
    ranges: tuple[Range, ...]

    @classmethod
    def over(cls, ranges: Sequence[Range], size: int) -> "ExponentGrid":
        """Return a grid over the whole ranges with ``size`` nodes along each axis."""
        axes = tuple(np.linspace(low, high, size) for low, high in ranges)
        return cls(axes, tuple(ranges))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Two axes; a lone exponent is beside one node of no effect."""
        first, second = self.axes if len(self.axes) == 2 else (self.axes[0], np.ones(1))
        return first, second

    @property
    def nodes(self) -> np.ndarray:
        """Exponents of all nodes, shape (exponents, nodes), the last axis running fastest."""
        coordinates = np.meshgrid(*self.axes, indexing="ij")
        return np.stack([coordinate.ravel() for coordinate in coordinates])

    def closer(self, kept: np.ndarray, margin: int, size: int) -> "ExponentGrid":
        """Return a grid over the nodes to keep and a margin about them.

        Parameters
        ----------
        kept : array of bool
            First axis along the first exponent, second along the second if there is one; a grid of
            one exponent may have a second axis of length one.
        margin : int
            Nodes to add on each side.
        size : int
            Nodes along each axis of the new grid.
        """
        closer = []
        for along, (axis, (low, high)) in enumerate(zip(self.axes, self.ranges, strict=True)):
            others = tuple(other for other in range(kept.ndim) if other != along)
            indices = np.flatnonzero(kept.any(axis=others))
            width = margin * (axis[1] - axis[0])
            first, last = axis[indices[0]] - width, axis[indices[-1]] + width
            closer.append(np.linspace(max(first, low), min(last, high), size))
        return ExponentGrid(tuple(closer), self.ranges)
