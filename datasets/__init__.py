"""The catalogue: published training runs under one set of names, and simulated ones whose truth is known.

A data set is three small files: a descriptor ``<name>.toml``, a reader ``read_<name>.py``, and the originals, which are
downloaded on first use (or embedded, where they are printed figures).
"""

from bayescale.datasets.catalogue import fetch, frame, load, table
from bayescale.datasets.descriptor import Descriptor, Original, describe, names
from bayescale.datasets.simulation import simulate

__all__ = ["Descriptor", "Original", "describe", "fetch", "frame", "load", "names", "simulate", "table"]
