"""JSON lines: a JSON object in each line."""

import json
from dataclasses import dataclass

from bayescale.errors import InputError
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Sheet
from bayescale.tables.records import sheet_of_json
from bayescale.tables.text import decode


@dataclass(frozen=True)
class JsonLines(Format):
    """A JSON object in each line."""

    order = 4

    def recognises(self, content: bytes) -> bool:
        """Return whether the first line is a whole JSON object, and another follows."""
        lines = decode(content)[0].strip().splitlines()
        return len(lines) > 1 and _is_object(lines[0])

    def read(self, content: bytes, name: str) -> Sheet:
        """Return a row for each line."""
        text, encoding = decode(content)
        records = []
        for position, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                records.append(json.loads(line))
            except ValueError:
                raise InputError(
                    f"{name}, line {position}, is not a JSON object; mend or delete the line."
                ) from None
        return sheet_of_json(records, name, "JSON lines").with_notes(*encoding)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
