"""Where the originals of a data set lie: in a folder of the user's, in the cache, or on the network
and then in the cache.

No file is used before its SHA-256 is checked, wherever it comes from.
"""

import hashlib
import os
from pathlib import Path

from bayescale.datasets.descriptor import FOLDER, Descriptor, Original
from bayescale.errors import InputError


def locate(descriptor: Descriptor) -> dict[str, Path]:
    """Find every original of a data set on this machine, downloading those that are missing.

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
        Where a file is not the original, or is neither here nor to be downloaded. The message has
        the address, the hash and the place to put the file.
    """
    if descriptor.embedded:
        return {
            original.name: Path(str(FOLDER.joinpath(original.name)))
            for original in descriptor.originals
        }
    found: dict[str, Path] = {}
    missing: list[Original] = []
    folder = descriptor.folder or descriptor.name
    for original in descriptor.originals:
        path = _in_folder_of_originals(folder, original) or _in_cache(folder, original)
        if path:
            found[original.name] = path
        else:
            missing.append(original)
    if missing:
        _download(folder, missing)
    return {
        original.name: found.get(original.name, cached(folder, original))
        for original in descriptor.originals
    }


def cached(name: str, original: Original) -> Path:
    """The place of an original in the cache, whether or not it is there yet.

    ``BAYESCALE_CACHE`` names the cache; else it is where the operating system keeps caches.
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
            f"BAYESCALE_DATA is {folder}, which is not a folder; mend it, or unset it to download "
            f"originals."
        )
    path = Path(folder) / name / original.name
    if not path.is_file():
        return None
    if (actual := _sha256(path)) != original.sha256:
        raise InputError(
            f"{path} is not the original: its SHA-256 is {actual}, not {original.sha256}. "
            f"Replace it with {original.address}, or remove it to have that downloaded."
        )
    return path


def _in_cache(name: str, original: Original) -> Path | None:
    path = cached(name, original)
    return path if path.is_file() and _sha256(path) == original.sha256 else None


def _download(name: str, missing: list[Original]) -> None:
    import pooch
    from rich.console import Console
    from rich.progress import track

    pooch.get_logger().setLevel("WARNING")  # one bar for all files stands for a line on each
    console = Console(stderr=True)
    for original in track(
        missing,
        f"Downloading {name}",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        path = cached(name, original)
        try:
            pooch.retrieve(
                original.address, f"sha256:{original.sha256}", fname=path.name, path=path.parent
            )
        except OSError as error:
            raise InputError(
                _by_hand(name, original, f"cannot be downloaded ({type(error).__name__})")
            ) from None
        except ValueError:
            raise InputError(
                _by_hand(
                    name, original, "was downloaded but is not the original, so it was refused"
                )
            ) from None


def _by_hand(name: str, original: Original, what: str) -> str:
    return (
        f"{name}: {original.name} {what}. Get {original.address} (SHA-256 {original.sha256}) in "
        f"another way and save it as "
        f"{cached(name, original)}, or set BAYESCALE_DATA to a folder that holds "
        f"{name}/{original.name}."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
