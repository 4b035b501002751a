"""Sources of tables: a path, a frame, columns or records, each as a sheet."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable
from zipfile import BadZipFile, ZipFile

import pandas as pd

from bayescale._internal.discovery import entry, names
from bayescale.errors import InputError
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Sheet, sheet_of_frame
from bayescale.tables.records import Json, sheet_of_json

_UNREADABLE = (OSError, EOFError, BadZipFile, zlib.error, lzma.LZMAError, ValueError, RuntimeError)
_FORMATS = "bayescale.tables.formats"
_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"


@runtime_checkable
class FrameOfPolars(Protocol):
    """A DataFrame of polars, which is not imported here."""

    def to_dict(self, *, as_series: bool) -> dict[str, list[object]]:
        """Return the columns by heading."""

    def get_columns(self) -> list[object]:
        """Return the columns."""


TableLike: TypeAlias = (
    str
    | Path
    | pd.DataFrame
    | FrameOfPolars
    | Mapping[str, Sequence[object]]
    | Sequence[Mapping[str, object]]
)
"""A source of a table: a path, or a text of several lines; a frame of pandas or polars; columns;
or records.
"""


def sheet_of(source: TableLike, name: str) -> Sheet:
    """Return the table of a source as it stands there.

    Raises
    ------
    InputError
        Where the source is none of these, or cannot be read.
    """
    if isinstance(source, str) and "\n" in source:
        return _sheet_of_content(source.encode(), "the text")
    if isinstance(source, str | Path):
        return _sheet_of_path(Path(source))
    if isinstance(source, pd.DataFrame):
        return sheet_of_frame(source, name, "pandas DataFrame")
    if isinstance(source, FrameOfPolars):
        columns = pd.DataFrame(source.to_dict(as_series=False))
        return sheet_of_frame(columns, name, "polars DataFrame")
    if isinstance(source, Mapping):
        return sheet_of_json(_without_arrays(source), name, "columns")
    if isinstance(source, Sequence):
        return sheet_of_json(list(source), name, "records")
    raise InputError(
        f"A table of runs cannot be read from {type(source).__name__!r}; give a path, a DataFrame, "
        f"a dictionary of columns or a list of dictionaries."
    )


def _without_arrays(columns: Mapping[str, object]) -> dict[str, Json]:
    """Return columns with arrays and series as lists."""
    plain: dict[str, Json] = {}
    for name, column in columns.items():
        as_list = getattr(column, "tolist", None) or getattr(column, "to_list", None)
        plain[str(name)] = as_list() if as_list else _listed(column)
    return plain


def _listed(column: object) -> object:
    return list(column) if isinstance(column, tuple | range) else column


def _sheet_of_path(path: Path) -> Sheet:
    if path.is_dir():
        return _sheet_of_folder(path)
    return _sheet_of_content(_content(path), path.name)


def _sheet_of_content(content: bytes, name: str) -> Sheet:
    for candidate in _formats():
        if candidate.recognises(content):
            return candidate.read(content, name)
    raise AssertionError("text separated by commas is the last format and recognises anything")


def _sheet_of_folder(folder: Path) -> Sheet:
    """Return the results of lm-evaluation-harness in a folder, a row a file."""
    files = sorted(folder.rglob("results*.json"))
    if not files:
        raise InputError(
            f"{folder} is a folder without results of lm-evaluation-harness (results*.json); give "
            f"a file, such as CSV."
        )
    sheets = [_sheet_of_path(file) for file in files]
    frame = pd.concat([sheet.frame for sheet in sheets], ignore_index=True).astype(object)
    return Sheet(frame.where(frame.notna(), None), f"{len(files)} files, {sheets[0].format}")


@cache
def _formats() -> tuple[Format, ...]:
    """Return the formats, in the order in which they are tried."""
    found: list[Format] = [entry(_FORMATS, name)() for name in names(_FORMATS)]
    return tuple(sorted(found, key=lambda one: one.order))


def _content(path: Path) -> bytes:
    """Return the bytes of a file, unpacked."""
    try:
        return _unpacked(path.read_bytes(), path)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(
            f"There is no file {path}; check the path. `bayescale datasets list` names the data "
            f"sets of the catalogue, which bs.datasets.load reads."
        ) from None
    except _UNREADABLE as error:
        raise InputError(
            f"{path} cannot be read ({error}); check its permissions and its ending."
        ) from None


def _unpacked(content: bytes, path: Path) -> bytes:
    if content.startswith(_GZIP):
        return gzip.decompress(content)
    if content.startswith(_BZIP2) and path.suffix == ".bz2":
        return bz2.decompress(content)
    if content.startswith(_XZ):
        return lzma.decompress(content)
    if content.startswith(_ZIP) and b"xl/" not in content:
        with ZipFile(BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) != 1:
                raise InputError(
                    f"{path} holds {len(members)} files; unpack it and give the one to read."
                )
            return archive.read(members[0])
    return content
