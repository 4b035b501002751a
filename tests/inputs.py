"""Inputs of runs that suit any law."""

from collections.abc import Sequence

import numpy as np

from bayescale.laws.base import Law
from bayescale.units import SHARE


def inputs_of(law: Law, counts: Sequence[float] | np.ndarray) -> dict[str, np.ndarray]:
    """Return the counts for each input of a law; for shares, what they are of ten times the most.

    Inputs of a law of parts are shares, which are at most one.
    """
    whole = np.asarray(counts, dtype=float)
    shares = whole / (10 * whole.max())
    return {name: shares if name.startswith(SHARE) else whole for name in law.inputs}
