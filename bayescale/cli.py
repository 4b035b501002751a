"""The command line: the library's verbs at a terminal.

Nothing heavy is imported before a command runs, so that help comes at once. Standard output holds
the result alone; warnings, errors and progress go to standard error.
"""

import _thread
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayescale import cli_input
from bayescale.cli_allocate import allocate
from bayescale.cli_catalogue import datasets_app, devices, laws_app
from bayescale.cli_decisions import design, gate, recipes
from bayescale.cli_input import Json, PosteriorFile
from bayescale.cli_plan import plan
from bayescale.defaults import TEXTBOOK_LAW, TEXTBOOK_METHOD, TEXTBOOK_NOISE
from bayescale.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor


_SECONDS_TO_ANSWER = 10

app = typer.Typer(
    **cli_input.SETTINGS,
    pretty_exceptions_enable=False,
    epilog="[bold]To begin[/bold]\n\n$ bayescale fit --out sweep.nc\n\n$ bayescale allocate "
    "sweep.nc --compute 5.7e13\n\n"
    "Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 fitted but the diagnostics failed, 130 "
    "interrupted.",
)
app.add_typer(datasets_app, name="datasets")
app.add_typer(laws_app, name="laws")
app.command()(devices)
app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale allocate post.nc --compute 5.76e23 --compute "
    "5.76e24\n\n"
    "$ bayescale allocate post.nc --target-loss 1.95 --inference-tokens 2e12 --max-params 70e9\n\n"
    "$ bayescale allocate post.nc --compute 3.8e25 --unique-tokens lognormal:300e12,0.5 "
    "--repeats\n\n"
    "$ bayescale allocate post.nc --cost 1e7 --peak-flops 989e12 --utilisation 0.4 "
    "--price-per-hour 2 "
    "--devices 1024 --max-days 60"
)(allocate)

app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale design post.nc --budget 1e21\n\n"
    "$ bayescale design post.nc --budget 1e21 --compute 5.76e23 --runs 8"
)(design)
app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale plan sweep.csv --compute 5.76e23 --html "
    "plan.html\n\n"
    "$ bayescale plan post.nc --compute 5.76e23 --unique-tokens 15e12 --inference-tokens 2e12"
)(plan)
app.command(
    epilog="[bold]Example[/bold]\n\n$ bayescale recipes sweeps.csv adamw muon --column "
    "group=optimiser"
)(recipes)
app.command(
    epilog="[bold]Example[/bold]\n\n$ bayescale gate sweeps.csv adamw muon --column "
    "group=optimiser --compute 5.76e23 "
    "--threshold 0.01 --record muon.json"
)(gate)


def main() -> None:
    """Run the program; the console script."""
    _keep_compiled_programs()
    sys.unraisablehook = _interrupt_again
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from bayescale import __version__

        typer.echo(f"bayescale {__version__}")
        raise typer.Exit


