"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescale.errors import InputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A place to write to, which takes ``path``'s name when all is written, and is gone where that
    fails.

    Raises
    ------
    InputError
        Where there is no folder to write to.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder) / "a.txt") as unfinished:
    ...         _ = unfinished.write_text("whole", encoding="utf-8")
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
        # The temporary file is private; the finished one is as open as any file that its owner
        # makes.
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
