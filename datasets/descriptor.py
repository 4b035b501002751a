"""Descriptors of data sets: the facts in a data set's TOML file, read without its originals."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import quote

from bayescale.errors import InputError
from bayescale.units import UNKNOWN_LOSS_UNIT

FOLDER = files("bayescale.datasets")
TABLE = "table_"  # prefix of the files that hold published figures

# The values that TOML files hold.
TomlValue: TypeAlias = "str | int | float | bool | list[TomlValue] | dict[str, TomlValue]"


@dataclass(frozen=True)
class Original:
    """A file as its authors published it.

    Attributes
    ----------
    name : str
        Path below the folder of its data set.
    address : str
        Address to download it from; empty where the file comes with bayescale.
    sha256 : str
        Hash of its bytes, 64 hexadecimal digits.
    """

    name: str
    address: str
    sha256: str


@dataclass(frozen=True)
class Descriptor:
    """The facts about one data set.

    Attributes
    ----------
    name : str
        Name for :func:`load`.
    title, authors, paper, licence : str
    year : int
    rows : int
        Number of rows of the complete table, as :func:`frame` returns it.
    loaded : int
        Number of runs that :func:`load` returns by default; 0 where it refuses.
    reader : str
        Module of this package whose ``read`` makes the table from the originals.
    folder : str
        Folder of the originals below ``BAYESCALE_DATA`` and in the cache; if empty, the name of
        the data set.
    loss_units, n_tokens_counts : str
        Unit of the loss; what D counts.
    n_params : mapping of str to str
        For each column that can be N, a sentence on what it counts.
    originals : tuple of Original
    select : mapping of str to list
        Rows that :func:`load` keeps by default: the values allowed in each column.
    suspect : str
        Column that marks with 1 the rows that :func:`load` leaves out by default; empty where
        there is none.
    refusal : str
        Reason why these are not runs that a law of log loss can describe; empty where they are.
    known_outliers, notes : tuple of str
    published_fits : mapping of str to mapping
        Fits printed in papers: form, objective, coefficients.
    """

    name: str
    title: str
    authors: str
    year: int
    paper: str
    licence: str
    rows: int
    loaded: int
    reader: str
    loss_units: str
    n_tokens_counts: str
    n_params: Mapping[str, str]
    originals: tuple[Original, ...]
    folder: str = ""
    select: Mapping[str, list[TomlValue]] = field(default_factory=dict)
    suspect: str = ""
    refusal: str = ""
    known_outliers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    published_fits: Mapping[str, Mapping[str, TomlValue]] = field(default_factory=dict)

    @property
    def loss_unit(self) -> str:
        """Unit of the losses in words that a page can print, from the first of ``loss_units``."""
        known = re.match(r"(nats|bits) per (token|byte|character)\b", self.loss_units)
        return known.group() if known else UNKNOWN_LOSS_UNIT

    @property
    def embedded(self) -> bool:
        """True if the originals come with bayescale, so that nothing is downloaded."""
        return not any(original.address for original in self.originals)


def names() -> list[str]:
    """Return the names of all data sets of the catalogue.

    Returns
    -------
    list of str, sorted

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.names()[:2]
    ['alabdulmohsin2022_curves', 'bayescale2026_sweep']
    """
    return sorted(stem for stem in stems() if not stem.startswith(TABLE))


def stems() -> list[str]:
    """Return the names of all TOML files, without the suffix.

    They describe data sets and published tables.
    """
    files_here = [entry.name for entry in FOLDER.iterdir()]
    return [file.removesuffix(".toml") for file in files_here if file.endswith(".toml")]


def describe(name: str) -> Descriptor:
    """Return the descriptor of a data set, without downloading anything.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    Descriptor

    Raises
    ------
    InputError
        If there is no such data set; the message has the closest names.

    Examples
    --------
    >>> from bayescale import datasets
    >>> datasets.describe("besiroglu2024_chinchilla").published_fits["besiroglu2024"]["alpha"]
    0.34781
    """
    if TABLE + name in stems():
        raise InputError(
            f"{name} is a table of published figures and holds no runs: use "
            f'datasets.published_table("{name}").'
        )
    if name not in names():
        raise unknown("data set", name)
    facts = tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    source = facts.pop("source")
    # A list where the originals are in several repositories.
    originals: list[Original] = []
    for repository in source if isinstance(source, list) else [source]:
        originals += _originals(**repository)
    for key in ("known_outliers", "notes"):
        facts[key] = tuple(facts.get(key, ()))
    return Descriptor(name=name, originals=tuple(originals), **facts)


def unknown(kind: str, name: str) -> InputError:
    """Return the error for an unknown name, with the closest names of the catalogue.

    The closest names are data sets and published tables.
    """
    known = [stem.removeprefix(TABLE) for stem in stems()]
    close = get_close_matches(name, known, n=3, cutoff=0.4)
    meant = f" Did you mean {' or '.join(close)}?" if close else ""
    return InputError(
        f"There is no {kind} {name!r} in the catalogue.{meant} `bayescale datasets list` shows "
        f"them all."
    )


def _originals(
    repository: str = "",
    commit: str = "",
    files: tuple[dict[str, str], ...] = (),
    folder: str = "",
    sha256sums: str = "",
    below: str = "",
) -> tuple[Original, ...]:
    """Return the originals that a source lists.

    A few files are listed one by one; many files of one folder of the repository are listed in a
    file of hashes. Their names are those in the folder, ``below`` another folder where the files of
    two sources would have the same names.
    """
    base = f"https://raw.githubusercontent.com/{repository}/{commit}/" if repository else ""

    def original(name: str, path: str, sha256: str) -> Original:
        address = base + quote(path) if base else ""
        return Original(name, address, sha256)

    originals = [original(file["name"], file.get("path", ""), file["sha256"]) for file in files]
    if sha256sums:
        for line in FOLDER.joinpath(sha256sums).read_text(encoding="utf-8").splitlines():
            sha256, name = line.split(maxsplit=1)
            local = f"{below}/{name}" if below else name
            originals.append(original(local, f"{folder}/{name}", sha256))
    return tuple(originals)
