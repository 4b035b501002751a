"""The runs as arrays: what a compiled program takes of them.

Rows are filled up to one of a few sizes (`padded_size`), so that sweeps of similar size share
compiled programs; rows that fill up have weight zero.
"""

from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from bayescale.noise.base import Conditions
from bayescale.parameters import FloatOrArray
from bayescale.processes.base import Basis, Locations, padded_functions, padded_size
from bayescale.sweep import Sweep


class Data(NamedTuple):
    """The runs in their own units, each array of shape (runs, 1), float64.

    Attributes
    ----------
    log_inputs : dict of Array
        Logarithms of the inputs, centred.
    observed : Array
        The response on the scale of the fit, centred where that scale is.
    conditions : Conditions
        What the noise knows of each run; a standard error is (1, 1) where none is known.
    features : tuple of Array, shape (runs, functions)
        Basis functions of each process of the noise model, at unit amplitude.
    sweep : Sweep
        Where the dearest runs stand, arrays of no dimension, for the prior.
    """

    log_inputs: dict[str, Array]
    observed: Array
    conditions: Conditions
    features: tuple[Array, ...]
    sweep: Sweep


def column(values: np.ndarray) -> Array:
    """Return values of the runs, shape (runs,), as a padded column."""
    # Zeros are the centre of the data, where every law is finite.
    missing = padded_size(len(values)) - len(values)
    return jax.device_put(np.pad(values, (0, missing))[:, None])


def column_or_scalar(values: FloatOrArray) -> Array:
    """Return a padded column, or shape (1, 1) for one value that holds for all runs."""
    values = np.atleast_1d(values)
    return column(values) if len(values) > 1 else jax.device_put(values[:, None])


def padded_features(basis: Basis, locations: Locations) -> Array:
    """Return basis functions at locations, shape (runs, functions), padded along both axes."""
    # Functions that fill up are zero, and so share compiled programs; their coefficients keep to
    # their prior.
    features = basis.features(locations)
    runs, functions = features.shape
    rows = padded_size(runs) - runs
    columns = padded_functions(basis.process, functions) - functions
    return jax.device_put(np.pad(features, ((0, rows), (0, columns))))
