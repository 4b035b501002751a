"""The table of finished runs: one CSV file, complete at every moment, with one row for each run."""

import csv
import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pandas as pd

Row: TypeAlias = Mapping[str, str | int | float]


def read(path: Path) -> pd.DataFrame:
    """Return the rows of the table by ``run_id``; an empty table if the file does not exist."""
    if not path.exists():
        return pd.DataFrame(index=pd.Index([], name="run_id"))
    return pd.read_csv(path, index_col="run_id")


def add(path: Path, row: Row) -> None:
    """Add a row: a new file replaces the old file atomically, and workers take turns.

    Raises
    ------
    ValueError
        If the table already has a row with this ``run_id``.
    """
    with locked(path.parent):
        if row["run_id"] in read(path).index:
            raise ValueError(f"{row['run_id']} already has a row in {path}.")
        text = io.StringIO()
        writer = csv.DictWriter(text, list(row), lineterminator="\n")
        if path.exists():
            text.write(path.read_text(encoding="utf-8"))
        else:
            writer.writeheader()
        writer.writerow(row)
        unfinished = path.with_suffix(".partial")
        unfinished.write_text(text.getvalue(), encoding="utf-8")
        unfinished.replace(path)


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Return a context with an exclusive lock of a file or folder.

    Its value is whether the lock was acquired. The operating system releases the lock when the
    process ends.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(opened)
