"""The command that goes from a table of runs to a page about the next model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayescale import cli_input
from bayescale.cli_allocate import uncertain
from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.posterior.posterior import Posterior


def plan(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.csv|POST.nc",
            help="A data set of the catalogue, a CSV file as [cyan]bayescale fit[/] takes it, or "
            "what it saved.",
            show_default=False,
        ),
    ],
    compute: Annotated[
        float, typer.Option(help="The budget, FLOPs; serving included with --inference-tokens.")
    ],
    max_tokens: Annotated[
        float | None, typer.Option(help="Most tokens of training.", show_default=False)
    ] = None,
    max_params: Annotated[
        float | None, typer.Option(help="Largest model, a count.", show_default=False)
    ] = None,
    unique_tokens: Annotated[
        str | None,
        typer.Option(
            help="Different tokens there are: 300e12, or lognormal:300e12,0.5; none is read twice.",
            show_default=False,
        ),
    ] = None,
    inference_tokens: Annotated[
        str | None,
        typer.Option(help="Tokens to serve, written in the same ways.", show_default=False),
    ] = None,
    runs_budget: Annotated[
        float | None,
        typer.Option(
            help="FLOPs for further small runs; what the dearest run took unless given.",
            show_default=False,
        ),
    ] = None,
    law: Annotated[
        str | None,
        typer.Option(help="What plans are made by; chinchilla unless given.", show_default=False),
    ] = None,
    noise: Annotated[
        str | None, typer.Option(help="The same; student_t unless given.", show_default=False)
    ] = None,
    method: Annotated[str, typer.Option(help="nuts or importance, with options.")] = "nuts",
    seed: Annotated[
        int | None, typer.Option(help="Of all that is random; 0 unless given.", show_default=False)
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=HEADING",
            help="Which heading to read as NAME: --column loss=val_loss.",
            show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity/--no-sensitivity",
            help="Fit again under other assumptions, which takes a minute or two.",
        ),
    ] = True,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.html", help="Write the page too, with a calculator.", show_default=False
        ),
    ] = None,
    as_json: cli_input.Json = False,
) -> None:
    """Fit runs, and say what to train with a budget, how sure that is, and which runs to make
    first.

    Plans are made by a law that is taken to hold, and the loss of the planned run is forecast by
    what forecasts best, as bayescale fit does; with --law, --noise or a POST.nc, one fit does both.
    The page opens without a network.
    """
    from bayescale import terminal, terminal_plan

    with terminal.reporting():
        import bayescale

        if html is not None and not html.parent.is_dir():
            raise InputError(
                f"There is no folder {html.parent} to write {html.name} to; make it first."
            )
        asked: dict[str, Any] = {
            "max_tokens": max_tokens,
            "max_params": max_params,
            "unique_tokens": uncertain("--unique-tokens", unique_tokens),
            "inference_tokens": uncertain("--inference-tokens", inference_tokens),
        }
        bounds = {name: value for name, value in asked.items() if value is not None}
        posterior, forecaster = _fits(source, law, noise, method, seed, column or [])
        small = float(posterior.runs.six_nd.max())
        found = bayescale.plan(
            posterior,
            compute,
            forecaster=forecaster,
            constraints=bayescale.Constraints(**bounds) if bounds else None,
            budget_of_runs=small if runs_budget is None else runs_budget,
            sensitivity=bayescale.sensitivity(posterior, compute) if sensitivity else None,
            seed=posterior.method.seed,
        )
        page = None if html is None else bayescale.report(found, html, commands=[_command()])
        if as_json:
            terminal.print_json(terminal_plan.plan_as_json(found))
        else:
            terminal_plan.print_plan(found, page)
            terminal.warn_of_problems(posterior)
            if forecaster is not posterior:
                terminal.warn_of_problems(forecaster)
    if posterior.problems or forecaster.problems:
        raise typer.Exit(3)


def _fits(
    source: str,
    law: str | None,
    noise: str | None,
    method: str,
    seed: int | None,
    column: list[str],
) -> "tuple[Posterior, Posterior]":
    """What plans, and what forecasts."""
    import bayescale
    from bayescale._internal.discovery import parse
    from bayescale.defaults import TEXTBOOK_LAW, TEXTBOOK_NOISE

    if source.endswith(".nc"):
        if law or noise or column:
            raise InputError(f"{source} is fitted already; leave out --law, --noise and --column.")
        saved = cli_input.load(Path(source))
        return saved, saved
    chosen = parse("bayescale.laws", law or TEXTBOOK_LAW)
    runs = cli_input.runs(source, chosen, column, keep_suspect=False)
    walk = cli_input.seeded(parse("bayescale.inference", method), seed)
    planner = bayescale.fit(
        runs, law=chosen, noise=parse("bayescale.noise", noise or TEXTBOOK_NOISE), method=walk
    )
    return planner, planner if law or noise else bayescale.fit(runs, method=walk)


def _command() -> str:
    import shlex
    import sys

    return shlex.join(["bayescale", *sys.argv[1:]])
