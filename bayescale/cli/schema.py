"""The command ``schema``: the JSON Schema of what commands print with ``--json``."""

from typing import Annotated

import typer

from bayescale.cli._command import Command, Section, examples


def schema(
    command: Annotated[
        str | None,
        typer.Argument(
            metavar="COMMAND",
            help="A command that has --json (default: the shapes of all commands).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of the object that a command prints with --json.

    Its $id ends with the number of its version.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli._json import json_schema, print_json

        print_json(json_schema(command))


COMMAND = Command(schema, Section.LOOK_UP, order=4, epilogue=examples("bayescale schema fit"))
