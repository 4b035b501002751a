"""The commands ``laws list`` and ``laws show``."""

import typer

from bayescale.cli._command import SETTINGS, Group, Section, examples
from bayescale.cli.options import CatalogueName

_commands = typer.Typer(**SETTINGS, help="Scaling laws: formula, parameters, priors, paper.")


@_commands.command("list")
def list_laws() -> None:
    """List the laws that --law takes."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale._internal.discovery import entry, names
        from bayescale.terminal.laws import print_laws

        print_laws({name: entry("bayescale.laws", name)() for name in names("bayescale.laws")})


@_commands.command("show", epilog=examples("bayescale laws show chinchilla:tied=true"))
def show_law(name: CatalogueName) -> None:
    """Show a law: formula, options, parameters, priors, paper, published constants."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli._inputs import law_from
        from bayescale.terminal.laws import print_law

        print_law(law_from(name))


COMMAND = Group(_commands, Section.LOOK_UP, order=2)
