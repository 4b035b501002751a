"""Commands that answer what to run next, and which recipe to keep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayescale import cli_input
from bayescale.cli_input import Json, PosteriorFile
from bayescale.defaults import TEXTBOOK_LAW, TEXTBOOK_NOISE

if TYPE_CHECKING:
    from bayescale.decisions.recipes.recipes import Recipes

Source = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE.csv",
        help="A data set of the catalogue, or a CSV file as [cyan]bayescale fit[/] takes it, with "
        "recipes as group.",
        show_default=False,
    ),
]
Base = Annotated[str, typer.Argument(help="The group that is used today.", show_default=False)]
Candidate = Annotated[
    str, typer.Argument(help="The group that may take its place.", show_default=False)
]
SharedFloor = Annotated[
    bool,
    typer.Option(
        "--shared-floor", help="Both have one irreducible loss: for recipes that differ in no data."
    ),
]
LawOption = Annotated[
    str, typer.Option("--law", help="Of parameters and tokens, whose exponents both share.")
]
NoiseOption = Annotated[str, typer.Option("--noise", help="A likelihood.")]
MethodOption = Annotated[str, typer.Option("--method", help="As for [cyan]bayescale fit[/].")]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", help="Of all that is random; 0 unless given.", show_default=False),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=HEADING",
        help="Which heading to read as NAME: --column group=optimiser.",
        show_default=False,
    ),
]


def design(
    post: PosteriorFile,
    budget: Annotated[
        float, typer.Option(help="For all new runs together, FLOPs.", show_default=False)
    ],
    compute: Annotated[
        float | None,
        typer.Option(
            help="Of the model to be trained in the end, FLOPs; 100 times the dearest run's unless "
            "given.",
            show_default=False,
        ),
    ] = None,
    n_runs: Annotated[int, typer.Option("--runs", help="At most so many.")] = 12,
    price_per_flop: Annotated[
        float | None, typer.Option(help="What a FLOP costs.", show_default=False)
    ] = None,
    value_per_nat: Annotated[
        float | None,
        typer.Option(
            help="What a nat at the end is worth, in the same currency.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose the runs that are worth paying for next.

    Those that lower the expected regret of the size chosen at a larger budget most; and when to
    stop.
    """
    from bayescale import terminal, terminal_design

    with terminal.reporting():
        posterior = cli_input.load(post)
        import bayescale

        plan = bayescale.design(
            posterior,
            budget,
            compute=compute,
            n_runs=n_runs,
            price_per_flop=price_per_flop,
            value_per_nat=value_per_nat,
        )
        if as_json:
            terminal.print_json(terminal_design.design_as_json(plan))
        else:
            terminal_design.print_design(plan)


def recipes(
    source: Source,
    base: Base,
    candidate: Candidate,
    compute: Annotated[
        list[float] | None,
        typer.Option(
            help="Where to tell effective compute, FLOPs; several may be given. The dearest run "
            "and 100 times that if not.",
            show_default=False,
        ),
    ] = None,
    shared_floor: SharedFloor = False,
    law: LawOption = TEXTBOOK_LAW,
    noise: NoiseOption = TEXTBOOK_NOISE,
    method: MethodOption = "nuts",
    seed: SeedOption = None,
    column: ColumnOption = None,
    as_json: Json = False,
) -> None:
    """Compare two recipes, such as optimisers, architectures or data: multipliers of parameters,
    tokens and compute.
    """
    from bayescale import terminal, terminal_recipes

    with terminal.reporting():
        found = _compared(
            source, base, candidate, compute, shared_floor, law, noise, method, seed, column
        )
        if as_json:
            terminal.print_json(terminal_recipes.recipes_as_json(found))
        else:
            terminal_recipes.print_recipes(found)
        if found.problems:
            raise typer.Exit(3)


def gate(
    source: Source,
    base: Base,
    candidate: Candidate,
    compute: Annotated[
        float, typer.Option(help="The scale that matters, FLOPs.", show_default=False)
    ],
    threshold: Annotated[
        float, typer.Option(help="The least gain worth a change, nats per token.")
    ] = 0.0,
    probability: Annotated[float, typer.Option(help="How sure to be.")] = 0.95,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", help="Where to file the record, a new file.", show_default=False
        ),
    ] = None,
    shared_floor: SharedFloor = False,
    law: LawOption = TEXTBOOK_LAW,
    noise: NoiseOption = TEXTBOOK_NOISE,
    method: MethodOption = "nuts",
    seed: SeedOption = None,
    column: ColumnOption = None,
    as_json: Json = False,
) -> None:
    """Decide whether a candidate recipe is promoted at a scale, and record why: promote, reject or
    undecided.
    """
    from bayescale import terminal, terminal_recipes

    with terminal.reporting():
        import bayescale

        found = _compared(
            source, base, candidate, [compute], shared_floor, law, noise, method, seed, column
        )
        audit = bayescale.gate(found, compute, threshold=threshold, probability=probability)
        if as_json:
            typer.echo(audit.to_json())
        else:
            terminal_recipes.print_audit(audit)
        if record:
            audit.save(record)
        if audit.problems:
            raise typer.Exit(3)


def _compared(
    source: str,
    base: str,
    candidate: str,
    compute: list[float] | None,
    shared_floor: bool,
    law: str,
    noise: str,
    method: str,
    seed: int | None,
    column: list[str] | None,
) -> "Recipes":
    import bayescale
    from bayescale._internal.discovery import parse

    formula = parse("bayescale.laws", law)
    seeded = cli_input.seeded(parse("bayescale.inference", method), seed)
    return bayescale.recipes(
        cli_input.runs(source, formula, column or [], keep_suspect=False),
        base,
        candidate,
        compute=compute or None,
        law=formula,
        shared_floor=shared_floor,
        noise=parse("bayescale.noise", noise),
        method=seeded,
    )