@app.callback()
def _bayescale(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """From a table of training runs: how loss falls with parameters, data and compute, how sure
    that is, and which run to pay for next.
    """


@app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale fit\n\n$ bayescale fit besiroglu2024_chinchilla "
    "--out chinchilla.nc\n\n"
    "$ bayescale fit sweep.csv --column n_params=N --column n_tokens=D --column loss=val_loss\n\n"
    "$ bayescale fit sweep.csv --noise huber:delta=1e-3 --method bootstrap:replicates=2000"
)
def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.csv",
            help="A data set of the catalogue ([cyan]bayescale datasets list[/]), or a CSV file "
            "with one row per run and "
            "columns n_params and n_tokens (counts) and loss (nats per token).",
        ),
    ] = "bayescale2026_sweep",
    law: Annotated[
        str | None,
        typer.Option(
            help="With options as chinchilla:tied=true; see [cyan]bayescale laws list[/]. With "
            "neither law nor noise given, "
            "coupled with discrepancy; chinchilla otherwise.",
            show_default=False,
        ),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            help="How losses scatter about the law: student_t, normal, huber:delta=1e-3, "
            "discrepancy:base=student_t; student_t "
            "where a law or another method than nuts is given.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="nuts:draws=2000, importance, grid:nodes=256, bootstrap:replicates=4000, "
            "multistart:starts=500."
        ),
    ] = "nuts",
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
    keep_suspect: Annotated[
        bool,
        typer.Option(
            "--keep-suspect", help="Keep runs that the catalogue flags as misprints or outliers."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="POST.nc",
            help="Where to save the posterior; bayescale-NAME.nc in this folder unless given, and "
            "nowhere with --json.",
            show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Fit again under other likelihoods, laws and without each budget: what moves, and "
            "how.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Fit a scaling law to training runs.

    Prints parameters with intervals, whether to trust them, the compute-optimal plan at three
    budgets and the loss to expect.

    Saves the posterior, for [cyan]bayescale forecast[/] and [cyan]bayescale allocate[/].
    """
    from bayescale import terminal

    with terminal.reporting():
        destination = cli_input.destination(out, source, as_json)
        import bayescale
        from bayescale._internal.discovery import parse
        from bayescale.terminal_sensitivity import print_sensitivity, sensitivity_as_json

        formula = parse("bayescale.laws", law) if law else None
        scatter = parse("bayescale.noise", noise) if noise else None
        seeded = cli_input.seeded(parse("bayescale.inference", method), seed)
        runs = cli_input.runs(source, formula, column or [], keep_suspect)
        if sys.stderr.isatty():
            typer.echo(
                f"Fitting {len(runs)} runs; the first fit of its kind on a machine takes seconds "
                f"to compile.",
                err=True,
            )
        posterior = bayescale.fit(runs, law=formula, noise=scatter, method=seeded)
        if sensitivity:
            # What cannot be told is refused before anything is printed or saved.
            from bayescale.decisions.checks.sensitivity import check

            check(posterior)
        outlook = terminal.Outlook.of(posterior)
        if as_json:
            saved = cli_input.save(posterior, destination)
            more = (
                {"sensitivity": sensitivity_as_json(bayescale.sensitivity(posterior))}
                if sensitivity
                else {}
            )
            terminal.print_json(
                terminal.fit_as_json(posterior, outlook)
                | more
                | ({"saved": saved} if saved else {})
            )
        else:
            # Printed before it is saved: a full disk must not cost the reader the fit.
            terminal.print_fit(posterior, outlook)
            terminal.print_next(posterior, cli_input.save(posterior, destination))
            if sensitivity:
                print_sensitivity(bayescale.sensitivity(posterior))
        if posterior.problems:
            raise typer.Exit(3)


@app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale batch dey2023_pile besiroglu2024_chinchilla --out "
    "fits\n\n"
    "$ bayescale batch sweeps/*.csv --law chinchilla --law power_law --noise student_t --noise "
    "normal --out fits\n\n"
    "$ bayescale batch sweeps/*.csv --dask tcp://head:8786 --out /shared/fits\n\n"
    "Exit codes: 0 all good, 1 no fit could be made, 3 some failed or are doubtful, 130 "
    "interrupted."
)
def batch(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE.csv",
            help="Data sets of the catalogue, and CSV files as [cyan]bayescale fit[/] takes them.",
            show_default=False,
        ),
    ],
    law: Annotated[
        list[str] | None,
        typer.Option(
            help="May be given several times; chinchilla unless given.", show_default=False
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            help="May be given several times; student_t unless given.", show_default=False
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="One for all fits; with options as nuts:draws=2000.")
    ] = TEXTBOOK_METHOD,
    seed: Annotated[
        int | None, typer.Option(help="Of all that is random; 0 unless given.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the posteriors, written as they come, and for the table of all fits, "
            "batch.csv; bayescale-batch "
            "in this folder unless given, and none with --json.",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fit on the workers of this Dask scheduler, such as tcp://head:8786; all must see "
            "DIR.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit many data sets, each by every law under every noise model.

    A data set that cannot be fitted stops no other: its row says why.

    Interrupted or killed, the same command goes on where it stopped: what lies finished in DIR is
    not fitted again.

    Changed data or options are fitted anew. With --json, prints {"fits": [...]}, an object for each
    row of batch.csv.
    """
    from bayescale import terminal

    with terminal.reporting():
        destination = out or Path("bayescale-batch")
        folder = None if as_json and out is None else destination
        import bayescale
        from bayescale._internal.discovery import parse

        laws = [parse("bayescale.laws", text) for text in law or [TEXTBOOK_LAW]]
        noises = [parse("bayescale.noise", text) for text in noise or [TEXTBOOK_NOISE]]
        seeded = cli_input.seeded(parse("bayescale.inference", method), seed)
        try:
            with _executor(dask) as executor:
                fits = bayescale.batch(
                    data, laws=laws, noises=noises, method=seeded, out=folder, executor=executor
                )
        except KeyboardInterrupt:
            typer.echo(
                f"interrupted; what is finished is in {folder}: run the same command again to go on"
                if folder
                else "interrupted; nothing was saved: give --out DIR, and the same command goes on "
                "where it stopped",
                err=True,
            )
            raise typer.Exit(130) from None
        if as_json:
            terminal.print_json({"fits": fits.frame.to_dict("records")})
        else:
            terminal.print_batch(fits.frame, laws, destination)
        statuses = set(fits.frame["status"])
        if statuses == {"failed"}:
            raise InputError(f"No fit could be made. The first: {fits.frame['message'].iloc[0]}")
        if statuses != {"good"}:
            raise typer.Exit(3)


@app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale backtest besiroglu2024_chinchilla\n\n"
    "$ bayescale backtest sweep.csv --holdout compute_below:fraction=0.1 --noise student_t\n\n"
    "$ bayescale backtest sweep.csv --holdout leave_group_out --column group=family"
)
def backtest(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.csv",
            help="A data set of the catalogue, or a CSV file as [cyan]bayescale fit[/] takes it.",
            show_default=False,
        ),
    ],
    holdout: Annotated[
        str,
        typer.Option(
            help="Which runs to hide: the share of the dearest, or largest_compute:share=0.2, "
            "compute_below:fraction=0.1, "
            "leave_group_out, expanding_window:folds=4."
        ),
    ] = "0.2",
    law: Annotated[
        str | None, typer.Option(help="As for [cyan]bayescale fit[/].", show_default=False)
    ] = None,
    noise: Annotated[
        str | None, typer.Option(help="As for [cyan]bayescale fit[/].", show_default=False)
    ] = None,
    method: Annotated[str, typer.Option(help="As for [cyan]bayescale fit[/].")] = "nuts",
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
    as_json: Json = False,
) -> None:
    """Hide runs, forecast them from the others, and score the forecast.

    Says how many of the hidden runs each interval holds, and how far off the forecast is, beside
    today's practice: a Huber fit with a bootstrap.
    """
    from bayescale import terminal, terminal_backtest

    with terminal.reporting():
        import bayescale
        from bayescale._internal.discovery import parse

        formula = parse("bayescale.laws", law) if law else None
        scatter = parse("bayescale.noise", noise) if noise else None
        seeded = cli_input.seeded(parse("bayescale.inference", method), seed)
        hidden = cli_input.holdout(holdout)
        runs = cli_input.runs(source, formula, column or [], keep_suspect=False)
        tested = bayescale.backtest(runs, hidden, law=formula, noise=scatter, method=seeded)
        if as_json:
            terminal.print_json(terminal_backtest.backtest_as_json(tested))
        else:
            terminal_backtest.print_backtest(tested)
        if tested.problems:
            raise typer.Exit(3)


