"""Lines on standard error, and the exit codes of a command that did not end well."""

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
    """Turn bad input, interruption and the package's warnings into one line each on standard error.

    Bad input exits with code 1, interruption with code 130.
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
        except KeyboardInterrupt:
            typer.echo("interrupted; nothing was saved", err=True)
            raise typer.Exit(130) from None


def warn_of_problems(posterior: "Posterior") -> None:
    """Warn on standard error of each problem of a fit."""
    for problem in posterior.problems:
        warnings.warn(f"{posterior.runs.name}: {problem}", FitWarning, stacklevel=2)


def _one_line(message: Warning | Exception | str) -> str:
    return " ".join(str(message).split())
