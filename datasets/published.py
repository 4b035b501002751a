"""Figures that papers and reports print: small tables to compare with and to draw, not runs to fit.

A table is two files here, ``table_<name>.csv`` and ``table_<name>.toml``, whose keys are the
attributes of :class:`PublishedTable`. Adding those two adds the table; nothing is registered, and
nothing is downloaded.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayescale.datasets.descriptor import FOLDER, TABLE, names, stems, unknown
from bayescale.errors import InputError


@dataclass(frozen=True)
class PublishedTable:
    """The facts about one table of published figures.

    Attributes
    ----------
    name : str
        What :func:`published_table` calls it.
    title, authors, year, licence : str
        Years where the rows are of several papers.
    source : str
        Paper or page, and the table in it; "see the column source" where rows have sources of their
        own.
    address : str
        Where to read it.
    verified : str
        The second source that the figures were compared with; empty where they were not.
    columns : mapping of str to str
        What each column holds, and its unit.
    notes : tuple of str
    """

    name: str
    title: str
    authors: str
    year: str
    source: str
    address: str
    licence: str
    verified: str
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def table_names() -> list[str]:
    """Name every table of published figures.

    Returns
    -------
    list of str, sorted

    Examples
    --------
    >>> from bayescale import datasets
    >>> "kaplan2020_laws" in datasets.table_names()
    True
    """
    return sorted(stem.removeprefix(TABLE) for stem in stems() if stem.startswith(TABLE))


def describe_table(name: str) -> PublishedTable:
    """Give the facts about a table of published figures.

    Parameters
    ----------
    name : str
        One of :func:`table_names`.

    Returns
    -------
    PublishedTable

    Raises
    ------
    InputError
        Where there is no such table; the message has the closest names, or says that it is a data
        set.

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.describe_table("kaplan2020_laws").source
    'arXiv:2001.08361, equations 1.1 to 1.3 and table 2'
    """
    if name in names():
        raise InputError(
            f'{name} is a data set, not a table of published figures: use datasets.frame("{name}").'
        )
    if name not in table_names():
        raise unknown("published table", name)
    facts = tomllib.loads(FOLDER.joinpath(f"{TABLE}{name}.toml").read_text(encoding="utf-8"))
    return PublishedTable(name=name, **facts | {"notes": tuple(facts["notes"])})


def published_table(name: str) -> pd.DataFrame:
    """Give a table of published figures.

    Parameters
    ----------
    name : str
        One of :func:`table_names`.

    Returns
    -------
    DataFrame
        Its ``attrs`` say where the figures stand: ``title``, ``source``, ``licence`` and
        ``verified`` (the second source, if any). :func:`describe_table` says what the columns hold.

    Raises
    ------
    InputError
        Where there is no such table; the message has the closest names, or says that it is a data
        set.

    Examples
    --------
    >>> from bayescale import datasets
    >>> sizes = datasets.published_table("published_llm_sizes").set_index("model")
    >>> sizes.loc["Chinchilla", ["n_params", "n_tokens"]].tolist()
    [70000000000.0, 1400000000000.0]
    """
    about = describe_table(name)
    with FOLDER.joinpath(f"{TABLE}{name}.csv").open("rb") as file:
        table = pd.read_csv(file)
    table.attrs = {key: getattr(about, key) for key in ("title", "source", "licence", "verified")}
    return table


def published_tables() -> pd.DataFrame:
    """List the tables of published figures.

    Returns
    -------
    DataFrame, one row per table
        ``name``, ``title``, ``source``, ``rows``, ``verified`` (bool, whether compared with a
        second source), ``licence``.

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.published_tables().set_index("name").loc["openai_o1_aime", "rows"]
    np.int64(4)
    """
    return pd.DataFrame(
        [
            {
                "name": about.name,
                "title": about.title,
                "source": about.source,
                "rows": len(published_table(about.name)),
                "verified": bool(about.verified),
                "licence": about.licence,
            }
            for about in map(describe_table, table_names())
        ]
    )
