"""The place of the dearest runs: what a prior may know of a sweep before it is fitted."""

from typing import NamedTuple

import jax
import numpy as np

from bayescale.parameters import FloatOrArray


class Sweep(NamedTuple):
    """Compute and shape of the runs at the frontier, in decades from a sweep of usual size.

    Attributes
    ----------
    compute : number or array of no dimension
        log10 of compute, FLOPs, less 19; zero where the runs do not say.
    tokens_per_param : number or array of no dimension
        log10 of D/N less that of 20; zero where the runs do not say.
    """

    compute: FloatOrArray = 0.0
    tokens_per_param: FloatOrArray = 0.0

    def on_device(self) -> "Sweep":
        """Return the same numbers as arrays that compiled programs take."""
        numbers = (np.asarray(value, dtype=np.float64) for value in self)
        return Sweep(*map(jax.device_put, numbers))


_SHARE, _MOST, _DIGITS = 5, 5, 6


def dearest_rows(log_compute: np.ndarray) -> np.ndarray:
    """Return the rows of the dearest fifth of the runs, one at least and five at most, and of all
    that cost as much as the cheapest of these: sizes of one budget stand for it together.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.sweep import dearest_rows
    >>> dearest_rows(np.array([1.0, 3.0, 2.0]))
    array([1])
    """
    count = max(1, min(_MOST, len(log_compute) // _SHARE))
    # Rounded, so that the choice does not hang on the last bit.
    rounded = log_compute.round(_DIGITS)
    return np.flatnonzero(rounded >= np.sort(rounded)[-count])
