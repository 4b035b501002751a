"""The command ``forecast``: the loss of a run that has not been made."""

from typing import Annotated

import typer

from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Json, PosteriorFile
from bayescale.errors import InputError


def forecast(
    post: PosteriorFile,
    n_params: Annotated[
        float | None, typer.Option(help="Number of parameters.", show_default=False)
    ] = None,
    n_tokens: Annotated[
        float | None, typer.Option(help="Number of training tokens.", show_default=False)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=VALUE",
            help="Any other input of the law, such as flops=1e22; may be given several times.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the loss of a run that has not been made."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli import _inputs

        values = _inputs.without_none(n_params=n_params, n_tokens=n_tokens)
        for name, text in _inputs.names_and_values("--input", "flops=1e22", inputs or []):
            values[name] = _inputs.number_from(name, text)
        posterior = _inputs.posterior_from(post)
        for name in values:
            if name not in posterior.law.inputs:
                raise InputError(
                    f"{posterior.law.formula} takes {', '.join(posterior.law.inputs)}; {name} is "
                    f"none of them."
                )
        import bayescale

        prediction = bayescale.forecast(posterior, **values)
        if as_json:
            from bayescale.cli._json import print_json

            print_json(prediction.to_dict())
        else:
            from bayescale.terminal.forecast import print_forecast
            from bayescale.terminal.reporting import warn_of_problems

            print_forecast(posterior, prediction)
            warn_of_problems(posterior)


COMMAND = Command(
    forecast,
    Section.PLAN,
    order=1,
    epilogue=examples("bayescale forecast post.nc --n-params 70e9 --n-tokens 1.4e12"),
)
