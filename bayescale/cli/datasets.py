"""The commands ``datasets list``, ``datasets show`` and ``datasets fetch``."""

import typer

from bayescale.cli._command import SETTINGS, Group, Section
from bayescale.cli.options import CatalogueName

_commands = typer.Typer(**SETTINGS, help="Published training runs that can be fitted by name.")


@_commands.command("list")
def list_data_sets() -> None:
    """List the catalogue: data sets, and tables of published figures."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale import datasets
        from bayescale.terminal.datasets import print_catalogue

        print_catalogue(datasets.table(), datasets.published_tables())


@_commands.command("show")
def show_data_set(name: CatalogueName) -> None:
    """Show a data set or a table of published figures.

    A data set is shown with its paper, licence, units, outliers and published fits.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale import datasets
        from bayescale.terminal.datasets import print_descriptor, print_published

        if name in datasets.table_names():
            print_published(datasets.describe_table(name), datasets.published_table(name))
        else:
            print_descriptor(datasets.describe(name))


@_commands.command("fetch")
def fetch_data_set(name: CatalogueName) -> None:
    """Download the original files of a data set, check them, and print their paths.

    BAYESCALE_DATA names a folder of original files to use first; BAYESCALE_CACHE moves the cache.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale import datasets

        for path in datasets.fetch(name):
            typer.echo(path)


COMMAND = Group(_commands, Section.LOOK_UP, order=1)
