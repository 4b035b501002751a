"""Text whose fields are separated: CSV in any dialect, tabs, and columns set by spaces."""

import csv
import re
from dataclasses import dataclass
from io import StringIO

import numpy as np

from bayescale.errors import InputError
from bayescale.tables.cells import Mark, values_of
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Row, Sheet, sheet_of_rows
from bayescale.tables.text import decode, refuse_binary

_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
_SPACES = re.compile(r"\s{2,}|\t")
_ANY_SPACE = re.compile(r"\s+")
# The first line of some exports of Excel.
_DECLARED = re.compile(r"sep=(.)\s*")
_COMMENT_SIGN = re.compile(r"^#+[ \t]*", re.MULTILINE)
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
        text = _COMMENT_SIGN.sub("#", text)
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
    return [list(map(str.strip, row)) for row in rows]


def _fit(rows: list[Row]) -> tuple[bool, int, int]:
    """Return how well rows are cut: whether the first has words, how many are as wide as it, and
    how wide that is.
    """
    lines = [row for row in rows if any(row) and not str(row[0]).startswith("#")]
    cut = [row for row in lines if len(row) > 1]
    # Commas within sentences or numbers are no separators.
    if 2 * len(cut) <= len(lines):
        return _NO_FIT
    width = len(cut[0])
    has_words = bool(np.isnan(values_of(cut[0], Mark.POINT)).all())
    alike = list(map(len, cut)).count(width)
    if not has_words and alike < len(cut):
        return _NO_FIT
    return has_words, alike, width


def _set_by_spaces(text: str, name: str) -> list[Row]:
    """Return the fields of lines that spaces set in columns.

    Raises
    ------
    InputError
        Where other text stands between the rows: several tables may be pasted one below another.
    """
    lines = [line for line in map(str.strip, text.splitlines()) if set(line) - set("-=+ ")]
    for gap in (_SPACES, _ANY_SPACE):
        rows: list[Row] = list(map(gap.split, lines))
        widths = np.array(list(map(len, rows)), dtype=int)
        is_comment = np.array([line.startswith("#") for line in lines], dtype=bool)
        width = _most_common(widths[~is_comment])
        if width < 2:
            continue
        is_row = widths == width
        first = int(np.argmax(is_row & ~is_comment))
        odd = np.flatnonzero(~is_row & ~is_comment)
        if not np.any(odd > first):
            return [row for row, used in zip(rows, is_row, strict=True) if used]
        if gap is _ANY_SPACE or 2 * is_row.sum() > len(rows):
            line = lines[int(odd[odd > first][0])]
            raise InputError(
                f"{name} has a line among its rows that is none of the table: {line[:60]!r}; put "
                f"one table, with headings, into a file of its own."
            )
    return [[line] for line in lines]


def _most_common(widths: np.ndarray) -> int:
    """Return the number of fields that most lines have; the larger of two."""
    counts = np.bincount(widths, minlength=1)
    return int(np.flatnonzero(counts == counts.max())[-1])
