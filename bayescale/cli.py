"""The command line: the library's verbs at a terminal.

Nothing heavy is imported before a command runs, so that help comes at once. Standard output holds the result alone; warnings,
errors and progress go to standard error.
"""

import _thread
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayescale.batches import DEFAULT_METHOD
from bayescale.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from bayescale.laws.base import Law
    from bayescale.runs import Runs

_LARGEST_SEED = 2**32 - 1
_SECONDS_TO_ANSWER = 10

_SETTINGS: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": "rich"}
app = typer.Typer(
    **_SETTINGS,
    pretty_exceptions_enable=False,
    epilog="[bold]To begin[/bold]\n\n$ bayescale fit\n\n$ bayescale allocate bayescale-dey2023_pile.nc --compute 5.76e23\n\n"
    "Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 fitted but the diagnostics failed, 130 interrupted.",
)
datasets_app = typer.Typer(**_SETTINGS, help="Published training runs that can be fitted by name.")
laws_app = typer.Typer(**_SETTINGS, help="Scaling laws: formula, parameters, priors, paper.")
app.add_typer(datasets_app, name="datasets")
app.add_typer(laws_app, name="laws")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
PosteriorFile = Annotated[
    Path, typer.Argument(metavar="POST.nc", help="What [cyan]bayescale fit[/] saved.", show_default=False)
]


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
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a table of training runs: how loss falls with parameters, data and compute, how sure that is, and which run to pay
    for next."""


@app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale fit\n\n$ bayescale fit besiroglu2024_chinchilla --out chinchilla.nc\n\n"
    "$ bayescale fit sweep.csv --column n_params=N --column n_tokens=D --column loss=val_loss\n\n"
    "$ bayescale fit sweep.csv --noise huber:delta=1e-3 --method bootstrap:replicates=2000"
)
def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.csv",
            help="A data set of the catalogue ([cyan]bayescale datasets list[/]), or a CSV file with one row per run and "
            "columns n_params and n_tokens (counts) and loss (nats per token).",
        ),
    ] = "dey2023_pile",
    law: Annotated[
        str, typer.Option(help="With options as chinchilla:tied=true; see [cyan]bayescale laws list[/].")
    ] = "chinchilla",
    noise: Annotated[
        str, typer.Option(help="How losses scatter about the law: student_t, normal, huber:delta=1e-3.")
    ] = "student_t",
    method: Annotated[
        str, typer.Option(help="nuts:draws=2000, importance, grid:nodes=256, bootstrap:replicates=4000, multistart:starts=500.")
    ] = "nuts",
    seed: Annotated[int | None, typer.Option(help="Of all that is random; 0 unless given.", show_default=False)] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=HEADING", help="Which heading to read as NAME: --column loss=val_loss.", show_default=False),
    ] = None,
    keep_suspect: Annotated[
        bool, typer.Option("--keep-suspect", help="Keep runs that the catalogue flags as misprints or outliers.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="POST.nc",
            help="Where to save the posterior; bayescale-NAME.nc in this folder unless given, and nowhere with --json.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a scaling law to training runs.

    Prints parameters with intervals, whether to trust them, the compute-optimal plan at three budgets and the loss to expect.

    Saves the posterior, for [cyan]bayescale forecast[/] and [cyan]bayescale allocate[/].
    """
    from bayescale import terminal

    with terminal.reporting():
        destination = _destination(out, source, as_json)
        import bayescale
        from bayescale.discovery import parse

        formula, scatter = parse("bayescale.laws", law), parse("bayescale.noise", noise)
        seeded = _seeded(parse("bayescale.inference", method), seed)
        runs = _runs(source, formula, column or [], keep_suspect)
        if sys.stderr.isatty():
            typer.echo(f"Fitting {len(runs)} runs; the first fit of its kind on a machine takes seconds to compile.", err=True)
        posterior = bayescale.fit(runs, law=formula, noise=scatter, method=seeded)
        outlook = terminal.Outlook.of(posterior)
        if as_json:
            saved = _save(posterior, destination)
            terminal.print_json(terminal.fit_as_json(posterior, outlook) | ({"saved": saved} if saved else {}))
        else:
            # Printed before it is saved: a full disk must not cost the reader the fit.
            terminal.print_fit(posterior, outlook)
            terminal.print_next(posterior, _save(posterior, destination))
        if posterior.problems:
            raise typer.Exit(3)


