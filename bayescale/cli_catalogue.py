"""The command line's own knowledge: data sets, laws and devices."""

from typing import Annotated

import typer

from bayescale.cli_input import SETTINGS

datasets_app = typer.Typer(**SETTINGS, help="Published training runs that can be fitted by name.")
laws_app = typer.Typer(**SETTINGS, help="Scaling laws: formula, parameters, priors, paper.")


@datasets_app.command("list")
def datasets_list() -> None:
    """List the catalogue: data sets, and tables of published figures."""
    from bayescale import terminal, terminal_catalogue

    with terminal.reporting():
        from bayescale import datasets

        terminal_catalogue.print_catalogue(datasets.table(), datasets.published_tables())


@datasets_app.command("show")
def datasets_show(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Show a data set (paper, licence, units, outliers, published fits) or a table of published
    figures.
    """
    from bayescale import terminal, terminal_catalogue

    with terminal.reporting():
        from bayescale import datasets

        if name in datasets.table_names():
            terminal_catalogue.print_published(
                datasets.describe_table(name), datasets.published_table(name)
            )
        else:
            terminal_catalogue.print_descriptor(datasets.describe(name))


@datasets_app.command("fetch")
def datasets_fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
) -> None:
    """Download the originals of a data set, check them, and print where they lie, one path a line.

    BAYESCALE_DATA names a folder of originals to use first; BAYESCALE_CACHE moves the cache.
    """
    from bayescale import terminal

    with terminal.reporting():
        from bayescale import datasets

        for path in datasets.fetch(name):
            typer.echo(path)


@laws_app.command("list")
def laws_list() -> None:
    """List the laws that --law takes."""
    from bayescale import terminal, terminal_catalogue

    with terminal.reporting():
        from bayescale._internal.discovery import entry, names

        terminal_catalogue.print_laws(
            {name: entry("bayescale.laws", name)() for name in names("bayescale.laws")}
        )


@laws_app.command(
    "show", epilog="[bold]Example[/bold]\n\n$ bayescale laws show chinchilla:tied=true"
)
def laws_show(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Show a law: formula, options, parameters, priors, paper, published constants."""
    from bayescale import terminal, terminal_catalogue

    with terminal.reporting():
        from bayescale._internal.discovery import parse

        terminal_catalogue.print_law(parse("bayescale.laws", name))


def devices() -> None:
    """Say what JAX sees, and what runs where."""
    import jax

    from bayescale import terminal_catalogue
    from bayescale.kernels.mesh import described

    terminal_catalogue.print_devices(jax.__version__, described())
