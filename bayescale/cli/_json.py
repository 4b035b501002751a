"""The JSON object that a command prints with ``--json``."""

import json
from collections.abc import Mapping
from typing import Any

import typer

from bayescale.results import as_json


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object. A number that is not finite is null, since JSON has no word for it."""
    typer.echo(json.dumps(as_json(value), indent=2, ensure_ascii=False, allow_nan=False))
