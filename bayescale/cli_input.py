"""What the commands share: how words of a command line become runs, numbers, seeds and files."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.decisions.checks.holdouts.base import Holdout
    from bayescale.laws.base import Law
    from bayescale.runs import Runs

SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "rich_markup_mode": "rich",
}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
PosteriorFile = Annotated[
    Path,
    typer.Argument(
        metavar="POST.nc", help="What [cyan]bayescale fit[/] saved.", show_default=False
    ),
]

_LARGEST_SEED = 2**32 - 1


def destination(out: Path | None, source: str, as_json: bool) -> Path | None:
    """Where the posterior will be saved, looked at before the fit is paid for."""
    if out is None and as_json:
        return None
    name = Path(source).name.removesuffix(".csv")
    path = out or Path(f"{name}.nc" if name.startswith("bayescale") else f"bayescale-{name}.nc")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give --out a file, such as {path / 'post.nc'}.")
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent} to write {path.name} to; make it first."
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError(
            f"The folder {path.parent} cannot be written to; give --out a file in another."
        )
    if path.exists():
        try:
            load(path)
        except InputError:
            raise InputError(
                f"{path} exists and is no posterior of this version of bayescale, so it is left "
                f"alone; give --out another name."
            ) from None
    return path


def load(path: Path) -> Any:
    """The posterior that lies there."""
    import bayescale

    return bayescale.load(path)


def save(posterior: Any, path: Path | None) -> str:
    """Save, and say where; nowhere where there is no path."""
    if path is None:
        return ""
    try:
        return str(posterior.save(path))
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); give --out a file elsewhere."
        ) from None


def runs(source: str, law: "Law | None", columns: list[str], keep_suspect: bool) -> "Runs":
    """A data set of the catalogue or a file, with the columns that the law needs: N and D where
    there is none.
    """
    from bayescale import datasets
    from bayescale.batches.batch import in_catalogue
    from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED, Runs

    inputs = law.inputs if law else ("n_params", "n_tokens")
    headings = dict(pairs("--column", "loss=val_loss", columns))
    known = dict.fromkeys(
        (*REQUIRED, *inputs, law.response if law else "loss", *OPTIONAL_NUMBERS, "group", "run_id")
    )
    for name in headings:
        if name not in known:
            raise InputError(
                f"--column {name}={headings[name]}: {name!r} is none of {', '.join(known)}; write "
                f"NAME=HEADING."
            )
    if in_catalogue(source):
        return datasets.load(source, keep_suspect=keep_suspect, **headings)
    if keep_suspect:
        raise InputError(
            f"--keep-suspect is for data sets of the catalogue, and {source} is a file; leave it "
            f"out."
        )
    # FLOPs may be lacking, for they are 6·N·D then.
    required = [name for name in inputs if name != "flops"]
    # A share of right answers may also be given as counts.
    if (response := law.response if law else "loss") != "accuracy":
        required.append(response)
    return Runs.from_csv(source, required=required, **headings)


def seeded(method: Any, seed: int | None) -> Any:
    """The method with the seed that was asked for."""
    from dataclasses import replace

    method = method if seed is None else replace(method, seed=seed)
    if not 0 <= method.seed <= _LARGEST_SEED:
        raise InputError(f"The seed is {method.seed}; it must be from 0 to {_LARGEST_SEED}.")
    return method


def holdout(text: str) -> "Holdout":
    """Which runs to hide: a share of the dearest, or a hold-out with its options."""
    from bayescale._internal.discovery import parse
    from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute

    try:
        return LargestCompute(float(text))
    except ValueError:
        return cast("Holdout", parse("bayescale.decisions.checks.holdouts", text))


def pairs(option: str, example: str, texts: list[str]) -> list[tuple[str, str]]:
    """Names and values of an option that may be given several times."""
    parted = [text.partition("=") for text in texts]
    for text, (name, _, value) in zip(texts, parted, strict=True):
        if not (name and value):
            raise InputError(
                f"{option} {text}: it needs a name, = and what to use for it, such as {option} "
                f"{example}."
            )
    return [(name, value) for name, _, value in parted]


def number(name: str, text: str) -> float:
    """The value of an input."""
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"--input {name}={text}: {text!r} is not a number; write plain digits such as 1e22."
        ) from None
