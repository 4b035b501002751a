"""Runs of equal N and D that disagree: a sweep of something else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import INPUTS, Sweep
from bayescale.findings.base import DOUBTFUL, Finding, Rule

_RECIPE = ("lr", "learning_rate", "batch", "warmup", "decay", "momentum", "dropout", "schedule")


@dataclass(frozen=True)
class RepeatedSettings(Rule):
    """Find runs that a law cannot tell apart, and that differ by more than seeds do.

    Parameters
    ----------
    spread : float
        Standard deviation of log loss within a setting.
    recipe_spread : float
        The same where a learning rate or another part of the recipe differs.
    """

    spread: float = 0.03
    recipe_spread: float = 0.01

    severity: ClassVar[str] = DOUBTFUL
    meaning: ClassVar[str] = (
        "Several runs have equal N and D and quite different losses, so they differ by something "
        "else, such as the learning rate. Taken as repetitions, they raise the scatter and lift "
        "the law above the best recipe."
    )
    remedy: ClassVar[str] = (
        "Keep the best run of each setting, or give what differs as a column of the law."
    )

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, of all but the best run of each setting, or none."""
        if not sweep.has_loss:
            return
        frame = sweep.frame
        keys = [name for name in (*INPUTS, "group") if name in frame]
        if not sweep.has("n_params", "n_tokens") and "flops" in frame:
            keys.append("flops")
        if not set(keys) - {"group"}:
            return
        cells = frame.groupby(keys, sort=False, dropna=False)
        code = cells.ngroup().to_numpy()
        sizes = np.bincount(code)
        repeated = sizes[code] > 1
        freedom = int(np.sum(sizes[sizes > 1] - 1))
        if freedom < 2:
            return
        totals = np.bincount(code, weights=sweep.log_loss)
        deviation = sweep.log_loss - (totals / sizes)[code]
        spread = float(np.sqrt(np.sum(deviation[repeated] ** 2) / freedom))
        differing = [name for name in _recipe(sweep) if cells[name].nunique().max() > 1]
        if spread <= (self.recipe_spread if differing else self.spread):
            return
        best = frame.index.isin(cells["loss"].idxmin())
        what = f": {', '.join(differing)} differs" if differing else ""
        yield self.finding(
            sweep,
            f"{repeated.sum()} of {len(sweep)} runs repeat {(sizes > 1).sum()} settings of "
            f"{', '.join(keys)} and differ by {spread:.1%} within one{what}.",
            repeated & ~best,
            spread=spread,
        )


def _recipe(sweep: Sweep) -> list[str]:
    """Return the columns that say how a run was trained."""
    found = []
    for name in sweep.others:
        words = name.lower().split("_")
        if name.lower() in _RECIPE or set(words) & set(_RECIPE):
            found.append(name)
    return found
