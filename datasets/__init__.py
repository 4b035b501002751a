"""The catalogue of data sets: published training runs under one set of names, and simulated runs.

A data set is two small files in this folder: a descriptor ``<name>.toml``, whose keys are the
attributes of :class:`Descriptor`, and a reader ``read_<name>.py`` with one function
``read(originals: Mapping[str, Path]) -> DataFrame``. Adding the two files adds the data set; there
is no list to register it in. The originals are downloaded on first use and checked, or embedded
where they are printed figures.

Figures that papers print and that are not runs (sizes of models, parameters of laws, exponents) are
published tables, which come with bayescale as ``table_<name>.csv`` and ``.toml``.
"""

from bayescale.datasets.catalogue import fetch, frame, load, table
from bayescale.datasets.descriptor import Descriptor, Original, describe, names
from bayescale.datasets.published import (
    PublishedTable,
    describe_table,
    published_table,
    published_tables,
    table_names,
)
from bayescale.datasets.simulation import simulate

__all__ = [
    "Descriptor",
    "Original",
    "PublishedTable",
    "describe",
    "describe_table",
    "fetch",
    "frame",
    "load",
    "names",
    "published_table",
    "published_tables",
    "simulate",
    "table",
    "table_names",
]
