"""The program: it finds the commands of this folder, and says how it starts and is interrupted.

Nothing heavy is imported before a command runs, so that help comes at once. Standard output holds
the result alone; warnings, errors and progress go to standard error.
"""

import _thread
import gc
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from bayescale._internal.discovery import names
from bayescale.cli._command import SETTINGS, Command, Group, Section, examples

_FOLDER = "bayescale.cli"
_NO_COMMANDS = {"app", "options"}
# Importing and tracing make many objects that live to the end. To look through all of them for
# garbage as often as Python does by itself takes a twelfth of a fit.
_COLLECT_SELDOM = (100_000, 50, 50)
_EXIT_CODES = (
    "Exit codes: 0 answered, 1 bad input, 2 wrong usage, 3 fitted but the diagnostics of the "
    "sampling failed, 4 with --strict, the data or the model are doubtful, 130 interrupted."
)

app = typer.Typer(
    **SETTINGS,
    pretty_exceptions_enable=False,
    epilog=examples("bayescale fit --out sweep.nc", "bayescale allocate sweep.nc --compute 5.7e13")
    + f"\n\n{_EXIT_CODES}",
)


def main() -> None:
    """Run the program; the console script."""
    gc.set_threshold(*_COLLECT_SELDOM)
    _keep_compiled_programs()
    # A law of the user's own is found in the folder in which the program runs.
    sys.path.append(str(Path.cwd()))
    sys.unraisablehook = _interrupt_again
    app()


def commands() -> dict[str, Command | Group]:
    """Return the commands of this folder by name, in the order in which help lists them."""
    by_name: dict[str, Command | Group] = {}
    for name in names(_FOLDER):
        if name not in _NO_COMMANDS:
            by_name[name] = importlib.import_module(f"{_FOLDER}.{name}").COMMAND
    sections = list(Section)

    def position(name: str) -> tuple[int, int]:
        return sections.index(by_name[name].section), by_name[name].order

    return {name: by_name[name] for name in sorted(by_name, key=position)}


def _print_version(wanted: bool) -> None:
    if wanted:
        from bayescale.terminal.version import print_version

        print_version()
        raise typer.Exit


@app.callback()
def _bayescale(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of bayescale, Python, JAX and NumPyro, and the device.",
        ),
    ] = False,
) -> None:
    """Fit scaling laws to a table of training runs.

    The answers are how the loss falls with parameters, data and compute, how sure that is, and
    which run to pay for next.
    """


def _interrupt_again(unraisable: Any) -> None:
    # Ctrl-C within a callback of the garbage collector, of which JAX has one, would go unheard:
    # once out of it, raise anew.
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def _keep_compiled_programs() -> None:
    """Have JAX keep what it compiles, so that the next fit need not compile it, and what it traces.

    This is set by environment, since JAX is not loaded yet. What the user has set stands. Where the
    folder cannot be written to, compiled programs are not kept.
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
    os.environ.setdefault("BAYESCALE_EXPORTED_PROGRAMS", str(Path(base) / "exported"))


for _name, _command in commands().items():
    _command.add_to(app, _name)
