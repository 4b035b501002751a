"""Workbooks of Excel, which openpyxl reads."""

from dataclasses import dataclass
from io import BytesIO

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Cell
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Sheet, rows_of, sheet_of_rows

_ZIP = b"PK\x03\x04"
_WORKBOOK = b"xl/"
_OLD = bytes.fromhex("d0cf11e0a1b11ae1")


@dataclass(frozen=True)
class Excel(Format):
    """A workbook; the sheet with most rows is read."""

    order = 2

    def recognises(self, content: bytes) -> bool:
        """Return whether the content is a workbook, of Excel 2007 and later or of an older one."""
        return content.startswith(_OLD) or (content.startswith(_ZIP) and _WORKBOOK in content)

    def read(self, content: bytes, name: str) -> Sheet:
        """Return the table of the largest sheet."""
        if content.startswith(_OLD):
            raise InputError(
                f"{name} is a workbook of Excel 2003 or earlier; save it as .xlsx or CSV."
            )
        try:
            sheets = pd.read_excel(
                BytesIO(content), sheet_name=None, header=None, dtype=object, engine="openpyxl"
            )
        except ImportError:
            raise InputError(
                f"{name} is an Excel workbook; install what reads it, pip install "
                f"'bayescale[formats]', or save the sheet as CSV."
            ) from None
        except Exception as error:  # whatever a damaged part of the workbook leads to
            raise InputError(
                f"{name} is a damaged Excel workbook ({type(error).__name__}); save it anew, or as "
                f"CSV."
            ) from None
        by_title = {str(title): _rows(frame) for title, frame in sheets.items()}
        title = max(by_title, key=lambda title: len(by_title[title]))
        sheet = sheet_of_rows(by_title[title], name, "Excel workbook")
        others = [other for other in by_title if other != title and by_title[other]]
        if not others:
            return sheet
        return sheet.with_notes(
            f"The sheet {title!r} is read, not {', '.join(map(repr, others))}; for another, give "
            f"pandas.read_excel(path, sheet_name=...)."
        )


def _rows(frame: pd.DataFrame) -> list[list[Cell]]:
    """Return the rows of a sheet that have cells, without columns that are empty."""
    used = frame.dropna(axis="columns", how="all").dropna(axis="index", how="all")
    return rows_of(used)
