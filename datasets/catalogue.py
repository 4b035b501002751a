"""Functions of the catalogue: list, fetch, read and load data sets."""

import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import cast

import pandas as pd

from bayescale.datasets.descriptor import Descriptor, describe, names
from bayescale.datasets.originals import locate
from bayescale.errors import InputError
from bayescale.runs import Runs


def load(name: str, *, keep_suspect: bool = False, **columns: str) -> Runs:
    """Return the runs of a data set to fit a law to: one coherent group, without suspect rows.

    Originals that are not on this machine yet are downloaded and checked. The notes of the result
    record the selection.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    keep_suspect : bool
        Keep rows that the authors or curators flag as outliers or misprints.
    **columns : str
        ``standard_name="heading"``, to choose between columns, for example
        ``n_params="n_params_non_embedding"``.

    Returns
    -------
    Runs

    Raises
    ------
    InputError
        If there is no such data set or column, an original is unavailable or has the wrong hash,
        or the data are not runs that a law of log loss can describe.

    Examples
    --------
    >>> from bayescale import datasets
    >>> len(datasets.load("dey2023_pile"))
    29
    >>> len(datasets.load("dey2023_pile", keep_suspect=True, n_params="n_params_non_embedding"))
    30
    """
    descriptor = describe(name)
    if descriptor.refusal:
        raise InputError(
            f'{name} cannot be loaded as runs: {descriptor.refusal}. Use datasets.frame("{name}") '
            f"for its table."
        )
    selected = _read(descriptor)
    for column, values in descriptor.select.items():
        selected = selected[selected[column].isin(values)]
    suspect = pd.Series(False, index=selected.index)
    if descriptor.suspect:
        suspect = selected[descriptor.suspect] == 1
    kept = selected if keep_suspect else selected[~suspect]
    notes = _selection_notes(descriptor, len(kept))
    notes += _suspect_notes(descriptor, int(suspect.sum()), keep_suspect)
    n_params = columns.get("n_params", "n_params")
    notes.append(descriptor.n_params.get(n_params, f"N is the column {n_params}, as chosen."))
    notes += descriptor.notes
    source = f"{descriptor.authors} {descriptor.year}, {descriptor.paper}"
    runs = Runs.from_frame(kept, name=name, source=source, notes=notes, **columns)
    return replace(runs, loss_unit=descriptor.loss_unit)


def frame(name: str) -> pd.DataFrame:
    """Return the complete table of a data set under standard names: every row, whatever its loss.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    DataFrame, one row per run or checkpoint
        ``run_id``, mostly ``n_params`` and ``n_tokens`` (counts) and ``loss`` (in the units that
        :func:`describe` gives), often ``group`` and ``flops``, and further columns of the original.

    Raises
    ------
    InputError
        If there is no such data set, or an original is unavailable or has the wrong hash.

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.frame("dey2023_pile").groupby("group")["loss"].min()["Pythia"]
    np.float64(1.582)
    """
    return _read(describe(name))


def fetch(name: str) -> list[Path]:
    """Download the missing originals of a data set, check all originals, and return their paths.

    ``BAYESCALE_DATA`` names a folder of originals that is searched first, laid out as
    ``<name>/<file>``. Downloaded files go into the cache; ``BAYESCALE_CACHE`` sets its folder.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If there is no such data set, or an original is unavailable or has the wrong hash. The
        message has the address, the hash and the path to save the file to. The cache is left
        unchanged.

    Examples
    --------
    >>> from bayescale import datasets
    >>> [path.name for path in datasets.fetch("dey2023_pile")]
    ['dey2023_pile.csv']
    """
    return list(locate(describe(name)).values())


def table() -> pd.DataFrame:
    """Return a table of all data sets of the catalogue, without downloading anything.

    Returns
    -------
    DataFrame, one row per data set
        ``name``, ``title``, ``runs`` (rows of the complete table), ``loaded`` (runs that
        :func:`load` returns by default; 0 where it refuses), ``embedded`` (bool), ``licence``,
        ``paper``.

    Examples
    --------
    >>> from bayescale import datasets
    >>> catalogue = datasets.table().set_index("name")
    >>> catalogue.loc["besiroglu2024_chinchilla", ["runs", "loaded"]].tolist()
    [245, 240]
    """
    rows = []
    for name in names():
        descriptor = describe(name)
        row = {
            "name": descriptor.name,
            "title": descriptor.title,
            "runs": descriptor.rows,
            "loaded": descriptor.loaded,
            "embedded": descriptor.embedded,
            "licence": descriptor.licence,
            "paper": descriptor.paper,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def in_catalogue(source: str) -> bool:
    """Return whether a text is meant as a name of the catalogue; else it is a file, which has an
    ending or a folder, or is there.
    """
    path = Path(source)
    return source in names() or not (path.suffix or os.sep in source or path.exists())


def _read(descriptor: Descriptor) -> pd.DataFrame:
    reader = import_module(f"bayescale.datasets.{descriptor.reader}")
    return cast(pd.DataFrame, reader.read(locate(descriptor)))


def _selection_notes(descriptor: Descriptor, kept: int) -> list[str]:
    """Return the note on the default selection of rows; an empty list where all rows are selected.

    Parameters
    ----------
    descriptor : Descriptor
    kept : int
        Number of rows that were selected.
    """
    if not descriptor.select:
        return []
    conditions = []
    for column, values in descriptor.select.items():
        allowed = " or ".join(str(value) for value in values)
        conditions.append(f"{column} is {allowed}")
    selection = " and ".join(conditions)
    return [f"{kept} of {descriptor.rows} rows: those where {selection}."]


def _suspect_notes(descriptor: Descriptor, count: int, keep_suspect: bool) -> list[str]:
    """Return the note on suspect rows; an empty list where there are none."""
    if not count:
        return []
    plural = "s" if count > 1 else ""
    rows = f"{count} suspect run{plural} ({descriptor.suspect} is 1)"
    if keep_suspect:
        return [f"{rows} kept."]
    them = "them" if count > 1 else "it"
    return [f"{rows} left out; keep_suspect=True keeps {them}."]
