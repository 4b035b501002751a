"""Declarations of commands: each file of this folder has one, by which `app` finds it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer

SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "rich_markup_mode": "rich",
}


class Section(Enum):
    """The sections of the list of commands, in the order in which help prints them."""

    FIT = "Fit and check"
    PLAN = "Forecast and plan"
    RECIPES = "Compare recipes"
    LOOK_UP = "Look up"


@dataclass(frozen=True)
class Command:
    """A command: the function of a file, and where help lists it.

    Attributes
    ----------
    run : callable
        The function whose parameters are the arguments and options.
    section : Section
    order : int
        Place within the section, ascending.
    epilogue : str
        Text below the help of the command.
    """

    run: Callable[..., None]
    section: Section
    order: int
    epilogue: str = ""

    def add_to(self, app: typer.Typer, name: str) -> None:
        """Add the command to the program."""
        panel = self.section.value
        epilogue = self.epilogue or None
        command = app.command(name, help=_help(self.run), epilog=epilogue, rich_help_panel=panel)
        command(self.run)


@dataclass(frozen=True)
class Group:
    """Several commands under one name, and where help lists them.

    Attributes
    ----------
    commands : Typer
        The commands below the name of the file.
    section : Section
    order : int
        Place within the section, ascending.
    """

    commands: typer.Typer
    section: Section
    order: int

    def add_to(self, app: typer.Typer, name: str) -> None:
        """Add the group to the program."""
        app.add_typer(self.commands, name=name, rich_help_panel=self.section.value)


def examples(*lines: str) -> str:
    """Return an epilogue of command lines.

    >>> examples("bayescale fit", "bayescale fit sweep.csv")
    '[bold]Examples[/bold]\\n\\n$ bayescale fit\\n\\n$ bayescale fit sweep.csv'
    """
    heading = "[bold]Example[/bold]" if len(lines) == 1 else "[bold]Examples[/bold]"
    return "\n\n".join([heading, *(f"$ {line}" for line in lines)])


def _help(function: Callable[..., None]) -> str:
    """Return the docstring with each paragraph on one line, since help keeps line breaks."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
