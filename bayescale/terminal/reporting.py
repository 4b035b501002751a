"""Lines on standard error, and the exit codes of a command that did not end well."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from bayescale.errors import FitWarning, InputError, RunsWarning

if TYPE_CHECKING:
    from bayescale.posterior.posterior import Posterior


@contextmanager
def reporting() -> Iterator[None]:
    """Turn bad input, a failed disk, interruption and the package's warnings into one line each on
    standard error.

    Bad input and a failed disk exit with code 1, interruption with code 130.
    """
    with warnings.catch_warnings():
        for category in (RunsWarning, FitWarning):
            warnings.simplefilter("always", category)
        # JAX mends a damaged or full cache of compiled programs by compiling: no reader of a fit
        # needs to know.
        warnings.filterwarnings(
            "ignore", message="Error (reading|writing) persistent compilation cache"
        )
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *context: Any) -> None:
            if issubclass(category, RunsWarning | FitWarning):
                typer.echo(f"warning: {_one_line(message)}", err=True)
            else:
                show_others(message, category, *context)

        warnings.showwarning = show  # type: ignore[assignment]
        try:
            yield
        except InputError as error:
            typer.echo(f"error: {_one_line(error)}", err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            # A closed pipe is how head and less end, and the command line's own to handle.
            if error.errno == errno.EPIPE:
                raise
            where = error.filename or "The output"
            reason = error.strerror or error
            typer.echo(f"error: {where} cannot be written or read ({reason}).", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; nothing was saved", err=True)
            raise typer.Exit(130) from None


def warn_of_problems(posterior: "Posterior") -> None:
    """Warn on standard error of all that speaks against a fit: data, model and sampling."""
    for doubt in posterior.verdicts.doubts:
        warnings.warn(f"{posterior.runs.name}: {doubt}", FitWarning, stacklevel=2)


def exit_by(strict: bool, *posteriors: "Posterior") -> None:
    """Exit by the verdicts on fits, which have been printed.

    The code is 3 where diagnostics of the sampling failed. Doubts about data or model exit with 4
    under ``--strict`` alone: the answer stands, and a pipeline goes on unless it asks not to.
    """
    if any(posterior.problems for posterior in posteriors):
        raise typer.Exit(3)
    if strict and not all(posterior.verdicts.is_good for posterior in posteriors):
        raise typer.Exit(4)


def _one_line(message: Warning | Exception | str) -> str:
    return " ".join(str(message).split())
