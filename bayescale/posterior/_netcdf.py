"""Groups of named arrays as a netCDF file, laid out as xarray and ArviZ lay theirs out.

`arviz.from_netcdf` and xarray read what is written here, and what they wrote is read. Writing
through them takes over a second, nearly all of it to import them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5netcdf
import h5py
import numpy as np

_TEXT = h5py.string_dtype()
# netCDF has no type of truth values: xarray stores small integers and this attribute.
_TRUTH = {"dtype": "bool"}


class Variable(NamedTuple):
    """An array and the names of its dimensions."""

    dims: tuple[str, ...]
    values: np.ndarray


class Group(NamedTuple):
    """A group of a file.

    Attributes
    ----------
    attributes : mapping of str
    variables : mapping of Variable
        One with the name of its only dimension holds the coordinates along that dimension.
    """

    attributes: Mapping[str, str]
    variables: Mapping[str, Variable]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays without coordinates, by name."""
        variables = self.variables.items()
        return {name: values for name, (dims, values) in variables if dims != (name,)}


def write_groups(path: Path, attributes: Mapping[str, str], groups: Mapping[str, Group]) -> None:
    """Write a file with attributes of its own and one level of groups."""
    with h5netcdf.File(path, "w") as file:
        file.attrs.update(attributes)
        for name, group in groups.items():
            _write(file.create_group(name), group)


def _write(place: h5netcdf.Group, group: Group) -> None:
    place.attrs.update(group.attributes)
    for name, (dims, values) in group.variables.items():
        for dim, size in zip(dims, values.shape, strict=True):
            if dim not in place.dimensions:
                place.dimensions[dim] = size
        _write_variable(place, name, dims, values)


def _write_variable(
    place: h5netcdf.Group, name: str, dims: tuple[str, ...], values: np.ndarray
) -> None:
    if values.dtype.kind in "OUT":
        place.create_variable(name, dims, _TEXT, data=values.astype(object))
    elif values.dtype.kind == "b":
        stored = place.create_variable(name, dims, np.int8, data=values.astype(np.int8))
        stored.attrs.update(_TRUTH)
    else:
        missing = np.nan if values.dtype.kind == "f" else None
        place.create_variable(name, dims, values.dtype, data=values, fillvalue=missing)


def read_attributes(path: Path) -> dict[str, str]:
    """Return the attributes of a file, and read none of its arrays.

    Raises
    ------
    OSError
        Where it is not a netCDF file of the fourth version.
    """
    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        return dict(file.attrs)


def read_groups(path: Path) -> tuple[dict[str, str], dict[str, Group]]:
    """Return the attributes of a file, and its groups.

    Raises
    ------
    OSError
        Where it is not a netCDF file of the fourth version.
    """
    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        return dict(file.attrs), {name: _read(group) for name, group in file.groups.items()}


def _read(place: h5netcdf.Group) -> Group:
    variables = {name: _read_variable(stored) for name, stored in place.variables.items()}
    return Group(dict(place.attrs), variables)


def _read_variable(stored: h5netcdf.Variable) -> Variable:
    values = np.asarray(stored[...])
    if stored.attrs.get("dtype") == _TRUTH["dtype"]:
        values = values.astype(bool)
    return Variable(tuple(stored.dimensions), values)
