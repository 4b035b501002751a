"""Text whose fields are separated: CSV in any dialect, tabs, and columns set by spaces."""

import csv
import re
from dataclasses import dataclass
from io import StringIO

from bayescale.errors import InputError
from bayescale.tables.cells import Mark
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Row, Sheet, sheet_of_rows
from bayescale.tables.text import decode, refuse_binary

_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
_SPACES = re.compile(r"\s{2,}|\t")
_ANY_SPACE = re.compile(r"\s+")
# The first line of some exports of Excel.
_DECLARED = re.compile(r"sep=(.)\s*")


@dataclass(frozen=True)
class Delimited(Format):
    """Text with a row a line; it is what a file is that no other format recognises."""

    order = 9

    def recognises(self, content: bytes) -> bool:
        """Return True: any text may be a table."""
        return True

    def read(self, content: bytes, name: str) -> Sheet:
        """Return the table, by the separator that gives most lines as many fields as the
        headings.
        """
        text, encoding = decode(content)
        refuse_binary(text, name)
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        declared = _DECLARED.match(text)
        if declared:
            text = text[declared.end() :]
        rows, separator = _rows(text, declared[1] if declared else None, name)
        form = f"text separated by {_SEPARATORS.get(separator, 'spaces')}"
        mark = Mark.COMMA if separator == ";" else None
        return sheet_of_rows(rows, name, form, mark).with_notes(*encoding)


def _rows(text: str, declared: str | None, name: str) -> tuple[list[Row], str]:
    """Return the rows, and the separator; a space stands for several."""
    if declared:
        return _split(text, declared, name), declared
    best: tuple[int, int] = (0, 0)
    chosen: tuple[list[Row], str] | None = None
    for separator in _SEPARATORS:
        if separator not in text:
            continue
        rows = _split(text, separator, name)
        fit = _fit(rows)
        if fit > best:
            best, chosen = fit, (rows, separator)
    if chosen:
        return chosen
    return _set_by_spaces(text, name), " "


def _split(text: str, separator: str, name: str) -> list[Row]:
    """Return the fields of each line; a comment is one field, whatever is in it."""
    lines = StringIO(text)
    try:
        rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise InputError(
            f"{name} cannot be cut into fields ({error}); check its quotation marks."
        ) from None
    return [[field.strip() for field in row] for row in rows]


def _fit(rows: list[Row]) -> tuple[int, int]:
    """Return how many lines have as many fields as the headings, and how many those are."""
    full = [row for row in rows if len(row) > 1]
    if not full:
        return 0, 0
    width = len(full[0])
    count = sum(len(row) == width for row in full)
    # Commas within sentences or numbers are no separators.
    lines = sum(any(row) and not row[0].startswith("#") for row in rows)
    return (count, width) if 2 * count > lines else (0, 0)


def _set_by_spaces(text: str, name: str) -> list[Row]:
    """Return the fields of lines that spaces set in columns.

    Raises
    ------
    InputError
        Where other text stands between the rows: several tables may be pasted one below another.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for gap in (_SPACES, _ANY_SPACE):
        rows: list[Row] = [gap.split(line) for line in lines if set(line) - set("-=+ ")]
        widths = [len(row) for row in rows]
        width = max(widths, default=1)
        if width < 2:
            continue
        first = widths.index(width)
        if all(one == width for one in widths[first:]):
            return rows[first:]
        odd = next(i for i in range(first, len(rows)) if widths[i] != width)
        if gap is _ANY_SPACE or widths.count(width) > len(rows) / 2:
            raise InputError(
                f"{name} has a line among its rows that is none of the table: "
                f"{' '.join(map(str, rows[odd]))[:60]!r}; put one table, with headings, into a "
                f"file of its own."
            )
    return [[line] for line in lines]
