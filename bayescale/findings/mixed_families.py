"""Families of runs that lie on different curves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import fdtrc

from bayescale.findings._surface import Surface
from bayescale.findings._sweep import Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule
from bayescale.units import same_partition


@dataclass(frozen=True)
class MixedFamilies(Rule):
    """Find a column of labels whose groups differ in loss at equal N and D.

    Parameters
    ----------
    chance : float
        p-value of the groups' offsets beyond a common law, at most, all columns together.
    offset : float
        Least difference of log loss between two groups.
    most : int
        Groups of one column.
    """

    chance: float = 1e-3
    offset: float = 0.01
    most: int = 20

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Groups of the runs lie on different curves: families with other data, tokenizers or ways "
        "of counting. One law for all of them mixes their offsets into exponents and floor."
    )
    remedy: ClassVar[str] = (
        "Fit one family at a time, or give the label as the column group and a noise model with "
        "an effect of each group."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return a finding of the column whose groups differ most, or none."""
        surface = sweep.surface
        if surface is None:
            return
        labels = sweep.labels.items()
        columns = {name: codes for name, codes in labels if self._may_be_families(sweep, codes)}
        found = {}
        for name, codes in columns.items():
            chance, offsets = _offsets(surface, codes)
            if chance * len(columns) < self.chance and np.ptp(offsets) > self.offset:
                found[name] = (chance, offsets)
        if not found:
            return
        name = min(found, key=lambda one: found[one][0])
        offsets, codes = found[name][1], columns[name]
        high, low = int(np.argmax(offsets)), int(np.argmin(offsets))
        names = sweep.frame[name].astype(str).to_numpy()
        farthest = int(np.argmax(np.abs(offsets)))
        yield self.finding(
            sweep,
            f"The families in {name} differ: {names[codes == high][0]} lies {np.ptp(offsets):.1%} "
            f"above {names[codes == low][0]} at equal inputs.",
            codes == farthest,
            difference=np.ptp(offsets),
        )

    def _may_be_families(self, sweep: Sweep, codes: np.ndarray) -> bool:
        """Return whether labels divide the runs into a few families, and not into budgets or
        sizes.
        """
        sizes = np.bincount(codes)
        if not 2 <= len(sizes) <= min(self.most, len(sweep) / 3):
            return False
        if sweep.budgets is not None and same_partition(sweep.budgets, codes):
            return False
        for name in sweep.inputs:
            spread = [np.ptp(sweep.log(name)[codes == code]) for code in range(len(sizes))]
            if max(spread) == 0:
                return False
        return True


def _offsets(surface: Surface, codes: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the chance of groups as different as these under one law, by an F-test beside the
    law's slopes, and the offset of each group.
    """
    residual = np.clip(surface.residual, -3 * surface.scale, 3 * surface.scale)
    sizes = np.bincount(codes)
    means = np.bincount(codes, weights=residual) / sizes
    dummies = np.eye(len(sizes))[codes]
    _, plain, rank = _left(surface.jacobian, residual)
    design = np.hstack([surface.jacobian, dummies])
    _, grouped, rank_grouped = _left(design, residual)
    freedom = len(codes) - rank_grouped
    added = rank_grouped - rank
    if added < 1 or freedom < 3:
        return 1.0, means
    ratio = ((plain - grouped) / added) / max(grouped / freedom, 1e-12)
    return float(fdtrc(added, freedom, ratio)), means


def _left(design: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Return the solution, the sum of squares that least squares leave, and the rank."""
    found, _, rank, _ = np.linalg.lstsq(design, residual, rcond=1e-9)
    left = residual - design @ found
    return found, float(left @ left), int(rank)
