"""Tables of Markdown, as they are pasted from a model card."""

import re
from dataclasses import dataclass

from bayescale.errors import InputError
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Row, Sheet, sheet_of_rows
from bayescale.tables.text import decode

_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?")
_ORNAMENT = re.compile(r"\*\*|__|`|<br\s*/?>|\\(?=[\W_])")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Markdown(Format):
    """A table between bars; text around it is passed over."""

    order = 6

    def recognises(self, content: bytes) -> bool:
        """Return whether a line of dashes and bars follows a line with bars."""
        return any(_RULE.fullmatch(line.strip()) for line in decode(content)[0].splitlines())

    def read(self, content: bytes, name: str) -> Sheet:
        """Return the one table of the page."""
        text, encoding = decode(content)
        tables = _tables(text.splitlines())
        if len(tables) > 1:
            raise InputError(
                f"{name} has {len(tables)} tables; put the one to read into a file of its own."
            )
        return sheet_of_rows(tables[0], name, "Markdown table").with_notes(*encoding)


def _tables(lines: list[str]) -> list[list[Row]]:
    """Return the rows of each table: of the line above a rule, and of those below it that have
    bars.
    """
    tables: list[list[Row]] = []
    is_within = False
    for position, line in enumerate(lines):
        if _RULE.fullmatch(line.strip()):
            tables.append([_cells(lines[position - 1])] if position else [])
            is_within = True
        elif is_within and "|" in line:
            tables[-1].append(_cells(line))
        else:
            is_within = False
    return tables


def _cells(line: str) -> Row:
    """Return the cells of a line, without bold type, links and escapes."""
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    plain = [_LINK.sub(r"\1", _ORNAMENT.sub("", cell)) for cell in _BAR.split(inner)]
    return [cell.strip() for cell in plain]
