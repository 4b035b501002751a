"""The verbs of the catalogue: list, fetch, read, load."""

from importlib import import_module
from pathlib import Path
from typing import cast

import pandas as pd

from bayescale.datasets.descriptor import Descriptor, describe, names
from bayescale.datasets.originals import locate
from bayescale.errors import InputError
from bayescale.runs import Runs


def load(name: str, *, keep_suspect: bool = False, **columns: str) -> Runs:
    """Give the runs of a data set that a law is fitted to: one coherent group, without suspect
    rows.

    Originals that are not on this machine yet are downloaded and checked. What was chosen stands in
    the notes of the result.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    keep_suspect : bool
        Keep rows that the authors or curators flag as outliers or misprints.
    **columns : str
        ``standard_name="heading"``, for a choice between columns, for example
        ``n_params="n_params_non_embedding"``.

    Returns
    -------
    Runs

    Raises
    ------
    InputError
        Where there is no such data set or column, an original cannot be had or is not the original,
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
    suspect = (
        selected[descriptor.suspect] == 1
        if descriptor.suspect
        else pd.Series(False, index=selected.index)
    )
    kept = selected if keep_suspect else selected[~suspect]
    return Runs.from_frame(
        kept,
        name=name,
        source=f"{descriptor.authors} {descriptor.year}, {descriptor.paper}",
        notes=_notes(
            descriptor,
            len(kept),
            int(suspect.sum()),
            keep_suspect,
            columns.get("n_params", "n_params"),
        ),
        **columns,
    )


def frame(name: str) -> pd.DataFrame:
    """Give the whole table of a data set under standard names: every row, whatever its loss.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    DataFrame, one row per run or checkpoint
        ``run_id``, mostly ``n_params`` and ``n_tokens`` (counts) and ``loss`` (in the units that
        :func:`describe` gives), often ``group`` and ``flops``, and what else the original has.

    Raises
    ------
    InputError
        Where there is no such data set, or an original cannot be had or is not the original.

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.frame("dey2023_pile").groupby("group")["loss"].min()["Pythia"]
    np.float64(1.582)
    """
    return _read(describe(name))


def fetch(name: str) -> list[Path]:
    """Download the originals of a data set that are not on this machine yet, check them all, and
    say where they lie.

    ``BAYESCALE_DATA`` names a folder of originals to use first, laid out as ``<name>/<file>``. The
    rest go into the cache, which ``BAYESCALE_CACHE`` can move.

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
        Where there is no such data set, or an original cannot be had or is not the original. The
        message has the address, the hash and the place to put the file. The cache is left as it
        was.

    Examples
    --------
    >>> from bayescale import datasets
    >>> [path.name for path in datasets.fetch("dey2023_pile")]
    ['dey2023_pile.csv']
    """
    return list(locate(describe(name)).values())


def table() -> pd.DataFrame:
    """List the catalogue; nothing is downloaded.

    Returns
    -------
    DataFrame, one row per data set
        ``name``, ``title``, ``runs`` (rows of the whole table), ``loaded`` (runs that :func:`load`
        gives by default; 0 where it refuses), ``embedded`` (bool), ``licence``, ``paper``.

    Examples
    --------
    >>> from bayescale import datasets
    >>> catalogue = datasets.table().set_index("name")
    >>> catalogue.loc["besiroglu2024_chinchilla", ["runs", "loaded"]].tolist()
    [245, 240]
    """
    return pd.DataFrame(
        [
            {
                "name": descriptor.name,
                "title": descriptor.title,
                "runs": descriptor.rows,
                "loaded": descriptor.loaded,
                "embedded": descriptor.embedded,
                "licence": descriptor.licence,
                "paper": descriptor.paper,
            }
            for descriptor in map(describe, names())
        ]
    )


def _read(descriptor: Descriptor) -> pd.DataFrame:
    reader = import_module(f"bayescale.datasets.{descriptor.reader}")
    return cast(pd.DataFrame, reader.read(locate(descriptor)))


def _notes(
    descriptor: Descriptor, kept: int, suspect: int, keep_suspect: bool, n_params: str
) -> list[str]:
    notes = []
    if descriptor.select:
        chosen = " and ".join(
            f"{column} is {' or '.join(map(str, values))}"
            for column, values in descriptor.select.items()
        )
        notes.append(f"{kept} of {descriptor.rows} rows: those where {chosen}.")
    if suspect:
        rows = f"{suspect} suspect run{'s' * (suspect > 1)} ({descriptor.suspect} is 1)"
        notes.append(
            f"{rows} kept."
            if keep_suspect
            else f"{rows} left out; keep_suspect=True keeps {'them' if suspect > 1 else 'it'}."
        )
    notes.append(descriptor.n_params.get(n_params, f"N is the column {n_params}, as chosen."))
    return [*notes, *descriptor.notes]
