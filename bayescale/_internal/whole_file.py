"""Atomic writing of files: a file is complete or does not exist."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescale.errors import InputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Return a context with a temporary path to write to.

    The temporary file is renamed to ``path`` when all is written, and removed if writing fails.

    Raises
    ------
    InputError
        If the folder does not exist.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder) / "a.txt") as unfinished:
    ...         _ = unfinished.write_text("complete", encoding="utf-8")
    ...     os.listdir(folder)
    ['a.txt']
    """
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent} to write {path.name} to; make it first."
        )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        # The temporary file is private; the finished file has the default permissions of its owner.
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
