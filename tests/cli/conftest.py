"""The command line run in this process, in an empty folder; and small files for it to read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bayescale.cli import app
from bayescale.errors import InputError

HEADINGS = ["n_params", "n_tokens", "loss"]
ROWS = [
    [10.0**8 * 3 ** (i % 4), 2.0 * 10**9 * 4 ** (i // 4), 3.6 - 0.12 * (i % 4) - 0.14 * (i // 4)]
    for i in range(12)
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, and a terminal of 100 columns."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", "100")
    return here


@pytest.fixture
def bayescale() -> Callable[..., Result]:
    """Run the command line with these words."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def refused(bayescale: Callable[..., Result], folder: Path) -> Callable[..., str]:
    """Run the command line with words that it must refuse, and give the one line that says why.

    Exit code 1, no traceback, nothing on standard output, nothing written.
    """

    def run(*words: object) -> str:
        before = sorted(folder.rglob("*"))
        result = bayescale(*words)
        assert isinstance(result.exception, SystemExit), result.exception
        assert (result.exit_code, result.stdout) == (1, "")
        assert sorted(folder.rglob("*")) == before
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ")
        return line

    return run


@pytest.fixture
def sweep(folder: Path) -> Callable[..., Path]:
    """Write ``sweep.csv``: twelve good runs, less what is to be wrong with them."""

    def write(
        headings: list[str] = HEADINGS,
        rows: int = 12,
        change: dict[tuple[int, int], object] | None = None,
    ) -> Path:
        table: list[list[object]] = [list(row) for row in ROWS[:rows]]
        for (row, column), value in (change or {}).items():
            table[row][column] = value
        lines = [",".join(headings), *(",".join(map(str, row)) for row in table)]
        path = folder / "sweep.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def posteriors(made_posterior: Callable[..., Any], tmp_path: Path) -> dict[str, Path]:
    """A saved posterior of each law, of one draw, since how it was fitted matters to no command."""
    import bayescale as bs

    hoffmann = bs.laws.Chinchilla.published[0].params
    in_compute = {"E": 1.7, "A": 2000.0, "alpha": 0.15}
    made = {
        "chinchilla": made_posterior(
            bs.laws.Chinchilla(), bs.noise.Normal(), {**hoffmann, "sigma": 0.01}
        ),
        "power_law": made_posterior(
            bs.laws.PowerLaw(), bs.noise.Normal(), {**in_compute, "sigma": 0.01}
        ),
    }
    return {name: posterior.save(tmp_path / f"{name}.nc") for name, posterior in made.items()}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a fit was asked for, where it need not be run: its arguments, and the program ends
    there.
    """
    arguments: dict[str, Any] = {}

    def record(runs: object, **options: object) -> None:
        arguments.update(options, runs=runs)
        raise InputError("asked")

    monkeypatch.setattr("bayescale.fit", record)
    return arguments


@pytest.fixture
def unfitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a fit is begun: for input that must be refused before it is paid for."""

    def never(*args: object, **options: object) -> None:
        raise AssertionError("a fit was begun")

    monkeypatch.setattr("bayescale.fit", never)
