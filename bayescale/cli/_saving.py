"""Files that a command saves to, checked before a fit is paid for."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.posterior.posterior import Posterior


def default_file(source: str) -> Path:
    """Return the file in this folder for the posterior of a data set or a file of runs."""
    name = Path(source).stem
    return Path(f"{name}.nc" if name.startswith("bayescale") else f"bayescale-{name}.nc")


def check_posterior_file(path: Path) -> None:
    """Refuse a path to which a posterior cannot be written, or where another file lies."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give --out a file, such as {path / 'post.nc'}.")
    check_folder_of(path)
    if not os.access(path.parent, os.W_OK):
        raise InputError(
            f"The folder {path.parent} cannot be written to; give --out a file in another."
        )
    if path.exists():
        from bayescale.posterior.storage import is_posterior

        if not is_posterior(path):
            raise InputError(
                f"{path} exists and is no posterior of this version of bayescale, so it is left "
                f"alone; give --out another name."
            )


def check_folder_of(path: Path) -> None:
    """Refuse a path whose folder is not there."""
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent} to write {path.name} to; make it first."
        )


def save(posterior: "Posterior", path: Path) -> str:
    """Save the posterior, and return where."""
    try:
        return str(posterior.save(path))
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); give --out a file elsewhere."
        ) from None
