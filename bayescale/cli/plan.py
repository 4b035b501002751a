"""The command ``plan``: from a table of runs to a report about the next model."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import (
    Columns,
    InferenceTokens,
    Json,
    Law,
    LossUnit,
    MaxParams,
    MaxTokens,
    Noise,
    Seed,
    Strict,
    UniqueTokens,
)
from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.posterior.posterior import Posterior


def plan(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|POST.nc",
            help="A data set of the catalogue, a file as [cyan]bayescale fit[/] reads it, or "
            "the posterior that it saved.",
            show_default=False,
        ),
    ],
    compute: Annotated[
        float,
        typer.Option(help="Budget, FLOPs; with --inference-tokens it includes serving."),
    ],
    max_tokens: MaxTokens = None,
    max_params: MaxParams = None,
    unique_tokens: UniqueTokens = None,
    inference_tokens: InferenceTokens = None,
    runs_budget: Annotated[
        float | None,
        typer.Option(
            help="FLOPs for further runs (default: 3 times the largest compute of a run).",
            show_default=False,
        ),
    ] = None,
    law: Law = None,
    noise: Noise = None,
    method: Annotated[
        str, typer.Option(help="Inference method, with its options: importance or nuts.")
    ] = defaults.METHOD,
    seed: Seed = None,
    column: Columns = None,
    loss_unit: LossUnit = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity/--no-sensitivity",
            help="Also fit under other assumptions, which takes a minute or two.",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.html",
            help="File for the report as a page with a calculator.",
            show_default=False,
        ),
    ] = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Fit runs, and say what to train with a budget and which runs to make first.

    All answers come from one fit, the one that [cyan]bayescale fit[/] makes: its law, and how far
    runs depart from it.

    No token is repeated in training. The page needs no network.
    """
    from bayescale.terminal.reporting import exit_by, reporting

    with reporting():
        import bayescale
        from bayescale.cli import _inputs
        from bayescale.cli._saving import check_folder_of
        from bayescale.decisions.plans.next_run import NEXT_STEP

        if html is not None:
            check_folder_of(html)
        bounds = _inputs.without_none(
            max_tokens=max_tokens,
            max_params=max_params,
            unique_tokens=_inputs.uncertain_from("--unique-tokens", unique_tokens),
            inference_tokens=_inputs.uncertain_from("--inference-tokens", inference_tokens),
        )
        posterior = _fit(source, law, noise, method, seed, column, loss_unit)
        next_step = NEXT_STEP * float(posterior.runs.six_nd.max())
        result = bayescale.plan(
            posterior,
            compute,
            constraints=bayescale.Constraints(**bounds) if bounds else None,
            budget_of_runs=next_step if runs_budget is None else runs_budget,
            sensitivity=bayescale.sensitivity(posterior, compute) if sensitivity else None,
        )
        if as_json:
            from bayescale.cli._json import print_json

            print_json(result.to_dict())
        else:
            from bayescale.terminal.plan import print_plan
            from bayescale.terminal.reporting import warn_of_problems

            print_plan(result)
            warn_of_problems(posterior)
        # After the plan is printed: a full disk must not cost the reader the plan.
        if html is not None:
            command = shlex.join(["bayescale", *sys.argv[1:]])
            report = bayescale.report(result, html, commands=[command])
            if not as_json:
                typer.echo(f"\nThe report is {report}.")
        exit_by(strict, posterior)


def _fit(
    source: str,
    law: str | None,
    noise: str | None,
    method: str,
    seed: int | None,
    column: list[str] | None,
    loss_unit: str | None,
) -> "Posterior":
    """Return the posterior of a file, or of a fit to the source."""
    import bayescale
    from bayescale.cli import _inputs
    from bayescale.decisions.plans._one_budget import (
        refuse_other_budgets,
        refuse_other_budgets_of_runs,
        runs_are_of_one_budget,
    )

    if source.endswith(".nc"):
        if law or noise or column or loss_unit:
            raise InputError(
                f"{source} is fitted already; leave out --law, --noise, --column and --loss-unit."
            )
        saved = _inputs.posterior_from(Path(source))
        refuse_other_budgets("plan", saved, None)
        return saved
    chosen_law = _inputs.law_from(law) if law else None
    chosen_noise = _inputs.noise_from(noise) if noise else None
    chosen_method = _inputs.method_from(method, seed)
    runs = _inputs.runs_from(source, chosen_law, column, loss_unit=loss_unit)
    _inputs.say_notes(runs)
    # Before a fit whose plan would be refused.
    planned = chosen_law or defaults.law_for(runs)
    if runs_are_of_one_budget(runs, planned.inputs, planned.response):
        refuse_other_budgets_of_runs("plan", runs, None)
    return bayescale.fit(runs, law=chosen_law, noise=chosen_noise, method=chosen_method)


COMMAND = Command(
    plan,
    Section.PLAN,
    order=3,
    epilogue=examples(
        "bayescale plan sweep.csv --compute 5.76e23 --html plan.html",
        "bayescale plan post.nc --compute 5.76e23 --unique-tokens 15e12 --inference-tokens 2e12",
    ),
)
