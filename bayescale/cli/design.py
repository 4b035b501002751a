"""The command ``design``: the runs that are worth paying for next."""

from typing import Annotated

import typer

from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Json, PosteriorFile


def design(
    post: PosteriorFile,
    budget: Annotated[
        float, typer.Option(help="FLOPs of all new runs together.", show_default=False)
    ],
    compute: Annotated[
        float | None,
        typer.Option(
            help="FLOPs of the model to be trained in the end (default: 100 times the largest "
            "compute of a run).",
            show_default=False,
        ),
    ] = None,
    n_runs: Annotated[int, typer.Option("--runs", help="Largest number of new runs.")] = 12,
    price_per_flop: Annotated[
        float | None, typer.Option(help="Price of a FLOP.", show_default=False)
    ] = None,
    value_per_nat: Annotated[
        float | None,
        typer.Option(
            help="Worth of a nat of loss in the end, in the same currency.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose the runs that are worth paying for next.

    These are the runs that tell most of the loss and of the best size at a larger budget. With a
    price, they are those that lower the expected regret of the size chosen there by more than they
    cost. The report also says when to stop.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli import _inputs

        posterior = _inputs.posterior_from(post)
        import bayescale

        result = bayescale.design(
            posterior,
            budget,
            compute=compute,
            n_runs=n_runs,
            price_per_flop=price_per_flop,
            value_per_nat=value_per_nat,
        )
        if as_json:
            from bayescale.cli._json import print_json

            print_json(result.to_dict())
        else:
            from bayescale.terminal.design import print_design

            print_design(result)


COMMAND = Command(
    design,
    Section.PLAN,
    order=4,
    epilogue=examples(
        "bayescale design post.nc --budget 1e21",
        "bayescale design post.nc --budget 1e21 --compute 5.76e23 --runs 8",
    ),
)
