"""Laws, methods, runs and numbers from the words of a command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from bayescale._internal.discovery import parse
from bayescale.errors import InputError

if TYPE_CHECKING:
    from numpyro.distributions import Distribution

    from bayescale.decisions.checks.holdouts.base import Holdout
    from bayescale.inference.base import Method
    from bayescale.laws.base import Law
    from bayescale.noise.base import Noise
    from bayescale.posterior.posterior import Posterior
    from bayescale.runs import Runs
    from bayescale.terminal.check import Understood

_LARGEST_SEED = 2**32 - 1
_LOG_NORMAL = "lognormal:"


def law_from(text: str) -> "Law":
    """Return the law that ``--law`` names."""
    return cast("Law", parse("bayescale.laws", text))


def noise_from(text: str) -> "Noise":
    """Return the noise model that ``--noise`` names."""
    return cast("Noise", parse("bayescale.noise", text))


def method_from(text: str, seed: int | None) -> "Method":
    """Return the method that ``--method`` names, with the random seed where one is given."""
    from dataclasses import replace

    method = parse("bayescale.inference", text)
    if seed is not None:
        method = replace(method, seed=seed)
    if not 0 <= method.seed <= _LARGEST_SEED:
        raise InputError(f"The seed is {method.seed}; it must be from 0 to {_LARGEST_SEED}.")
    return cast("Method", method)


def holdout_from(text: str) -> "Holdout":
    """Return the hold-out that ``--holdout`` names; a number is a share of the largest compute."""
    from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute

    try:
        return LargestCompute(float(text))
    except ValueError:
        return cast("Holdout", parse("bayescale.decisions.checks.holdouts", text))


def runs_from(
    source: str,
    law: "Law | None",
    columns: list[str] | None,
    *,
    loss_unit: str | None = None,
    keep_suspect: bool = False,
) -> "Runs":
    """Return a data set of the catalogue or the runs of a file.

    Parameters
    ----------
    source : str
        Name of the data set, or path of the file.
    law : Law or None
        The file must have the columns that this law needs.
    columns : list of str or None
        Headings of the file, each as NAME=HEADING.
    loss_unit : str or None
        Unit of the losses of a file.
    keep_suspect : bool
        Keep runs that the catalogue flags.
    """
    from bayescale import datasets
    from bayescale.datasets.catalogue import in_catalogue
    from bayescale.runs import Runs

    headings = _headings(columns or [], law)
    if in_catalogue(source):
        if loss_unit:
            raise InputError(
                f"--loss-unit is for files, and {source} is a data set of the catalogue; leave it "
                f"out."
            )
        return datasets.load(source, keep_suspect=keep_suspect, **headings)
    if keep_suspect:
        raise InputError(
            f"--keep-suspect is for data sets of the catalogue, and {source} is a file; leave it "
            f"out."
        )
    required = law.required_columns if law else None
    return Runs.read(source, required=required, loss_unit=loss_unit, **headings)


def understood_from(source: str, columns: list[str] | None, loss_unit: str | None) -> "Understood":
    """Return what is understood of a data set of the catalogue or of a file, before any fit."""
    from bayescale.datasets.catalogue import in_catalogue
    from bayescale.runs import Runs
    from bayescale.tables.reading import read_table
    from bayescale.terminal.check import Understood

    if in_catalogue(source):
        return Understood(runs_from(source, None, columns, loss_unit=loss_unit))
    reading = read_table(source, loss_unit=loss_unit, headings=_headings(columns or [], None))
    return Understood(Runs.from_reading(reading), reading)


def say_notes(runs: "Runs") -> None:
    """Print on standard error what the reader of a file did, before it is fitted."""
    from bayescale.datasets.catalogue import in_catalogue

    if runs.source and not in_catalogue(runs.name):
        for note in runs.notes:
            typer.echo(f"note: {note}", err=True)


def posterior_from(path: Path) -> "Posterior":
    """Return the posterior that a file holds."""
    import bayescale

    return bayescale.load(path)


def names_and_values(option: str, example: str, texts: list[str]) -> list[tuple[str, str]]:
    """Return the names and values of an option that may be given several times."""
    found = []
    for text in texts:
        name, _, value = text.partition("=")
        if not (name and value):
            raise InputError(
                f"{option} {text}: it needs a name, = and what to use for it, such as {option} "
                f"{example}."
            )
        found.append((name, value))
    return found


def number_from(name: str, text: str) -> float:
    """Return the value of an input."""
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"--input {name}={text}: {text!r} is not a number; write plain digits such as 1e22."
        ) from None


def uncertain_from(option: str, text: str | None) -> "float | Distribution | None":
    """Return a number, or a log-normal distribution.

    The distribution is written by its median and the standard deviation of the logarithm.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.removeprefix(_LOG_NORMAL).split(",")]
    except ValueError:
        numbers = []
    is_log_normal = text.startswith(_LOG_NORMAL)
    if is_log_normal and len(numbers) == 2 and min(numbers) > 0:
        import math

        from numpyro import distributions as dist

        return cast("Distribution", dist.LogNormal(math.log(numbers[0]), numbers[1]))
    if is_log_normal or len(numbers) != 1:
        raise InputError(
            f"{option} {text}: write a count, such as 300e12, or lognormal:300e12,0.5."
        )
    return numbers[0]


def without_none(**options: Any) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _headings(columns: list[str], law: "Law | None") -> dict[str, str]:
    """Return the heading of each column that is renamed."""
    from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED
    from bayescale.tables.roles import INGREDIENTS

    of_law = (*law.inputs, law.response) if law else ()
    known = dict.fromkeys((*REQUIRED, *of_law, *OPTIONAL_NUMBERS, "group", "run_id"))
    known |= dict.fromkeys(INGREDIENTS)
    headings = dict(names_and_values("--column", "loss=val_loss", columns))
    for name, heading in headings.items():
        if name not in known:
            raise InputError(
                f"--column {name}={heading}: {name!r} is none of {', '.join(known)}; write "
                f"NAME=HEADING."
            )
    return headings
