"""Find laws, priors, noise models, processes and methods: by the name of a file, by an entry point,
or by module and class.

A file `student_t.py` of ours defines the dataclass `StudentT`, and the command line calls it
``student_t``. An installed package offers a class of its own under a name by an entry point, such
as ``my_law = "my_package.laws:MyLaw"`` in the group ``bayescale.laws``. Any other class is known by
its module and its name, ``my_module:MyLaw``.
"""

import ast
import dataclasses
import importlib
import importlib.util
import pkgutil
import types
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeGuard
from urllib.parse import unquote

from bayescale.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Kind(NamedTuple):
    """A kind of class that can be added.

    Attributes
    ----------
    package : str
        Package of ours whose files define the classes; its module ``base`` has the abstract class.
    base : str
        Name of the abstract class.
    group : str
        Group of entry points.
    """

    package: str
    base: str
    group: str

    @property
    def abstract(self) -> type[object]:
        """The class from which all of the kind inherit."""
        module = importlib.import_module(f"{self.package}.base")
        return typing.cast(type[object], getattr(module, self.base))


class Dataclass(Protocol):
    """Any instance of a dataclass, such as a law."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


def is_dataclass_instance(value: object) -> TypeGuard[Dataclass]:
    """Return whether a value is an instance of a dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


_ALL_KINDS = (
    Kind("bayescale.laws", "Law", "bayescale.laws"),
    Kind("bayescale.noise", "Noise", "bayescale.noise"),
    Kind("bayescale.processes", "Process", "bayescale.processes"),
    Kind("bayescale.priors", "Prior", "bayescale.priors"),
    Kind("bayescale.inference", "Method", "bayescale.methods"),
)
KINDS = {kind.package: kind for kind in _ALL_KINDS}
"""Kinds by package. Hold-outs, which no posterior stores, are files of ours alone."""


def names(package: str) -> list[str]:
    """Return the names of a package's entries: of its files, but for ``base`` and private ones, and
    of the entry points of its group.
    """
    return sorted(_files(package) | _entry_points(package).keys())


def _files(package: str) -> frozenset[str]:
    return _files_in(tuple(importlib.import_module(package).__path__))


@cache
def _files_in(folders: tuple[str, ...]) -> frozenset[str]:
    files = [module.name for module in pkgutil.iter_modules(folders)]
    return frozenset(name for name in files if name != "base" and not name.startswith("_"))


def _entry_points(package: str) -> "dict[str, EntryPoint]":
    return _group(KINDS[package].group) if package in KINDS else {}


@cache
def _group(group: str) -> "dict[str, EntryPoint]":
    # Help needs no entry points, and this takes longer to import than all else that it needs.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def entry(package: str, name: str) -> type[Any]:
    """Return the class that ``package/name.py`` defines, or to which an entry point leads.

    Raises
    ------
    InputError
        Where the class of an entry point cannot be imported, or is not one of the kind.
    """
    if name not in _files(package) and name in _entry_points(package):
        point = _entry_points(package)[name]
        return class_at(point.module, point.attr, package)
    module = importlib.import_module(f"{package}.{name}")
    for key, value in vars(module).items():
        own = key.lower() == name.replace("_", "")
        if own and isinstance(value, type) and dataclasses.is_dataclass(value):
            return value
    raise ImportError(
        f"{package}.{name} must define a dataclass of its own name, as student_t.py defines "
        f"StudentT"
    )


def class_at(module: str, name: str, *packages: str) -> type[Any]:
    """Return a class by its module, which is imported, and its name.

    Parameters
    ----------
    module, name : str
    packages : str
        Packages of the kinds of which it may be one.

    Raises
    ------
    InputError
        Where the module cannot be imported, or has no such class: a dataclass that inherits from
        the abstract class of one of the kinds.
    """
    address = f"{module}:{name}"
    if not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"{address} names no module; give it as my_module:MyLaw.")
    try:
        defined = getattr(importlib.import_module(module), name, None)
    except (ImportError, SyntaxError) as error:
        raise InputError(
            f"{address} cannot be imported: {error}. Install the package that has the module "
            f"{module}, or put the folder of {module.replace('.', '/')}.py on the path "
            f"(PYTHONPATH)."
        ) from None
    if defined is None and module == "__main__":
        raise InputError(
            f"{name} was defined in a script or a notebook, where no other program finds it; put "
            f"it into a module of its own."
        )
    if not isinstance(defined, type) or not dataclasses.is_dataclass(defined):
        raise InputError(f"{module} has no dataclass {name}; another version of it may have had.")
    parents = [KINDS[package].abstract for package in packages]
    if not issubclass(defined, tuple(parents)):
        expected = " or ".join(f"{one.__module__}.{one.__name__}" for one in parents)
        raise InputError(f"{address} does not inherit from {expected}.")
    return defined


def home(cls: type[object]) -> str:
    """Return the package whose ``base`` has the abstract class from which a class inherits."""
    for parent in cls.__mro__:
        package, _, file = parent.__module__.rpartition(".")
        if package in KINDS and file == "base":
            return package
    return cls.__module__.rpartition(".")[0]


def is_ours(cls: type[object]) -> bool:
    """Return whether a class is defined in a file of its kind's package."""
    return cls.__module__.rpartition(".")[0] == home(cls)


def name_of(instance: object) -> str:
    """Return the short name of an instance's class, for messages and files: that of its file where
    it is ours, otherwise that of the class, whatever entry points are installed.
    """
    cls = type(instance)
    return cls.__module__.rpartition(".")[2] if _is_of_bayescale(cls) else cls.__name__


