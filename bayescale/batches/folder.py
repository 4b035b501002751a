"""The folder of a batch: one file for each fit, complete or absent, and checked against its name.

A fit is a posterior, `NAME-LAW-NOISE-METHOD-SEED-HASH.nc`; a fit that failed leaves
`….failed.json`, which says why. The hash is of the data and all options, so that changed data or
options do not use an old file.
"""

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayescale._internal.discovery import name_of
from bayescale._internal.whole_file import written_whole
from bayescale.batches.task import Row, Task, fitted, identity, reason
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.storage import load

TABLE = "batch.csv"
FIRST_COLUMNS = ("data_set", "law", "noise", "method", "n_runs", "status", "message")

_LONGEST_NAME = 60
# Seconds after which an unfinished file is that of a killed writer. Another batch may be writing to
# the folder, and writes a file in a few seconds.
_ABANDONED = 600.0
# A file that a killed writer leaves: its final name, between a dot and eight random characters.
_UNFINISHED = re.compile(
    rf"\.(.+-[0-9a-f]{{12}}\.(nc|failed\.json)|{re.escape(TABLE)})\.[a-z0-9_]{{8}}"
)


@dataclass(frozen=True)
class Folder:
    """A folder of fits. Several batches may write to it at once: each of their files is whole, and
    ``batch.csv`` is the table of the one that ends last.

    Attributes
    ----------
    path : Path
        Absolute, so that it means the same to a worker in another folder.
    """

    path: Path

    @classmethod
    def prepare(cls, path: Path) -> "Folder":
        """Make the folder if need be, and delete the unfinished files of killed writers.

        Raises
        ------
        InputError
            Where it cannot be made or written to, or holds another table named ``batch.csv``.
        """
        path = path.absolute()
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; give the batch a folder to write to.")
        if not path.parent.is_dir():
            raise InputError(
                f"There is no folder {path.parent} to make {path.name} in; make it first."
            )
        try:
            path.mkdir(exist_ok=True)
            for entry in path.iterdir():
                if _UNFINISHED.fullmatch(entry.name) and _is_abandoned(entry):
                    entry.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{path} cannot be written to ({error.strerror}); give the batch another folder."
            ) from None
        if not os.access(path, os.W_OK):
            raise InputError(f"{path} cannot be written to; give the batch another folder.")
        _refuse_foreign_table(path / TABLE)
        return cls(path)

    def file(self, task: Task) -> Path:
        """Return the path of a task's posterior, whether it is there or not."""
        words = [_word(task.runs.name)[:_LONGEST_NAME] or "runs"]
        words += [_word(name_of(part)) for part in (task.law, task.noise, task.method)]
        words += [f"seed{task.method.seed}", task.digest]
        return self.path / f"{'-'.join(words)}.nc"

    def read(self, task: Task) -> Row | None:
        """Return the row of a task that is finished; None where no file of it can be trusted.

        Bad input fails the same way each time, so its failure is final; any other failure is worth
        another try.
        """
        if posterior := self._posterior(task):
            return fitted(posterior)
        try:
            about = json.loads(self._failure(task).read_text(encoding="utf-8"))
            trusted = about["identity"] == task.identity and about["error"] == InputError.__name__
            return task.failed(about["message"]) if trusted else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def save(self, task: Task, posterior: Posterior) -> None:
        """Write a posterior."""
        path = self.file(task)
        try:
            posterior.save(path)
            self._failure(task).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from None

    def record(self, task: Task, error: Exception) -> None:
        """Write why a fit failed."""
        path = self._failure(task)
        about = {"identity": task.identity, "error": type(error).__name__, "message": reason(error)}
        try:
            _write(path, json.dumps(about, indent=2, ensure_ascii=False))
        except OSError as problem:
            raise _unwritable(path, problem) from None

    def write_table(self, frame: pd.DataFrame) -> None:
        """Write the frame, every digit of it."""
        try:
            _write(self.path / TABLE, frame.to_csv(index=False))
        except OSError as error:
            raise _unwritable(self.path / TABLE, error) from None

    def _failure(self, task: Task) -> Path:
        return self.file(task).with_suffix(".failed.json")

    def _posterior(self, task: Task) -> Posterior | None:
        path = self.file(task)
        if not path.is_file():
            return None
        # A file that cannot be read, for any reason, is made again and replaced.
        try:
            posterior = load(path)
            return posterior if identity(posterior) == task.identity else None
        except Exception:
            return None


def _is_abandoned(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        # Finished in the meantime.
        return False


def _word(text: str) -> str:
    """Return text as a part of a file's name."""
    return re.sub(r"[^\w.]+", "_", text, flags=re.ASCII).strip("._")


def _refuse_foreign_table(path: Path) -> None:
    if path.is_file() and not path.read_bytes().startswith(",".join(FIRST_COLUMNS).encode()):
        raise InputError(
            f"{path} exists and is no table of a batch, so it is left alone; give the batch "
            f"another folder."
        )


def _write(path: Path, text: str) -> None:
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written ({error.strerror}); what was finished before is kept."
    )
