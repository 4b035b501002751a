"""What the catalogue knows about a data set without opening it: the facts of its TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from bayescale.errors import InputError

FOLDER = files("bayescale.datasets")
TABLE = "table_"  # begins the names of files that hold published figures


@dataclass(frozen=True)
class Original:
    """One file as its authors published it.

    Attributes
    ----------
    name : str
        Path below the folder of its data set.
    address : str
        Where to download it; empty where the file comes with bayescale.
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
        What :func:`load` calls it.
    title, authors, paper, licence : str
    year : int
    rows : int
        Rows of the whole table, as :func:`frame` gives it.
    loaded : int
        Runs that :func:`load` gives by default; 0 where it refuses.
    reader : str
        Module of this package whose ``read`` makes the table from the originals.
    folder : str
        Where the originals lie below ``BAYESCALE_DATA`` and in the cache; empty where it is the
        name.
    loss_units, n_tokens_counts : str
        What the loss is measured in; what D counts.
    n_params : mapping of str to str
        For each column that can be N, what it counts.
    originals : tuple of Original
    select : mapping of str to list
        Rows that :func:`load` keeps by default: the values allowed in each column.
    suspect : str
        Column that marks with 1 the rows that :func:`load` leaves out unless asked; empty where
        there is none.
    refusal : str
        Why these are not runs that a law of log loss can describe; empty where they are.
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
    select: Mapping[str, list[Any]] = field(default_factory=dict)
    suspect: str = ""
    refusal: str = ""
    known_outliers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    published_fits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether the originals come with bayescale, so that nothing is ever downloaded."""
        return not any(original.address for original in self.originals)


def names() -> list[str]:
    """Name every data set of the catalogue.

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
    """Name every TOML file of the catalogue without its ending, of data sets and of published
    tables alike.
    """
    return [
        entry.name.removesuffix(".toml")
        for entry in FOLDER.iterdir()
        if entry.name.endswith(".toml")
    ]


def describe(name: str) -> Descriptor:
    """Give the facts about a data set; nothing is downloaded.

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
        Where there is no such data set; the message has the closest names.

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
    originals = _originals(**facts.pop("source"))
    facts |= {key: tuple(facts[key]) for key in ("known_outliers", "notes") if key in facts}
    return Descriptor(name=name, originals=originals, **facts)


def unknown(kind: str, name: str) -> InputError:
    """The error for a name that there is not, with the closest of those that there are, data sets
    and published tables.
    """
    close = get_close_matches(name, [stem.removeprefix(TABLE) for stem in stems()], n=3, cutoff=0.4)
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
) -> tuple[Original, ...]:
    """A few files are listed one by one; many are listed in a file of hashes, all of one folder of
    the repository.
    """
    listed = [(entry["name"], entry.get("path", ""), entry["sha256"]) for entry in files]
    if sha256sums:
        lines = FOLDER.joinpath(sha256sums).read_text(encoding="utf-8").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines]
        listed += [(name, f"{folder}/{name}", sha256) for sha256, name in pairs]
    base = f"https://raw.githubusercontent.com/{repository}/{commit}/" if repository else ""
    return tuple(
        Original(name, base and base + quote(path), sha256) for name, path, sha256 in listed
    )
