"""Finding the class for which a file of a folder is named, so that adding a law, a noise model or a
method is adding a file.

A file `student_t.py` defines the dataclass `StudentT`; the command line calls it ``student_t``.
"""

import ast
import dataclasses
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote

from bayescale.errors import InputError


def names(package: str) -> list[str]:
    """The names of a package's entries: its files, less ``base`` and private ones."""
    path = importlib.import_module(package).__path__
    return sorted(
        m.name
        for m in pkgutil.iter_modules(path)
        if m.name != "base" and not m.name.startswith("_")
    )


def entry(package: str, name: str) -> type[Any]:
    """The class that ``package/name.py`` defines."""
    module = importlib.import_module(f"{package}.{name}")
    for key, value in vars(module).items():
        if (
            key.lower() == name.replace("_", "")
            and isinstance(value, type)
            and dataclasses.is_dataclass(value)
        ):
            return value
    raise ImportError(
        f"{package}.{name} must define a dataclass of its own name, as student_t.py defines "
        f"StudentT"
    )


def name_of(instance: Any) -> str:
    """The name under which ``instance``'s class is found: that of its file."""
    return type(instance).__module__.rpartition(".")[2]


def _package(instance: Any) -> str:
    return type(instance).__module__.rpartition(".")[0]


def lazy_names(package: str, *more: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's ``__getattr__`` and ``__dir__``, which offer every entry's class.

    A file is imported when its class is first used; listing the classes imports none.

    Parameters
    ----------
    package : str
        Dotted name of the package.
    more : str
        Other public names of the package.
    """

    def get(name: str) -> Any:
        for candidate in names(package):
            if candidate.replace("_", "") == name.lower():
                return entry(package, candidate)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        return sorted({*more, *(class_name(package, name) for name in names(package))})

    return get, listed


def class_name(package: str, name: str) -> str:
    """Return the name of the class that ``package/name.py`` defines, without importing the file."""
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec is None or spec.origin is None:
        raise ImportError(f"{package}.{name} has no file")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == name.replace("_", ""):
            return node.name
    raise ImportError(f"{package}.{name} must define a class of its own name")


def parse(package: str, text: str) -> Any:
    """An entry with options, from ``name`` or ``name:option=value,option=value``.

    A value may be an entry itself, as in ``discrepancy:base=normal``, or several, as in
    ``discrepancy:processes=matern:length=1.2+integrated_wiener``. A comma within a value is written
    ``%2C``.

    Raises
    ------
    InputError
        On an unknown name, option or value; the message lists what there is.

    Examples
    --------
    >>> from bayescale._internal.discovery import parse
    >>> parse("bayescale.laws", "chinchilla:tied=true")
    Chinchilla(tied=True)
    """
    name, _, options = text.partition(":")
    if name not in names(package):
        kind = package.rpartition(".")[2]
        raise InputError(f"There is no {name!r} in {kind}; there are {', '.join(names(package))}.")
    cls = entry(package, name)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        if key not in fields:
            raise InputError(
                f"{name} has no option {key!r}; its options are {', '.join(fields) or 'none'}."
            )
        values[key] = _value(name, fields[key], value)
    return cls(**values)


def describe(instance: Any) -> str:
    """Return the text from which `parse` makes an equal instance."""
    options = [
        f"{field.name}={_quoted(_text(getattr(instance, field.name)))}"
        for field in dataclasses.fields(instance)
        if getattr(instance, field.name) != field.default
    ]
    return name_of(instance) + (":" + ",".join(options) if options else "")


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace(",", "%2C")


def _text(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return describe(value)
    if _are_entries(value):
        return "+".join(describe(one).replace("+", "%2B") for one in value)
    return "..".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _are_entries(value: Any) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple) and all(map(dataclasses.is_dataclass, value))


def _value(name: str, field: dataclasses.Field[Any], text: str) -> Any:
    default = field.default
    if dataclasses.is_dataclass(default):
        return parse(_package(default), unquote(text))
    if _are_entries(default):
        return tuple(parse(_package(default[0]), unquote(one)) for one in unquote(text).split("+"))
    if isinstance(default, tuple):
        low, _, high = text.partition("..")
        try:
            return (float(low), float(high))
        except ValueError:
            raise InputError(
                f"{name}: {field.name}={text!r} must be a range of numbers, such as 0.01..1.5."
            ) from None
    if isinstance(default, bool):
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise InputError(f"{name}: {field.name}={text!r} must be true or false.")
    wanted: type[Any] = type(default) if isinstance(default, int | float) else str
    if default is None:
        # An option that may be left out says in its annotation what it is.
        wanted = int if "int" in str(field.type) else float if "float" in str(field.type) else str
    try:
        if wanted is int and not text.isdecimal() and float(text).is_integer():
            return int(float(text))
        return wanted(unquote(text))
    except ValueError:
        raise InputError(
            f"{name}: {field.name}={text!r} must be "
            f"{'a whole number' if wanted is int else 'a number'}."
        ) from None
