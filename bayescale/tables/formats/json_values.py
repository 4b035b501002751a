"""JSON: records, columns, or the results of lm-evaluation-harness."""

import json
from dataclasses import dataclass

from bayescale.errors import InputError
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Sheet
from bayescale.tables.records import sheet_of_json
from bayescale.tables.text import decode


@dataclass(frozen=True)
class JsonValues(Format):
    """One JSON value: a list of records, an object of columns, and what tools write."""

    order = 5

    def recognises(self, content: bytes) -> bool:
        """Return whether the content begins with a bracket or a brace."""
        return decode(content)[0].lstrip().startswith(("{", "["))

    def read(self, content: bytes, name: str) -> Sheet:
        """Return the table that the value holds."""
        text, encoding = decode(content)
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InputError(f"{name} is not JSON ({error}); mend it there.") from None
        except RecursionError:
            raise InputError(f"{name} is nested too deeply for a table of runs.") from None
        return sheet_of_json(value, name, "JSON").with_notes(*encoding)
