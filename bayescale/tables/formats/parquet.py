"""Parquet files, which pyarrow reads."""

from dataclasses import dataclass
from io import BytesIO

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.formats.base import Format
from bayescale.tables.grid import Sheet, sheet_of_frame

_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Parquet(Format):
    """Apache Parquet."""

    order = 1

    def recognises(self, content: bytes) -> bool:
        """Return whether the content begins as Parquet does."""
        return content.startswith(_MAGIC)

    def read(self, content: bytes, name: str) -> Sheet:
        """Return the table, with the index that pandas may have stored."""
        try:
            # Texts are read only when their cells are.
            return sheet_of_frame(pd.read_parquet(BytesIO(content)), name, "Parquet")
        except InputError:
            raise
        except ImportError:
            raise InputError(
                f"{name} is a Parquet file; install what reads it, pip install "
                f"'bayescale[formats]', or save the table as CSV."
            ) from None
        except Exception as error:  # pyarrow has exceptions of its own beside Python's
            raise InputError(
                f"{name} is a damaged Parquet file ({type(error).__name__}); write it anew."
            ) from None
