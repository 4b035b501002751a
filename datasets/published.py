"""Published tables: figures that papers and reports print, to compare with and to plot, not to fit.

A table is two files in this folder, ``table_<name>.csv`` and ``table_<name>.toml``, whose keys are
the attributes of :class:`PublishedTable`. Adding the two files adds the table; there is no list to
register it in, and nothing is downloaded.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayescale.datasets.descriptor import FOLDER, TABLE, names, stems, unknown
from bayescale.errors import InputError


@dataclass(frozen=True)
class PublishedTable:
    """The facts about a table of published figures.

    Attributes
    ----------
    name : str
        Name for :func:`published_table`.
    title, authors, year, licence : str
        ``year`` is several years where the rows come from several papers.
    source : str
        Paper or page, and the table in it; "see the column source" where each row has its own
        source.
    address : str
        Address of the paper or page.
    verified : str
        The second source that the figures were compared with; empty where they were not.
    columns : mapping of str to str
        Content and unit of each column.
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
    """Return the names of all tables of published figures.

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
    """Return the facts about a table of published figures.

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
        If there is no such table; the message has the closest names, or says that the name is a
        data set.

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
    """Return a table of published figures.

    Parameters
    ----------
    name : str
        One of :func:`table_names`.

    Returns
    -------
    DataFrame
        Its ``attrs`` have ``title``, ``source``, ``licence`` and ``verified`` (the second source,
        if any). :func:`describe_table` describes the columns.

    Raises
    ------
    InputError
        If there is no such table; the message has the closest names, or says that the name is a
        data set.

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
    table.attrs = {
        "title": about.title,
        "source": about.source,
        "licence": about.licence,
        "verified": about.verified,
    }
    return table


def published_tables() -> pd.DataFrame:
    """Return a table of all tables of published figures.

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
    rows = []
    for name in table_names():
        about = describe_table(name)
        row = {
            "name": about.name,
            "title": about.title,
            "source": about.source,
            "rows": len(published_table(name)),
            "verified": bool(about.verified),
            "licence": about.licence,
        }
        rows.append(row)
    return pd.DataFrame(rows)
