"""A prior whose numbers come with the data, so that sweeps with their own priors share programs."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from bayescale.parameters import Parameter, Values
from bayescale.priors.at_frontier import AtFrontier
from bayescale.priors.base import Prior
from bayescale.sweep import Sweep


@dataclass(frozen=True)
class Moved(Prior):
    """`AtFrontier` with each coordinate moved and stretched by what `Sweep` says.

    A coordinate u ~ Normal(m, s) of the base stands for m + shift + stretch (u − m), which is
    Normal(m + shift, stretch · s).

    Parameters
    ----------
    base : AtFrontier
    """

    base: AtFrontier

    title: ClassVar[str] = "Floor, exponents and coupling, with numbers that come with the data"

    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return the rows of the base."""
        return self.base.coordinates(parameters)

    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return E, A, B, alpha, beta and gamma in units of the reference; other values stay."""
        rows = self.base.coordinates(())
        shifts = jnp.broadcast_to(jnp.asarray(sweep.shift), (len(rows),))
        stretches = jnp.broadcast_to(jnp.asarray(sweep.stretch), (len(rows),))
        moved = dict(coordinates)
        for row, shift, stretch in zip(rows, shifts, stretches, strict=True):
            middle = row.prior.loc
            moved[row.name] = middle + shift + stretch * (coordinates[row.name] - middle)
        return self.base.to_parameters(moved, sweep)

    def towards(self, other: AtFrontier) -> tuple[np.ndarray, np.ndarray]:
        """Return the shifts and stretches that make another prior of the base, each of shape
        (coordinates,).
        """
        before = _locations_and_scales(self.base)
        after = _locations_and_scales(other)
        return after[0] - before[0], after[1] / before[1]

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the dearest runs."""
        return self.base.reference_rows(log_compute)


def _locations_and_scales(prior: AtFrontier) -> np.ndarray:
    """Return means and standard deviations of the coordinates, shape (2, coordinates)."""
    rows = prior.coordinates(())
    return np.array([[row.prior.loc, row.prior.scale] for row in rows], dtype=float).T