@app.command(
    epilog="[bold]Example[/bold]\n\n$ bayescale forecast post.nc --n-params 70e9 --n-tokens 1.4e12"
)
def forecast(
    post: PosteriorFile,
    n_params: Annotated[
        float | None, typer.Option(help="Parameters, a count.", show_default=False)
    ] = None,
    n_tokens: Annotated[
        float | None, typer.Option(help="Tokens, a count.", show_default=False)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=VALUE",
            help="Any other input of the law: --input flops=1e22.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the loss of a run that has not been made."""
    from bayescale import terminal

    with terminal.reporting():
        counts = {"n_params": n_params, "n_tokens": n_tokens}
        asked = {name: value for name, value in counts.items() if value is not None}
        asked |= {
            name: cli_input.number(name, text)
            for name, text in cli_input.pairs("--input", "flops=1e22", inputs or [])
        }
        posterior = cli_input.load(post)
        for name in asked:
            if name not in posterior.law.inputs:
                raise InputError(
                    f"{posterior.law.formula} takes {', '.join(posterior.law.inputs)}; {name} is "
                    f"none of them."
                )
        import bayescale

        predicted = bayescale.forecast(posterior, **asked)
        if as_json:
            terminal.print_json(terminal.forecast_as_json(predicted))
        else:
            terminal.print_forecast(posterior, predicted)


def _interrupt_again(unraisable: Any) -> None:
    # Ctrl-C within a callback of the garbage collector, of which JAX has one, would go unheard:
    # once out of it, raise anew.
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def _keep_compiled_programs() -> None:
    """Have JAX keep what it compiles, so that the next fit need not; by environment, since JAX is
    not loaded yet.

    What the user has set stands. Where the folder cannot be written to, compiled programs are not
    kept.
    """
    base = os.environ.get("BAYESCALE_CACHE")
    if not base:
        import platformdirs

        base = platformdirs.user_cache_dir("bayescale", appauthor=False)
    folder = Path(base) / "xla"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if not os.access(folder, os.W_OK):
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    # Most of the time goes to many small programs, which JAX would not keep by itself.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


@contextmanager
def _executor(address: str | None) -> "Iterator[Executor | None]":
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--dask needs Dask, which is not installed; pip install 'bayescale[cluster]'."
        ) from None
    try:
        client = Client(address, timeout=_SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); start one with `dask "
            f"scheduler`, and give the "
            "address that it prints."
        ) from None
    with client:
        yield client.get_executor()
