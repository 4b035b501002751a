"""The JSON object that a command prints with ``--json``, and the schema that it keeps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from bayescale.errors import InputError
from bayescale.results import Json, as_json

_SCHEMA = Path(__file__).with_name("schema.json")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object. A number that is not finite is null, since JSON has no word for it."""
    typer.echo(json.dumps(as_json(value), indent=2, ensure_ascii=False, allow_nan=False))


def json_schema(command: str | None = None) -> dict[str, Json]:
    """Return the JSON Schema of what a command prints with ``--json``.

    Parameters
    ----------
    command : str, optional
        Name of the command. Without it the schema has the shapes of all commands under ``$defs``
        and demands none of them.
    """
    schema: dict[str, Json] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    if command is None:
        return schema
    if command not in schema["$defs"]:
        raise InputError(
            f"No command {command!r} prints JSON; those that do have the option --json. "
            f"`bayescale --help` lists all commands."
        )
    return schema | {"$ref": f"#/$defs/{command}"}
