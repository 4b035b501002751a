"""Paths of the originals of a data set, and their download.

Originals are searched in the user's folder, then in the cache; missing files are downloaded into
the cache. No file is used before its SHA-256 is checked, wherever it comes from.
"""

import hashlib
import os
from pathlib import Path

from bayescale.datasets.descriptor import FOLDER, Descriptor, Original
from bayescale.errors import InputError


def locate(descriptor: Descriptor) -> dict[str, Path]:
    """Return the path of every original of a data set, and download the missing ones.

    Parameters
    ----------
    descriptor : Descriptor

    Returns
    -------
    dict of str to Path
        The file of each original, by the original's name.

    Raises
    ------
    InputError
        If a file has the wrong hash, or is not on this machine and cannot be downloaded. The
        message has the address, the hash and the path to save the file to.
    """
    paths: dict[str, Path] = {}
    if descriptor.embedded:
        for original in descriptor.originals:
            paths[original.name] = Path(str(FOLDER.joinpath(original.name)))
        return paths
    missing: list[Original] = []
    folder = descriptor.folder or descriptor.name
    for original in descriptor.originals:
        path = _in_folder_of_originals(folder, original) or _in_cache(folder, original)
        if not path:
            missing.append(original)
        paths[original.name] = path or cached(folder, original)
    if missing:
        _download(folder, missing)
    return paths


def cached(name: str, original: Original) -> Path:
    """Return the path of an original in the cache, also if the file does not exist yet.

    ``BAYESCALE_CACHE`` names the cache; the default is the operating system's folder of caches.
    """
    folder = os.environ.get("BAYESCALE_CACHE")
    if not folder:
        import platformdirs

        folder = platformdirs.user_cache_dir("bayescale", appauthor=False)
    return Path(folder) / "datasets" / name / original.name


def _in_folder_of_originals(name: str, original: Original) -> Path | None:
    folder = os.environ.get("BAYESCALE_DATA")
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError(
            f"BAYESCALE_DATA is {folder}, which is not a folder; correct it, or unset it to "
            f"download originals."
        )
    path = Path(folder) / name / original.name
    if not path.is_file():
        return None
    if (actual := _sha256(path)) != original.sha256:
        raise InputError(
            f"{path} is not the original: its SHA-256 is {actual}, not {original.sha256}. "
            f"Replace it with {original.address}, or remove it so that the original is downloaded."
        )
    return path


def _in_cache(name: str, original: Original) -> Path | None:
    path = cached(name, original)
    return path if path.is_file() and _sha256(path) == original.sha256 else None


def _download(name: str, missing: list[Original]) -> None:
    import pooch
    from rich.console import Console
    from rich.progress import track

    pooch.get_logger().setLevel("WARNING")  # one progress bar replaces a line for each file
    console = Console(stderr=True)
    originals = track(
        missing,
        f"Downloading {name}",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for original in originals:
        path = cached(name, original)
        expected = f"sha256:{original.sha256}"
        try:
            pooch.retrieve(original.address, expected, fname=path.name, path=path.parent)
        except OSError as error:
            problem = f"cannot be downloaded ({type(error).__name__})"
            raise InputError(_manual_download(name, original, problem)) from None
        except ValueError:
            problem = "was downloaded but is not the original, so it was refused"
            raise InputError(_manual_download(name, original, problem)) from None


def _manual_download(name: str, original: Original, problem: str) -> str:
    return (
        f"{name}: {original.name} {problem}. Get {original.address} (SHA-256 {original.sha256}) in "
        f"another way and save it as {cached(name, original)}, or set BAYESCALE_DATA to a folder "
        f"that contains {name}/{original.name}."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
