"""The table of finished runs: one CSV file that is whole at every moment, to which each run is
added once.
"""

import csv
import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


def read(path: Path) -> pd.DataFrame:
    """The rows that there are, by ``run_id``; none where there is no file yet."""
    if not path.exists():
        return pd.DataFrame(index=pd.Index([], name="run_id"))
    return pd.read_csv(path, index_col="run_id")


def add(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row: a new file takes the place of the old in one move, and workers take turns.

    Raises
    ------
    ValueError
        Where a row of this ``run_id`` is there.
    """
    with held(path.parent):
        if row["run_id"] in read(path).index:
            raise ValueError(f"{row['run_id']} has a row in {path} already.")
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
def held(path: Path, wait: bool = True) -> Iterator[bool]:
    """Have a file or folder for oneself; gives whether that is so, and the system lets go of it
    when a process dies.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(opened)
