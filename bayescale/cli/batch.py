"""The command ``batch``: many data sets, each fitted by every law under every noise model."""

from pathlib import Path
from typing import Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Json, Seed
from bayescale.errors import InputError

_EXIT_CODES = (
    "Exit codes: 0 all good, 1 no fit could be made, 3 some failed or are doubtful, 130 "
    "interrupted."
)


def batch(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE",
            help="Data sets of the catalogue, and files as [cyan]bayescale fit[/] reads them.",
            show_default=False,
        ),
    ],
    law: Annotated[
        list[str] | None,
        typer.Option(
            help="Scaling law; may be given several times (default chinchilla).",
            show_default=False,
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            help="Noise model; may be given several times (default student_t).",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="Inference method of all fits, with options as in nuts:draws=2000.")
    ] = defaults.TEXTBOOK_METHOD,
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the posteriors, each written when it is ready, and for the table of "
            "all fits, batch.csv (default bayescale-batch in this folder; with --json, nothing is "
            "saved by default).",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of a Dask scheduler, such as tcp://head:8786, whose workers make the "
            "fits; all workers must see DIR.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit many data sets, each by every law under every noise model.

    A data set that cannot be fitted does not stop the others: its row says why.

    After an interruption, the same command goes on where it stopped: fits that are finished in DIR
    are not made again.

    Changed data or options are fitted anew. With --json, the command prints {"fits": [...]}, with
    an object for each row of batch.csv.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        destination = out or Path("bayescale-batch")
        folder = None if as_json and out is None else destination
        import bayescale
        from bayescale.cli import _inputs
        from bayescale.cli._dask import executor_at

        laws = [_inputs.law_from(text) for text in law or [defaults.TEXTBOOK_LAW]]
        noises = [_inputs.noise_from(text) for text in noise or [defaults.TEXTBOOK_NOISE]]
        chosen_method = _inputs.method_from(method, seed)
        try:
            with executor_at(dask) as executor:
                fits = bayescale.batch(
                    data,
                    laws=laws,
                    noises=noises,
                    method=chosen_method,
                    out=folder,
                    executor=executor,
                )
        except KeyboardInterrupt:
            typer.echo(_interrupted(folder), err=True)
            raise typer.Exit(130) from None
        if as_json:
            from bayescale.cli._json import print_json

            print_json({"fits": fits.frame.to_dict("records")})
        else:
            from bayescale.terminal.batch import print_batch

            print_batch(fits.frame, laws, destination)
        statuses = set(fits.frame["status"])
        if statuses == {"failed"}:
            raise InputError(f"No fit could be made. The first: {fits.frame['message'].iloc[0]}")
        if statuses != {"good"}:
            raise typer.Exit(3)


def _interrupted(folder: Path | None) -> str:
    if folder is None:
        return (
            "interrupted; nothing was saved: give --out DIR, and the same command goes on where "
            "it stopped"
        )
    return f"interrupted; the finished fits are in {folder}: run the same command again to go on"


COMMAND = Command(
    batch,
    Section.FIT,
    order=2,
    epilogue=examples(
        "bayescale batch dey2023_pile besiroglu2024_chinchilla --out fits",
        "bayescale batch sweeps/*.csv --law chinchilla --law power_law --noise student_t --noise "
        "normal --out fits",
        "bayescale batch sweeps/*.csv --dask tcp://head:8786 --out /shared/fits",
    )
    + f"\n\n{_EXIT_CODES}",
)
