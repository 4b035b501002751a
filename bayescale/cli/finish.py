"""The command ``finish``: where a run that is training now will end."""

from pathlib import Path
from typing import Annotated

import typer

from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Json
from bayescale.errors import InputError


def finish(
    log: Annotated[
        Path,
        typer.Argument(
            help="Table with a row per logged step: run, step, lr, loss, by any usual headings.",
            show_default=False,
        ),
    ],
    total: Annotated[
        float, typer.Option(help="Step at which the run will end.", show_default=False)
    ],
    decay_fraction: Annotated[
        float, typer.Option(help="Share of the run that the decay takes; 0 for none.")
    ] = 0.2,
    shape: Annotated[str, typer.Option(help="Of the decay: linear, cosine or sqrt.")] = "linear",
    final_lr: Annotated[float, typer.Option(help="Learning rate at the end.")] = 0.0,
    run: Annotated[
        str | None,
        typer.Option(help="The run that is training, where there are several.", show_default=False),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=HEADING",
            help="Heading of run, step, lr or loss; may be given several times.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Predict where a run that is training now will end, and what a decay gives."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        import bayescale
        from bayescale.cli import _inputs

        named = dict(_inputs.names_and_values("--column", "loss=val_loss", columns or []))
        curves = bayescale.Curves.read(log, headings=named, name=log.name)
        if run is None and len(curves.runs) > 1:
            raise InputError(f"{log.name} has the runs {', '.join(curves.runs[:8])}; give --run.")
        history = curves.schedule(run or curves.runs[0])
        start = max(total * (1 - decay_fraction), history.total)
        if total <= history.total:
            raise InputError(
                f"--total {total:g} is not beyond the last logged step, {history.total:g}."
            )
        # A decay that has begun goes on from where the rate is.
        plan = history.decayed(start, total, final=final_lr, shape=shape)
        result = bayescale.finish(curves, plan, run=run, seed=seed)
        if as_json:
            from bayescale.cli._json import print_json

            print_json(result.to_dict())
        else:
            from bayescale.terminal.finish import print_finish

            print_finish(result)


COMMAND = Command(
    finish,
    Section.PLAN,
    order=5,
    epilogue=examples(
        "bayescale finish log.csv --total 50000",
        "bayescale finish runs.csv --run big --total 2e10 --column step=tokens --json",
    ),
)
