"""The text that the sweep reads: the sources of Python's standard library, which every machine with
Python has.

Files are parted into training and validation by a hash of their bytes. Windows of validation that
share any 50 bytes with training are dropped, so that nothing to be predicted was seen. A run reads
windows of training in an order of its own seed, each at most once.
"""

import hashlib
import os
import platform
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model import CONTEXT

VALIDATION_WINDOWS = 2048
# One file in so many is for validation; half of its windows or so are dropped again.
VALIDATION_SHARE = 24
OVERLAP = 50


@dataclass(frozen=True)
class Corpus:
    """Bytes in windows.

    Attributes
    ----------
    training : array of uint8, shape (windows, context)
    validation : array of uint8, shape (windows, context)
    sha256 : str
        Of all bytes of both, in order.
    source : str
        What was read.
    """

    training: np.ndarray
    validation: np.ndarray
    sha256: str
    source: str

    def order(self, seed: int) -> np.ndarray:
        """The windows of training in the order in which runs of this seed read them, shape
        (windows,).
        """
        return np.random.default_rng([seed, 0]).permutation(len(self.training))


def standard_library(kept: Path) -> Corpus:
    """Read the standard library of the running Python: every source file but installed packages and
    what was built for it.

    Parameters
    ----------
    kept : Path
        File to keep the windows in, since looking for what both parts share takes longer than many
        a run.
    """
    source = f"standard library of CPython {platform.python_version()}"
    if kept.exists():
        with np.load(kept) as found:
            return Corpus(
                found["training"],
                found["validation"],
                _digest(found["training"], found["validation"]),
                source,
            )
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(
        path
        for path in folder.rglob("*.py")
        if not {"site-packages", "dist-packages"} & set(path.parts)
        and not path.name.startswith("_sysconfigdata")
    )
    made = corpus((path.read_bytes() for path in files), source)
    unfinished = kept.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as file:
        np.savez(file, training=made.training, validation=made.validation)
    unfinished.replace(kept)
    return made


def corpus(
    documents: Iterable[bytes], source: str, validation_windows: int = VALIDATION_WINDOWS
) -> Corpus:
    """Part documents into training and validation and cut both into windows.

    Documents that are there twice count once, and those with NUL bytes not at all, since a NUL
    begins a window. Documents follow each other in the order of their hashes, so that their order
    on a disk means nothing.

    Raises
    ------
    ValueError
        Where fewer windows of validation are left than wanted.
    """
    by_hash = {
        hashlib.sha256(document).digest(): document
        for document in documents
        if b"\0" not in document
    }
    parts = {True: b"", False: b""}
    for held_out in parts:
        chosen = [
            by_hash[key] for key in sorted(by_hash) if (key[0] % VALIDATION_SHARE == 0) == held_out
        ]
        parts[held_out] = b"".join(chosen)
    training, validation = (_windows(parts[held_out]) for held_out in (False, True))
    fresh = validation[~_shared(validation, np.frombuffer(parts[False], np.uint8))]
    if len(fresh) < validation_windows:
        raise ValueError(
            f"{len(fresh)} windows of validation share nothing with training; {validation_windows} "
            f"are wanted."
        )
    kept = np.sort(np.random.default_rng(0).permutation(len(fresh))[:validation_windows])
    return Corpus(training, fresh[kept], _digest(training, fresh[kept]), source)


def _digest(training: np.ndarray, validation: np.ndarray) -> str:
    return hashlib.sha256(training.tobytes() + validation.tobytes()).hexdigest()


def _windows(text: bytes) -> np.ndarray:
    whole = len(text) // CONTEXT * CONTEXT
    return np.frombuffer(text[:whole], np.uint8).reshape(-1, CONTEXT)


def _shared(windows: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Whether a window holds 50 bytes in a row that the text holds too, shape (windows,)."""
    known = np.sort(_rolling(text))
    found = _rolling(windows)
    at = np.searchsorted(known, found).clip(max=len(known) - 1)
    return (known[at] == found).any(axis=-1)


def _rolling(text: np.ndarray) -> np.ndarray:
    """A 64-bit hash of each run of 50 bytes along the last axis."""
    size = text.shape[-1] - OVERLAP + 1
    found = np.zeros((*text.shape[:-1], size), np.uint64)
    for i in range(OVERLAP):
        found *= np.uint64(0x9E3779B97F4A7C15)
        found += text[..., i : i + size]
    return found ^ (found >> np.uint64(32))
