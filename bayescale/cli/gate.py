"""The command ``gate``: whether a candidate recipe is promoted."""

from pathlib import Path
from typing import Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli._comparison import compare_recipes
from bayescale.cli.options import (
    Base,
    Candidate,
    Columns,
    Json,
    LossUnit,
    Method,
    Seed,
    SharedFloor,
    SharedLaw,
    SharedNoise,
    Source,
)


def gate(
    source: Source,
    base: Base,
    candidate: Candidate,
    compute: Annotated[
        float, typer.Option(help="FLOPs at which the decision is made.", show_default=False)
    ],
    threshold: Annotated[
        float, typer.Option(help="Smallest gain that is worth a change, nats per token.")
    ] = 0.0,
    probability: Annotated[
        float, typer.Option(help="Probability that a decision requires.")
    ] = 0.95,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="New file for the record.", show_default=False),
    ] = None,
    shared_floor: SharedFloor = False,
    law: SharedLaw = defaults.TEXTBOOK_LAW,
    noise: SharedNoise = defaults.TEXTBOOK_NOISE,
    method: Method = defaults.METHOD,
    seed: Seed = None,
    column: Columns = None,
    loss_unit: LossUnit = None,
    as_json: Json = False,
) -> None:
    """Decide whether a candidate recipe is promoted at a scale, and record why.

    The decision is promote, reject or undecided.

    The column group says which recipe a run is of.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        import bayescale

        comparison = compare_recipes(
            source,
            base,
            candidate,
            compute=[compute],
            shared_floor=shared_floor,
            law=law,
            noise=noise,
            method=method,
            seed=seed,
            column=column,
            loss_unit=loss_unit,
        )
        audit = bayescale.gate(comparison, compute, threshold=threshold, probability=probability)
        if as_json:
            typer.echo(audit.to_json())
        else:
            from bayescale.terminal.gate import print_audit

            print_audit(audit)
        if record:
            audit.save(record)
        if audit.problems:
            raise typer.Exit(3)


COMMAND = Command(
    gate,
    Section.RECIPES,
    order=2,
    epilogue=examples(
        "bayescale gate sweeps.csv adamw muon --column group=optimiser --compute 5.76e23 "
        "--threshold 0.01 --record muon.json"
    ),
)
