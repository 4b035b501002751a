"""The command ``backtest``: how well runs are forecast from others."""

from typing import Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Columns, Json, Law, LossUnit, Method, Noise, Seed, Source


def backtest(
    source: Source,
    holdout: Annotated[
        str,
        typer.Option(
            help="Runs to hide: a share of the runs, those of the largest compute, or "
            "largest_compute:share=0.2, compute_below:fraction=0.1, leave_group_out, "
            "expanding_window:folds=4."
        ),
    ] = "0.2",
    law: Law = None,
    noise: Noise = None,
    method: Method = defaults.METHOD,
    seed: Seed = None,
    column: Columns = None,
    loss_unit: LossUnit = None,
    as_json: Json = False,
) -> None:
    """Hide runs, forecast them from the others, and score the forecast.

    The report says how many of the hidden runs each interval holds, and how far off the forecast
    is, beside today's practice: a Huber fit with a bootstrap.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        import bayescale
        from bayescale.cli import _inputs

        chosen_law = _inputs.law_from(law) if law else None
        chosen_noise = _inputs.noise_from(noise) if noise else None
        chosen_method = _inputs.method_from(method, seed)
        chosen_holdout = _inputs.holdout_from(holdout)
        runs = _inputs.runs_from(source, chosen_law, column, loss_unit=loss_unit)
        _inputs.say_notes(runs)
        result = bayescale.backtest(
            runs, chosen_holdout, law=chosen_law, noise=chosen_noise, method=chosen_method
        )
        if as_json:
            from bayescale.cli._json import print_json

            print_json(result.to_dict())
        else:
            from bayescale.terminal.backtest import print_backtest

            print_backtest(result)
        if result.problems:
            raise typer.Exit(3)


COMMAND = Command(
    backtest,
    Section.FIT,
    order=3,
    epilogue=examples(
        "bayescale backtest besiroglu2024_chinchilla",
        "bayescale backtest sweep.csv --holdout compute_below:fraction=0.1 --noise student_t",
        "bayescale backtest sweep.csv --holdout leave_group_out --column group=family",
    ),
)
