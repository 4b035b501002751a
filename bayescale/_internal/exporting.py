"""Traced programs that are kept in files, so that the next process need not trace them.

JAX's cache keeps what XLA has compiled, under the program itself: each process traces a program
again to learn which one it is, a second or two of a fit. A file here holds an exported program
under all that it depends on: what is traced with its options, the shapes of the arguments, the text
of this package, the versions of JAX and NumPyro, and the platform. Programs of classes outside this
package are traced every time, since their text may change.

Nothing is kept unless the environment names a folder, as the command line does.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar, cast

import jax
import jax.numpy as jnp
from jax import export

from bayescale._internal.devices import target_platform
from bayescale._internal.discovery import is_dataclass_instance
from bayescale._internal.whole_file import written_whole

FOLDER = "BAYESCALE_EXPORTED_PROGRAMS"
"""Environment variable that names the folder."""

_PACKAGE = Path(__file__).parents[1]
_DIGEST_SIZE = hashlib.sha256().digest_size

R = TypeVar("R")


def reused(
    function: Callable[..., R], about: object, shapes: Sequence[jax.ShapeDtypeStruct]
) -> Callable[..., R]:
    """Return a function as an earlier process traced it; trace and keep it where none has.

    Parameters
    ----------
    function : callable
        Takes arrays; returns arrays, or a dictionary of them.
    about : object
        What decides the function, such as a frozen dataclass and the structure of its arguments.
    shapes : sequence of ShapeDtypeStruct
        Of the arguments.

    Returns
    -------
    callable
        Equal to ``function`` for arguments of these shapes.
    """
    folder = os.environ.get(FOLDER)
    # JAX writes and reads exported programs with this package, which it does not install.
    if not folder or find_spec("flatbuffers") is None:
        return function
    # JAX exports for its default platform, and work may be pinned to another.
    if target_platform() != jax.default_backend():
        return function
    name = _name(about, shapes)
    if name is None:
        return function
    path = Path(folder) / name
    try:
        program = _read(path) or _traced(function, shapes, path)
    # A folder that cannot be written to, or a program that JAX cannot promise to read later.
    except (OSError, ValueError):
        return function
    return cast(Callable[..., R], program.call)


def _read(path: Path) -> export.Exported | None:
    """Return the program of a file; None where there is no whole one."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    digest, program = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
    if hashlib.sha256(program).digest() != digest:
        return None
    return export.deserialize(bytearray(program))


def _traced(
    function: Callable[..., object], shapes: Sequence[jax.ShapeDtypeStruct], path: Path
) -> export.Exported:
    """Trace a function, and write it to a file."""
    exported = export.export(jax.jit(function))(*shapes)
    program = bytes(exported.serialize())
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as unfinished:
        unfinished.write_bytes(hashlib.sha256(program).digest() + program)
    return exported


def _name(about: object, shapes: Sequence[jax.ShapeDtypeStruct]) -> str | None:
    """Return a file's name, by all that the program depends on; None where that is not known."""
    try:
        described = list(_described(about))
    except LookupError:
        return None
    arguments = [f"{shape.dtype}{shape.shape}" for shape in shapes]
    surroundings = [_text_of_package(), target_platform(), str(jnp.result_type(float))]
    versions = [version(package) for package in ("jax", "jaxlib", "numpyro")]
    told = "\n".join(described + arguments + surroundings + versions)
    return hashlib.sha256(told.encode()).hexdigest()


def _described(value: object) -> Iterator[str]:
    """Yield words that tell a value from all others.

    Raises
    ------
    LookupError
        Where it has a part that words may not tell from others.
    """
    cls = type(value)
    if is_dataclass_instance(value) and cls.__module__.startswith("bayescale."):
        yield f"{cls.__module__}.{cls.__qualname__}"
        for field in fields(value):
            yield field.name
            yield from _described(getattr(value, field.name))
    elif isinstance(value, tuple):
        yield f"{len(value)} parts"
        for part in value:
            yield from _described(part)
    elif value is None or cls in (bool, int, float, str):
        yield repr(value)
    else:
        raise LookupError(f"{value!r} is of no kind that is known")


@cache
def _text_of_package() -> str:
    """Return a hash of all modules of this package."""
    digest = hashlib.sha256()
    # Kernels are a link to a folder beside the package in a checkout.
    for folder, folders, files in os.walk(_PACKAGE, followlinks=True):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                path = Path(folder, name)
                digest.update(str(path.relative_to(_PACKAGE)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
