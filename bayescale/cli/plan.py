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
    LossUnit,
    MaxParams,
    MaxTokens,
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
            help="FLOPs for further small runs (default: the largest compute of a run).",
            show_default=False,
        ),
    ] = None,
    law: Annotated[
        str | None,
        typer.Option(help="Law used for planning (default chinchilla).", show_default=False),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(help="Noise model used for planning (default student_t).", show_default=False),
    ] = None,
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
    ] = True,
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

    The plan rests on a law that is assumed to hold. The loss of the planned run is forecast by the
    model that forecasts best, as in bayescale fit. With --law, --noise or a POST.nc, one fit serves
    for both.

    No token is repeated in training. The page needs no network.
    """
    from bayescale.terminal.reporting import exit_by, reporting

    with reporting():
        import bayescale
        from bayescale.cli import _inputs
        from bayescale.cli._saving import check_folder_of

        if html is not None:
            check_folder_of(html)
        bounds = _inputs.without_none(
            max_tokens=max_tokens,
            max_params=max_params,
            unique_tokens=_inputs.uncertain_from("--unique-tokens", unique_tokens),
            inference_tokens=_inputs.uncertain_from("--inference-tokens", inference_tokens),
        )
        posterior, forecaster = _fits(source, law, noise, method, seed, column, loss_unit)
        largest = float(posterior.runs.six_nd.max())
        result = bayescale.plan(
            posterior,
            compute,
            forecaster=forecaster,
            constraints=bayescale.Constraints(**bounds) if bounds else None,
            budget_of_runs=largest if runs_budget is None else runs_budget,
            sensitivity=bayescale.sensitivity(posterior, compute) if sensitivity else None,
            seed=posterior.method.seed,
        )
        if as_json:
            from bayescale.cli._json import print_json

            print_json(result.to_dict())
        else:
            from bayescale.terminal.plan import print_plan
            from bayescale.terminal.reporting import warn_of_problems

            print_plan(result)
            warn_of_problems(posterior)
            if forecaster is not posterior:
                warn_of_problems(forecaster)
        # After the plan is printed: a full disk must not cost the reader the plan.
        if html is not None:
            command = shlex.join(["bayescale", *sys.argv[1:]])
            report = bayescale.report(result, html, commands=[command])
            if not as_json:
                typer.echo(f"\nThe report is {report}.")
        exit_by(strict, posterior, forecaster)


def _fits(
    source: str,
    law: str | None,
    noise: str | None,
    method: str,
    seed: int | None,
    column: list[str] | None,
    loss_unit: str | None,
) -> "tuple[Posterior, Posterior]":
    """Return the posterior that plans and the posterior that forecasts, which may be the same."""
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
        return saved, saved
    chosen_law = _inputs.law_from(law or defaults.TEXTBOOK_LAW)
    chosen_noise = _inputs.noise_from(noise or defaults.TEXTBOOK_NOISE)
    chosen_method = _inputs.method_from(method, seed)
    runs = _inputs.runs_from(source, chosen_law, column, loss_unit=loss_unit)
    _inputs.say_notes(runs)
    # Before two fits whose plan would be refused.
    if runs_are_of_one_budget(runs, chosen_law.inputs, chosen_law.response):
        refuse_other_budgets_of_runs("plan", runs, None)
    planner = bayescale.fit(runs, law=chosen_law, noise=chosen_noise, method=chosen_method)
    if law or noise:
        return planner, planner
    return planner, bayescale.fit(runs, method=chosen_method)


COMMAND = Command(
    plan,
    Section.PLAN,
    order=3,
    epilogue=examples(
        "bayescale plan sweep.csv --compute 5.76e23 --html plan.html",
        "bayescale plan post.nc --compute 5.76e23 --unique-tokens 15e12 --inference-tokens 2e12",
    ),
)
