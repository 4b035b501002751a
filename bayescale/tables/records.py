"""Values of JSON and of Python as tables: records, columns, and what tools write."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

from bayescale.errors import InputError
from bayescale.tables.cells import Cell
from bayescale.tables.grid import Sheet, sheet_of_records
from bayescale.tables.lm_evaluation import is_results, record_of_results

Json: TypeAlias = object
"""A value as JSON has them: None, a number, a text, a list or a dictionary."""

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
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InputError(f"{name} is a single value and no table; {_RECORDS}")
    if not value:
        raise InputError(f"{name} has no rows; give one row per training run.")
    if all(isinstance(one, Mapping) for one in value):
        if all(is_results(one) for one in value):
            records = [record_of_results(one) for one in value]
            return sheet_of_records(records, f"{form}, lm-evaluation-harness")
        return sheet_of_records([_flat(one) for one in value], form)
    raise InputError(f"{name} is a list, but not of records; {_RECORDS}")


def _sheet_of_object(value: Mapping[str, Json], name: str, form: str) -> Sheet:
    if is_results(value):
        return sheet_of_records([record_of_results(value)], f"{form}, lm-evaluation-harness")
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return sheet_of_json(_records_of_split(value, name), name, form)
    columns: dict[str, Sequence[Json]] = {}
    for key, one in value.items():
        if _is_list(one) and key != "index":
            columns[str(key)] = one
    tables = [key for key, one in columns.items() if _is_list_of_objects(one)]
    if len(tables) == 1:
        return sheet_of_json(columns[tables[0]], name, form)
    if columns and len(columns) == len(value):
        return _sheet_of_columns(columns, name, form)
    objects = {str(key): one for key, one in value.items() if isinstance(one, Mapping)}
    if len(objects) == len(value) > 0:
        return _sheet_of_objects(objects, form)
    if columns:
        # Facts about the whole sweep beside its columns.
        facts = {key: one for key, one in value.items() if not isinstance(one, list | Mapping)}
        length = len(next(iter(columns.values())))
        return _sheet_of_columns(columns | {k: [v] * length for k, v in facts.items()}, name, form)
    if value and not objects:
        return sheet_of_records([_flat(value)], form)
    raise InputError(f"{name} holds no table; {_RECORDS}")


def _records_of_split(value: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """Return the records of what pandas writes with ``orient="split"``."""
    columns, rows = value["columns"], value["data"]
    assert isinstance(columns, list) and isinstance(rows, list)
    if not all(_is_list(row) and len(row) == len(columns) for row in rows):
        raise InputError(f"{name} has rows in 'data' that are not as long as 'columns'; mend it.")
    return [dict(zip(map(str, columns), row, strict=True)) for row in rows]


def _sheet_of_columns(columns: Mapping[str, Sequence[Json]], name: str, form: str) -> Sheet:
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise InputError(f"{name} has columns of different lengths ({shown}); mend it.")
    rows = zip(*columns.values(), strict=True)
    return sheet_of_records([_flat(dict(zip(columns, row, strict=True))) for row in rows], form)


def _sheet_of_objects(objects: Mapping[str, Mapping[str, Json]], form: str) -> Sheet:
    """Return the table of an object of objects: runs by name, or columns of cells by row."""
    keys = [list(map(str, one)) for one in objects.values()]
    are_columns = all(key.isdecimal() for key in keys[0]) and keys.count(keys[0]) == len(keys)
    if are_columns and not all(key.isdecimal() for key in objects):
        rows = [{name: one[key] for name, one in objects.items()} for key in keys[0]]
        return sheet_of_records([_flat(row) for row in rows], form)
    if all(key.isdecimal() for key in objects):
        return sheet_of_records([_flat(one) for one in objects.values()], form)
    return sheet_of_records([{"run_id": key} | _flat(one) for key, one in objects.items()], form)


def _flat(value: Mapping[str, Json], prefix: str = "") -> dict[str, Cell]:
    """Return a record whose nested objects have their names joined by dots; lists are left out."""
    flat: dict[str, Cell] = {}
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, Mapping):
            flat |= _flat(one, f"{name}.")
        elif one is None or isinstance(one, bool | str):
            flat[name] = one
        elif not _is_list(one):
            flat[name] = _number_or_text(one)
    return flat


def _number_or_text(value: object) -> Cell:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return str(value)
    except (TypeError, ValueError):
        return str(value)


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_list_of_objects(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
