"""Laws, priors, noise models, processes and methods as JSON, and back: module, class and fields.

Reading imports the module that is named and makes an instance of the class that is named, where
that is a dataclass which inherits from `Law`, `Prior`, `Noise`, `Process` or `Method`; no other
code runs, and none comes with the file. The module is one that Python finds by itself, so whoever
may put modules on the path decides what can run, and not whoever wrote the file. Classes of ours go
by the name of their package, ``bayescale.laws``, and not by that of their file.
"""

import dataclasses
from typing import Any, TypedDict, cast

import numpy as np

from bayescale._internal.discovery import (
    KINDS,
    Dataclass,
    class_at,
    home,
    is_dataclass_instance,
    is_ours,
)
from bayescale.errors import InputError

# Written as a call, since "class" can be no name of an attribute.
Encoded = TypedDict("Encoded", {"module": str, "class": str, "fields": dict[str, object]})
"""An instance as JSON holds it."""


def encode(instance: Dataclass) -> Encoded:
    """Return an instance as JSON holds it; a value that JSON cannot hold by what Python prints.

    Examples
    --------
    >>> from bayescale._internal.encoding import encode
    >>> from bayescale.laws import Chinchilla
    >>> encode(Chinchilla(tied=True))
    {'module': 'bayescale.laws', 'class': 'Chinchilla', 'fields': {'tied': True}}
    """
    cls = type(instance)
    fields = {}
    for field in dataclasses.fields(instance):
        if field.init:
            fields[field.name] = _encoded(getattr(instance, field.name))
    return {
        "module": home(cls) if is_ours(cls) else cls.__module__,
        "class": cls.__qualname__,
        "fields": fields,
    }


def decode(encoded: Encoded, *packages: str) -> Any:
    """Return the instance again.

    Parameters
    ----------
    encoded : dict
        From `encode`.
    packages : str
        Packages of the kinds of which it may be one.

    Raises
    ------
    InputError
        Where its class cannot be found, or does not take its fields.
    """
    address = f"{encoded['module']}:{encoded['class']}"
    cls = class_at(encoded["module"], encoded["class"], *packages)
    known = {field.name for field in dataclasses.fields(cls)}
    values = {}
    for name, value in encoded["fields"].items():
        if name not in known:
            raise InputError(
                f"{address} has no field {name}; the file was written with another version of it."
            )
        values[name] = _decoded(address, name, value)
    return cls(**values)


def _encoded(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_encoded(one) for one in value]
    if is_dataclass_instance(value) and home(type(value)) in KINDS:
        return encode(value)
    return {"unsupported": repr(value)}


def _decoded(address: str, name: str, value: object) -> object:
    if isinstance(value, list):
        return tuple(_decoded(address, name, one) for one in value)
    if not isinstance(value, dict):
        return value
    if "class" in value:
        return decode(cast(Encoded, value), *KINDS)
    raise InputError(
        f"{address}: a file cannot hold {name}={value.get('unsupported')}; use numbers, texts, "
        f"tuples of them, laws, noise models, processes or methods."
    )
