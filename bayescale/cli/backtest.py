"""The command ``backtest``: how well runs, or compute-optimal sizes, are forecast from others."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Columns, Json, Law, LossUnit, Method, Noise, Seed, Source
from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.decisions.checks.backtest import Backtest
    from bayescale.decisions.checks.backtest_allocation import AllocationBacktest

_HOLDOUT = "0.2"


class Hidden(StrEnum):
    """The quantity that a backtest forecasts."""

    LOSS = "loss"
    ALLOCATION = "allocation"


def backtest(
    source: Source,
    of: Annotated[
        Hidden,
        typer.Option(
            "--of",
            help="What to forecast: losses, or the compute-optimal size of the dearer budgets of "
            "a sweep.",
        ),
    ] = Hidden.LOSS,
    holdout: Annotated[
        str | None,
        typer.Option(
            help="Runs to hide: a share of the runs, those of the largest compute, or "
            "largest_compute:share=0.2, compute_below:fraction=0.1, leave_group_out, "
            "expanding_window:folds=4. For losses; default: 0.2.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        list[float] | None,
        typer.Option(
            help="Nominal budget of the sweep, FLOPs; may be given several times. For the "
            "allocation; default: as the runs show them.",
            show_default=False,
        ),
    ] = None,
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
    is, beside today's practice: a Huber fit with a bootstrap. With --of allocation the report says
    this of the compute-optimal sizes of hidden budgets, beside Hoffmann's three approaches.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        import bayescale
        from bayescale.cli import _inputs

        if of is Hidden.ALLOCATION and holdout is not None:
            raise InputError(
                "--holdout hides runs, and --of allocation hides budgets; leave it out."
            )
        if of is Hidden.LOSS and budget:
            raise InputError("--budget is of --of allocation; add it, or leave --budget out.")
        chosen_law = _inputs.law_from(law) if law else None
        chosen_noise = _inputs.noise_from(noise) if noise else None
        chosen_method = _inputs.method_from(method, seed)
        chosen_holdout = _inputs.holdout_from(holdout or _HOLDOUT)
        runs = _inputs.runs_from(source, chosen_law, column, loss_unit=loss_unit)
        _inputs.say_notes(runs)
        result: Backtest | AllocationBacktest
        if of is Hidden.ALLOCATION:
            result = bayescale.backtest_allocation(
                runs, budgets=budget, law=chosen_law, noise=chosen_noise, method=chosen_method
            )
        else:
            result = bayescale.backtest(
                runs, chosen_holdout, law=chosen_law, noise=chosen_noise, method=chosen_method
            )
        _print(result, as_json=as_json)
        if result.problems:
            raise typer.Exit(3)


def _print(result: "Backtest | AllocationBacktest", *, as_json: bool) -> None:
    from bayescale.decisions.checks.backtest import Backtest

    if as_json:
        from bayescale.cli._json import print_json

        print_json(result.to_dict())
    elif isinstance(result, Backtest):
        from bayescale.terminal.backtest import print_backtest

        print_backtest(result)
    else:
        from bayescale.terminal.backtest_allocation import print_backtest_allocation

        print_backtest_allocation(result)


COMMAND = Command(
    backtest,
    Section.FIT,
    order=3,
    epilogue=examples(
        "bayescale backtest besiroglu2024_chinchilla",
        "bayescale backtest sweep.csv --holdout compute_below:fraction=0.1 --noise student_t",
        "bayescale backtest sweep.csv --holdout leave_group_out --column group=family",
        "bayescale backtest llama3_isoflop --of allocation",
    ),
)