@app.command(
    epilog="[bold]Examples[/bold]\n\n$ bayescale batch dey2023_pile besiroglu2024_chinchilla --out fits\n\n"
    "$ bayescale batch sweeps/*.csv --law chinchilla --law power_law --noise student_t --noise normal --out fits\n\n"
    "$ bayescale batch sweeps/*.csv --dask tcp://head:8786 --out /shared/fits\n\n"
    "Exit codes: 0 all good, 1 no fit could be made, 3 some failed or are doubtful, 130 interrupted."
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
        typer.Option(help="May be given several times; chinchilla unless given.", show_default=False),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(help="May be given several times; student_t unless given.", show_default=False),
    ] = None,
    method: Annotated[str, typer.Option(help="One for all fits; with options as nuts:draws=2000.")] = DEFAULT_METHOD,
    seed: Annotated[int | None, typer.Option(help="Of all that is random; 0 unless given.", show_default=False)] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the posteriors, written as they come, and for the table of all fits, batch.csv; bayescale-batch "
            "in this folder unless given, and none with --json.",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fit on the workers of this Dask scheduler, such as tcp://head:8786; all must see DIR.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit many data sets, each by every law under every noise model.

    A data set that cannot be fitted stops no other: its row says why.

    Interrupted or killed, the same command goes on where it stopped: what lies finished in DIR is not fitted again.

    Changed data or options are fitted anew. With --json, prints {"fits": [...]}, an object for each row of batch.csv.
    """
    from bayescale import terminal

    with terminal.reporting():
        destination = out or Path("bayescale-batch")
        folder = None if as_json and out is None else destination
        import bayescale
        from bayescale.discovery import parse

        laws = [parse("bayescale.laws", text) for text in law or ["chinchilla"]]
        noises = [parse("bayescale.noise", text) for text in noise or ["student_t"]]
        seeded = _seeded(parse("bayescale.inference", method), seed)
        try:
            with _executor(dask) as executor:
                fits = bayescale.batch(data, laws=laws, noises=noises, method=seeded, out=folder, executor=executor)
        except KeyboardInterrupt:
            typer.echo(
                f"interrupted; what is finished is in {folder}: run the same command again to go on"
                if folder
                else "interrupted; nothing was saved: give --out DIR, and the same command goes on where it stopped",
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


@app.command(epilog="[bold]Example[/bold]\n\n$ bayescale forecast post.nc --n-params 70e9 --n-tokens 1.4e12")
def forecast(
    post: PosteriorFile,
    n_params: Annotated[float | None, typer.Option(help="Parameters, a count.", show_default=False)] = None,
    n_tokens: Annotated[float | None, typer.Option(help="Tokens, a count.", show_default=False)] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", metavar="NAME=VALUE", help="Any other input of the law: --input flops=1e22.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the loss of a run that has not been made."""
    from bayescale import terminal

    with terminal.reporting():
        counts = {"n_params": n_params, "n_tokens": n_tokens}
        asked = {name: value for name, value in counts.items() if value is not None}
        asked |= {name: _number(name, text) for name, text in _pairs("--input", "flops=1e22", inputs or [])}
        posterior = _load(post)
        for name in asked:
            if name not in posterior.law.inputs:
                raise InputError(f"{posterior.law.formula} takes {', '.join(posterior.law.inputs)}; {name} is none of them.")
        import bayescale

        predicted = bayescale.forecast(posterior, **asked)
        if as_json:
            terminal.print_json(terminal.forecast_as_json(predicted))
        else:
            terminal.print_forecast(posterior, predicted)


