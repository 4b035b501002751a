"""The command ``recipes``: what one recipe is worth in units of another."""

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


def recipes(
    source: Source,
    base: Base,
    candidate: Candidate,
    compute: Annotated[
        list[float] | None,
        typer.Option(
            help="FLOPs at which to compare the recipes; may be given several times (default: the "
            "largest compute of a run, and 100 times that).",
            show_default=False,
        ),
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
    """Compare two recipes by multipliers of parameters, tokens and compute.

    Recipes differ in the optimiser, the architecture, the data or the like. The column group says
    which recipe a run is of.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        comparison = compare_recipes(
            source,
            base,
            candidate,
            compute=compute,
            shared_floor=shared_floor,
            law=law,
            noise=noise,
            method=method,
            seed=seed,
            column=column,
            loss_unit=loss_unit,
        )
        if as_json:
            from bayescale.cli._json import print_json

            print_json(comparison.to_dict())
        else:
            from bayescale.terminal.recipes import print_recipes

            print_recipes(comparison)
        if comparison.problems:
            raise typer.Exit(3)


COMMAND = Command(
    recipes,
    Section.RECIPES,
    order=1,
    epilogue=examples("bayescale recipes sweeps.csv adamw muon --column group=optimiser"),
)
