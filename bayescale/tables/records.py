"""Values of JSON and of Python as tables: records, columns, and what tools write."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard, cast

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Cell
from bayescale.tables.grid import Sheet, cell_of, sheet_of_records
from bayescale.tables.lm_evaluation import is_results, record_of_results

Json: TypeAlias = object
"""A value as JSON has them: None, a number, a text, a list or a dictionary."""

_HARNESS = "lm-evaluation-harness"
_RECORDS = (
    "give a list of runs, each with its numbers by name, such as "
    '[{"n_params": 1e8, "n_tokens": 2e9, "loss": 3.1}].'
)


def sheet_of_json(value: Json, name: str, form: str) -> Sheet:
    """Return the table that a value is.

    The value is a list of records; an object of columns; an object that holds the one or the other
    under a name such as ``runs``; an object of records by name; pandas' ``split`` or ``table``; or
    results of lm-evaluation-harness, one or a list of them.

    Raises
    ------
    InputError
        Where it is none of these.
    """
    if isinstance(value, Mapping):
        return _sheet_of_object(value, name, form)
    if not _is_list(value):
        raise InputError(f"{name} is a single value and no table; {_RECORDS}")
    if not value:
        raise InputError(f"{name} has no rows; give one row per training run.")
    if not _is_list_of_objects(value):
        raise InputError(f"{name} is a list, but not of records; {_RECORDS}")
    if is_results(value[0]):
        return sheet_of_records(list(map(record_of_results, value)), f"{form}, {_HARNESS}")
    return sheet_of_records(list(map(_flat, value)), form)


def _sheet_of_object(value: Mapping[str, Json], name: str, form: str) -> Sheet:
    """Return the table of an object, by what its values are."""
    if is_results(value):
        return sheet_of_records([record_of_results(value)], f"{form}, {_HARNESS}")
    if _is_list(value.get("columns")) and _is_list(value.get("data")):
        return sheet_of_json(_records_of_split(value, name), name, form)
    columns: dict[str, Sequence[Json]] = {}
    objects: dict[str, Mapping[str, Json]] = {}
    facts: dict[str, Json] = {}
    tables: list[Sequence[Json]] = []
    for key, one in value.items():
        if isinstance(one, Mapping):
            objects[str(key)] = one
        elif not _is_list(one):
            facts[str(key)] = one
        elif _is_list_of_objects(one):
            tables.append(one)
        elif key != "index":
            columns[str(key)] = one
    if len(tables) == 1:
        return sheet_of_json(tables[0], name, form)
    if columns:
        return _sheet_of_columns(columns, facts, name, form)
    if objects and not facts:
        return _sheet_of_objects(objects, form)
    if facts and not objects:
        return sheet_of_records([_flat(facts)], form)
    raise InputError(f"{name} holds no table; {_RECORDS}")


def _records_of_split(value: Mapping[str, Json], name: str) -> list[Json]:
    """Return the records of what pandas writes with ``orient="split"``."""
    headings = cast(list[str], value["columns"])
    records: list[Json] = []
    for row in cast(list[Json], value["data"]):
        if not _is_list(row) or len(row) != len(headings):
            raise InputError(f"{name} has a row in 'data' that is not as long as 'columns'.")
        records.append(dict(zip(headings, row, strict=True)))
    return records


def _sheet_of_columns(
    columns: Mapping[str, Sequence[Json]], facts: Mapping[str, Json], name: str, form: str
) -> Sheet:
    """Return the table of columns; facts of the whole sweep are the same in each row."""
    lengths = list(map(len, columns.values()))
    if len(set(lengths)) > 1:
        shown = ", ".join(map("{} {}".format, columns, lengths))
        raise InputError(f"{name} has columns of different lengths ({shown}); mend it.")
    rows = zip(*columns.values(), strict=True)
    records = [_flat(facts) | _flat(dict(zip(columns, row, strict=True))) for row in rows]
    return sheet_of_records(records, form)


def _sheet_of_objects(objects: Mapping[str, Mapping[str, Json]], form: str) -> Sheet:
    """Return the table of an object of objects: runs by name, or columns of cells by row."""
    table = pd.DataFrame(objects, dtype=object)
    rows_are_counted = all(map(str.isdecimal, map(str, table.index)))
    runs_are_counted = all(map(str.isdecimal, objects))
    if rows_are_counted and not runs_are_counted:
        rows = cast(list[Mapping[str, Json]], table.to_dict("records"))
        return sheet_of_records(list(map(_flat, rows)), form)
    records: list[dict[str, Cell]] = []
    for key, one in objects.items():
        named: dict[str, Cell] = {} if runs_are_counted else {"run_id": key}
        records.append(named | _flat(one))
    return sheet_of_records(records, form)


def _flat(value: Mapping[str, Json], prefix: str = "") -> dict[str, Cell]:
    """Return a record whose nested objects have their names joined by dots; lists are left out."""
    flat: dict[str, Cell] = {}
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, Mapping):
            flat |= _flat(one, f"{name}.")
        elif not _is_list(one):
            flat[name] = cell_of(one)
    return flat


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_list_of_objects(value: Json) -> TypeGuard[Sequence[Mapping[str, Json]]]:
    return _is_list(value) and len(value) > 0 and all(map(_is_object, value))


def _is_object(value: Json) -> bool:
    return isinstance(value, Mapping)