@app.command(epilog="[bold]Example[/bold]\n\n$ bayescale allocate post.nc --compute 5.76e23 --compute 5.76e24")
def allocate(
    post: PosteriorFile,
    compute: Annotated[
        list[float], typer.Option(help="Training budget, FLOPs; may be given several times.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Split a training budget between parameters and tokens so that the loss is least.

    With --json, one budget gives n_params, n_tokens, tokens_per_param and loss.

    Several give a list of those under "allocation", each with its compute.
    """
    from bayescale import terminal

    with terminal.reporting():
        posterior = _load(post)
        import bayescale

        plans = bayescale.allocate(posterior, list(dict.fromkeys(compute)))
        if as_json:
            listed = terminal.allocation_as_json(plans)
            only = {key: value for key, value in listed[0].items() if key != "compute"}
            terminal.print_json(only if len(listed) == 1 else {"allocation": listed})
        else:
            terminal.print_allocation(posterior, plans)


@datasets_app.command("list")
def datasets_list() -> None:
    """List the catalogue."""
    from bayescale import terminal

    with terminal.reporting():
        from bayescale import datasets

        terminal.print_catalogue(datasets.table())


@datasets_app.command("show")
def datasets_show(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Show what is known of a data set: paper, licence, units, outliers, published fits."""
    from bayescale import terminal

    with terminal.reporting():
        from bayescale import datasets

        terminal.print_descriptor(datasets.describe(name))


@datasets_app.command("fetch")
def datasets_fetch(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Download the originals of a data set, check them, and print where they lie, one path a line.

    BAYESCALE_DATA names a folder of originals to use first; BAYESCALE_CACHE moves the cache.
    """
    from bayescale import terminal

    with terminal.reporting():
        from bayescale import datasets

        for path in datasets.fetch(name):
            typer.echo(path)


@laws_app.command("list")
def laws_list() -> None:
    """List the laws that --law takes."""
    from bayescale import terminal

    with terminal.reporting():
        from bayescale.discovery import entry, names

        terminal.print_laws({name: entry("bayescale.laws", name)() for name in names("bayescale.laws")})


@laws_app.command("show", epilog="[bold]Example[/bold]\n\n$ bayescale laws show chinchilla:tied=true")
def laws_show(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Show a law: formula, options, parameters, priors, paper, published constants."""
    from bayescale import terminal

    with terminal.reporting():
        from bayescale.discovery import parse

        terminal.print_law(parse("bayescale.laws", name))


@app.command()
def devices() -> None:
    """Say what JAX sees, and what runs where."""
    import jax

    from bayescale import terminal
    from bayescale.kernels.mesh import described

    terminal.print_devices(jax.__version__, described())


def _interrupt_again(unraisable: Any) -> None:
    # Ctrl-C within a callback of the garbage collector, of which JAX has one, would go unheard: once out of it, raise anew.
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def _keep_compiled_programs() -> None:
    """Have JAX keep what it compiles, so that the next fit need not; by environment, since JAX is not loaded yet.

    What the user has set stands. Where the folder cannot be written to, compiled programs are not kept.
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


def _destination(out: Path | None, source: str, as_json: bool) -> Path | None:
    """Where the posterior will be saved, looked at before the fit is paid for."""
    if out is None and as_json:
        return None
    path = out or Path(f"bayescale-{Path(source).name.removesuffix('.csv')}.nc")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give --out a file, such as {path / 'post.nc'}.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} to write {path.name} to; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} cannot be written to; give --out a file in another.")
    if path.exists():
        try:
            _load(path)
        except InputError:
            raise InputError(
                f"{path} exists and is no posterior of this version of bayescale, so it is left alone; give --out another name."
            ) from None
    return path


@contextmanager
def _executor(address: str | None) -> "Iterator[Executor | None]":
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs Dask, which is not installed; pip install 'bayescale[cluster]'.") from None
    try:
        client = Client(address, timeout=_SECONDS_TO_ANSWER)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); start one with `dask scheduler`, and give the "
            "address that it prints."
        ) from None
    with client:
        yield client.get_executor()


def _load(path: Path) -> Any:
    import bayescale

    return bayescale.load(path)


def _save(posterior: Any, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return str(posterior.save(path))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); give --out a file elsewhere.") from None


def _runs(source: str, law: "Law", columns: list[str], keep_suspect: bool) -> "Runs":
    from bayescale import datasets
    from bayescale.batches.batch import in_catalogue
    from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED, Runs

    headings = dict(_pairs("--column", "loss=val_loss", columns))
    known = dict.fromkeys((*REQUIRED, *law.inputs, *OPTIONAL_NUMBERS, "group", "run_id"))
    for name in headings:
        if name not in known:
            raise InputError(f"--column {name}={headings[name]}: {name!r} is none of {', '.join(known)}; write NAME=HEADING.")
    if in_catalogue(source):
        return datasets.load(source, keep_suspect=keep_suspect, **headings)
    if keep_suspect:
        raise InputError(f"--keep-suspect is for data sets of the catalogue, and {source} is a file; leave it out.")
    # FLOPs may be lacking, for they are 6·N·D then.
    required = (*(name for name in law.inputs if name != "flops"), "loss")
    return Runs.from_csv(source, required=required, **headings)


def _seeded(method: Any, seed: int | None) -> Any:
    from dataclasses import replace

    method = method if seed is None else replace(method, seed=seed)
    if not 0 <= method.seed <= _LARGEST_SEED:
        raise InputError(f"The seed is {method.seed}; it must be from 0 to {_LARGEST_SEED}.")
    return method


def _pairs(option: str, example: str, texts: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for text, (name, _, value) in zip(texts, pairs, strict=True):
        if not (name and value):
            raise InputError(f"{option} {text}: it needs a name, = and what to use for it, such as {option} {example}.")
    return [(name, value) for name, _, value in pairs]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--input {name}={text}: {text!r} is not a number; write plain digits such as 1e22.") from None
