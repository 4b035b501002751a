"""The text of the sweep: the sources of Python's standard library, which every machine has.

Files are divided into training and validation by a hash of their bytes. Windows of validation that
share any 50 bytes with training are dropped, so that no validation text was seen in training. A run
reads windows of training in an order that its seed determines, each at most once.
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
# One file in so many is for validation; about half of their windows are dropped again.
VALIDATION_SHARE = 24
OVERLAP = 50


@dataclass(frozen=True)
class Corpus:
    """The windows of bytes for training and validation.

    Attributes
    ----------
    training : array of uint8, shape (windows, context)
    validation : array of uint8, shape (windows, context)
    sha256 : str
        Hash of all bytes of both, in order.
    source : str
        Name of the text.
    """

    training: np.ndarray
    validation: np.ndarray
    sha256: str
    source: str

    def order(self, seed: int) -> np.ndarray:
        """Return the indices of training windows in the order for a seed, shape (windows,)."""
        return np.random.default_rng([seed, 0]).permutation(len(self.training))


def standard_library(cache: Path) -> Corpus:
    """Read the standard library of the running Python, without installed and generated files.

    Parameters
    ----------
    cache : Path
        File in which the windows are saved, since the search for shared text takes longer than many
        of the runs.
    """
    source = f"standard library of CPython {platform.python_version()}"
    if cache.exists():
        with np.load(cache) as saved:
            training = saved["training"]
            validation = saved["validation"]
        return Corpus(training, validation, _digest(training, validation), source)
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(path for path in folder.rglob("*.py") if _is_source(path))
    result = corpus([path.read_bytes() for path in files], source)
    unfinished = cache.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as file:
        np.savez(file, training=result.training, validation=result.validation)
    unfinished.replace(cache)
    return result


def _is_source(path: Path) -> bool:
    installed = "site-packages" in path.parts or "dist-packages" in path.parts
    return not installed and not path.name.startswith("_sysconfigdata")


def corpus(
    documents: Iterable[bytes], source: str, validation_windows: int = VALIDATION_WINDOWS
) -> Corpus:
    """Divide documents into training and validation and cut both into windows.

    Duplicate documents count once, and documents with NUL bytes are omitted, since a NUL marks the
    beginning of a window. Documents are ordered by their hashes, independent of their order on a
    disk.

    Raises
    ------
    ValueError
        If there are fewer windows of validation than requested.
    """
    by_hash: dict[bytes, bytes] = {}
    for document in documents:
        if b"\0" not in document:
            by_hash[hashlib.sha256(document).digest()] = document
    training_documents: list[bytes] = []
    validation_documents: list[bytes] = []
    for key in sorted(by_hash):
        if key[0] % VALIDATION_SHARE == 0:
            validation_documents.append(by_hash[key])
        else:
            training_documents.append(by_hash[key])
    training_text = b"".join(training_documents)
    training = _windows(training_text)
    validation = _windows(b"".join(validation_documents))
    unseen = validation[~_shared(validation, np.frombuffer(training_text, np.uint8))]
    if len(unseen) < validation_windows:
        raise ValueError(
            f"{len(unseen)} windows of validation share no text with training; "
            f"{validation_windows} are needed."
        )
    order = np.random.default_rng(0).permutation(len(unseen))
    chosen = unseen[np.sort(order[:validation_windows])]
    return Corpus(training, chosen, _digest(training, chosen), source)


def _digest(training: np.ndarray, validation: np.ndarray) -> str:
    return hashlib.sha256(training.tobytes() + validation.tobytes()).hexdigest()


def _windows(text: bytes) -> np.ndarray:
    length = len(text) // CONTEXT * CONTEXT
    return np.frombuffer(text[:length], np.uint8).reshape(-1, CONTEXT)


def _shared(windows: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Return whether each window shares 50 consecutive bytes with the text, shape (windows,)."""
    known = np.sort(_rolling_hashes(text))
    hashes = _rolling_hashes(windows)
    nearest = np.searchsorted(known, hashes).clip(max=len(known) - 1)
    return (known[nearest] == hashes).any(axis=-1)


def _rolling_hashes(text: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of each sequence of 50 bytes along the last axis."""
    size = text.shape[-1] - OVERLAP + 1
    hashes = np.zeros((*text.shape[:-1], size), np.uint64)
    for i in range(OVERLAP):
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes += text[..., i : i + size]
    return hashes ^ (hashes >> np.uint64(32))