def _is_of_bayescale(cls: type[object]) -> bool:
    return cls.__module__.partition(".")[0] == "bayescale"


def _entry_point_of(cls: type[object]) -> str:
    """Return the name of the entry point of a class; empty where it has none."""
    address = f"{cls.__module__}:{cls.__qualname__}"
    for point in _entry_points(home(cls)).values():
        if point.value == address:
            return point.name
    return ""


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
        for candidate in _files(package):
            if candidate.replace("_", "") == name.lower():
                return entry(package, candidate)
        for candidate, point in _entry_points(package).items():
            if point.attr == name:
                return entry(package, candidate)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        classes = {class_name(package, name) for name in names(package)}
        return sorted(classes.union(more))

    return get, listed


def class_name(package: str, name: str) -> str:
    """Return the name of an entry's class, without importing its file."""
    if name not in _files(package) and name in _entry_points(package):
        return _entry_points(package)[name].attr
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec is None or spec.origin is None:
        raise ImportError(f"{package}.{name} has no file")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == name.replace("_", ""):
            return node.name
    raise ImportError(f"{package}.{name} must define a class of its own name")


def parse(package: str, text: str) -> Any:
    """Make an entry from text: ``name``, or ``name:option=value,option=value``.

    A class of the user's own is named as ``my_module:MyLaw``, and with options as
    ``my_module:MyLaw:option=value``. A value may be an entry itself, as in
    ``discrepancy:base=normal``, or several, as in
    ``discrepancy:processes=matern:length=1.2+integrated_wiener``. A comma within a value is written
    ``%2C``.

    Raises
    ------
    InputError
        On an unknown name, module, class, option or value; the message lists what there is.

    Examples
    --------
    >>> from bayescale._internal.discovery import parse
    >>> parse("bayescale.laws", "chinchilla:tied=true")
    Chinchilla(tied=True)
    """
    cls, options = _class_and_options(package, text)
    types_of_fields = _types(cls)
    name = text.removesuffix(options).rstrip(":")
    values = {}
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        if key not in types_of_fields:
            known = ", ".join(types_of_fields) or "none"
            raise InputError(f"{name} has no option {key!r}; its options are {known}.")
        values[key] = _value(f"{name}: {key}", types_of_fields[key], value)
    return cls(**values)


def _class_and_options(package: str, text: str) -> tuple[type[Any], str]:
    name, _, rest = text.partition(":")
    known = names(package)
    target, _, options = rest.partition(":")
    # Of an option that lacks its value, the message must list the options of the entry.
    an_option = name in known and target in _types(entry(package, name))
    if package in KINDS and target.isidentifier() and not an_option:
        return class_at(name, target, package), options
    if name not in known:
        kind = package.rpartition(".")[2]
        own = "; name one of your own as my_module:MyClass" if package in KINDS else ""
        raise InputError(f"There is no {name!r} in {kind}; there are {', '.join(known)}{own}.")
    return entry(package, name), rest


def _types(cls: type[Any]) -> dict[str, object]:
    """Return the type of each field; of one that may be None, the other type."""
    fields = dataclasses.fields(cls)
    try:
        hints = typing.get_type_hints(cls)
    except NameError:  # imported for type checkers alone
        hints = {field.name: type(field.default) for field in fields}
    return {field.name: _without_none(hints[field.name]) for field in fields}


def _without_none(hint: object) -> object:
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    first, second, *_ = typing.get_args(hint)
    return second if first is type(None) else first


def describe(instance: Dataclass) -> str:
    """Return the text from which `parse` makes an equal instance."""
    cls = type(instance)
    options = []
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if value != field.default:
            options.append(f"{field.name}={_quoted(_text(value))}")
    address = _entry_point_of(cls) or f"{cls.__module__}:{cls.__qualname__}"
    name = name_of(instance) if _is_of_bayescale(cls) else address
    return f"{name}:{','.join(options)}" if options else name


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace(",", "%2C")


def _text(value: object) -> str:
    if is_dataclass_instance(value):
        return describe(value)
    if not isinstance(value, tuple):
        return str(value)
    if all(map(is_dataclass_instance, value)):
        return "+".join(describe(one).replace("+", "%2B") for one in value)
    return "..".join(map(str, value))


def _value(option: str, kind: object, text: str) -> object:
    """Read an option's value by the type of its field."""
    if _is_entry(kind):
        return parse(home(kind), unquote(text))
    if typing.get_origin(kind) is tuple:
        return _several(option, typing.get_args(kind)[0], text)
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise InputError(f"{option}={text!r} must be true or false.")
    if kind is int:
        return _whole_number(option, text)
    if kind is float:
        return _number(option, text)
    return unquote(text)


def _several(option: str, kind: object, text: str) -> tuple[object, ...]:
    if _is_entry(kind):
        package = home(kind)
        return tuple(parse(package, unquote(one)) for one in unquote(text).split("+"))
    low, _, high = text.partition("..")
    try:
        return (float(low), float(high))
    except ValueError:
        raise InputError(
            f"{option}={text!r} must be a range of numbers, such as 0.01..1.5."
        ) from None


def _whole_number(option: str, text: str) -> int:
    try:
        if not text.isdecimal() and float(text).is_integer():
            return int(float(text))
        return int(unquote(text))
    except ValueError:
        raise InputError(f"{option}={text!r} must be a whole number.") from None


def _number(option: str, text: str) -> float:
    try:
        return float(unquote(text))
    except ValueError:
        raise InputError(f"{option}={text!r} must be a number.") from None


def _is_entry(kind: object) -> TypeGuard[type[object]]:
    return isinstance(kind, type) and home(kind) in KINDS
