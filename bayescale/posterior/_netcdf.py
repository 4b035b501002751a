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
_DIMENSION_ALONE = b"This is a netCDF dimension but not a netCDF variable"
_OF_NETCDF = {
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "_nc3_strict",
}


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
    # Through h5py, since h5netcdf looks at every dimension several times over and takes ten times
    # as long.
    with h5py.File(path, "r") as file:
        groups = {n: _read(place) for n, place in file.items() if isinstance(place, h5py.Group)}
        return _attributes(file), groups


def _read(place: h5py.Group) -> Group:
    variables = {name: _read_variable(one) for name, one in place.items() if _has_values(one)}
    return Group(_attributes(place), variables)


def _has_values(stored: h5py.Group | h5py.Dataset) -> bool:
    """Return whether it is a variable, and neither a group nor only the size of a dimension."""
    if isinstance(stored, h5py.Group):
        return False
    return not bytes(stored.attrs.get("NAME", b"")).startswith(_DIMENSION_ALONE)


def _read_variable(stored: h5py.Dataset) -> Variable:
    is_text = h5py.check_string_dtype(stored.dtype) is not None
    values = np.asarray(stored.asstr()[...] if is_text else stored[...])
    if _attributes(stored).get("dtype") == _TRUTH["dtype"]:
        values = values.astype(bool)
    # A variable that gives the coordinates along a dimension has that one dimension.
    scales = [stored] if stored.is_scale else [dimension[0] for dimension in stored.dims]
    return Variable(tuple(scale.name.rpartition("/")[2] for scale in scales), values)


def _attributes(place: h5py.Group | h5py.Dataset) -> dict[str, str]:
    """Return the attributes that are not netCDF's own."""
    found = {name: value for name, value in place.attrs.items() if name not in _OF_NETCDF}
    return {
        name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()
    }
