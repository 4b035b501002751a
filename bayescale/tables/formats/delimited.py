"""Text whose fields are separated: CSV in any dialect, tabs, and columns set by spaces."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from io import StringIO

from bayescale.errors import InputError
from bayescale.tables.cells import Mark, number_of
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Row, Sheet, sheet_of_rows
from bayescale.tables.text import decode, refuse_binary

_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
_SPACES = re.compile(r"\s{2,}|\t")
_ANY_SPACE = re.compile(r"\s+")
# The first line of some exports of Excel.
_DECLARED = re.compile(r"sep=(.)\s*")
_NO_FIT = (False, 0, 0)


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
    """Return the rows, and the separator; a space stands for several.

    Raises
    ------
    InputError
        Where quotation marks do not match under any separator, or other text is between the rows.
    """
    best = _NO_FIT
    chosen: tuple[list[Row], str] | None = None
    failure = ""
    for separator in [declared] if declared else _SEPARATORS:
        if separator not in text:
            continue
        try:
            rows = _cut(text, separator)
        except csv.Error as error:
            failure = str(error)
            continue
        fit = _fit(rows)
        if fit > best:
            best, chosen = fit, (rows, separator)
    if chosen:
        return chosen
    if failure:
        raise InputError(
            f"{name} cannot be cut into fields ({failure}); check its quotation marks."
        )
    return _set_by_spaces(text, name), " "


def _cut(text: str, separator: str) -> list[Row]:
    """Return the fields of each line.

    Marks that do not match are an error, since all rows up to the next mark would be one cell.
    """
    lines = StringIO(text)
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    return [[field.strip() for field in row] for row in rows]


def _fit(rows: list[Row]) -> tuple[bool, int, int]:
    """Return how well rows are cut: whether the first has words, how many are as wide as it, and
    how wide that is.
    """
    cut = [row for row in rows if len(row) > 1]
    lines = sum(any(row) and not str(row[0]).startswith("#") for row in rows)
    # Commas within sentences or numbers are no separators.
    if 2 * len(cut) <= lines:
        return _NO_FIT
    width = len(cut[0])
    has_words = not any(number_of(cell) for cell in cut[0])
    return has_words, sum(len(row) == width for row in cut), width


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
        width = max(Counter(widths), key=lambda one: (widths.count(one), one), default=1)
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
