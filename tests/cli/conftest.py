"""The command line run in this process, in an empty folder; and small files for it to read."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from bayescale.cli._json import json_schema
from bayescale.cli.app import app
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
    """Run the command line with these words; JSON that it prints must keep the schema."""

    def run(*words: object) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if "--json" in words and result.stdout:
            check_schema(str(words[0]), json.loads(result.stdout))
        return result

    return run


def check_schema(command: str, printed: object) -> None:
    """Check what a command printed against its published schema."""
    jsonschema.validate(printed, json_schema(command), jsonschema.Draft202012Validator)


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
def check_figures_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Check that a page of 80 columns has every figure of a wide page, and cuts none."""

    def check(page: Callable[[], str]) -> None:
        monkeypatch.setenv("COLUMNS", "400")
        wide = page()
        monkeypatch.setenv("COLUMNS", "80")
        narrow = page()
        assert "…" not in narrow
        assert max(map(len, narrow.splitlines())) <= 80
        figures = _figures(wide)
        assert figures
        assert not figures - _figures(narrow)

    return check


def _figures(page: str) -> Counter[str]:
    # A word with letters and digits, such as a checksum, is no figure.
    return Counter(re.findall(r"(?<![\w.])[-+±]?\d[\d,.]*(?:e[-+]?\d+)?[KMBT]?(?!\w)", page))


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


@pytest.fixture(scope="session")
def posteriors(
    made_posterior: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Saved posteriors, which are not fitted, since how they were made matters to no command.

    There is one of one draw for each of two laws, and one of 500 draws.
    """
    import bayescale as bs

    hoffmann = bs.laws.Chinchilla.published[0].params
    in_compute = {"E": 1.7, "A": 2000.0, "alpha": 0.15}
    rng = np.random.default_rng(0)
    draws = {
        name: value * np.exp(0.02 * rng.standard_normal((1, 500)))
        for name, value in hoffmann.items()
    }
    made = {
        "chinchilla": made_posterior(
            bs.laws.Chinchilla(), bs.noise.Normal(), {**hoffmann, "sigma": 0.01}
        ),
        "power_law": made_posterior(
            bs.laws.PowerLaw(), bs.noise.Normal(), {**in_compute, "sigma": 0.01}
        ),
        "500 draws": made_posterior(
            bs.laws.Chinchilla(), bs.noise.Normal(), {**draws, "sigma": np.full((1, 500), 0.01)}
        ),
    }
    folder = tmp_path_factory.mktemp("posteriors")
    return {
        name: posterior.save(folder / f"{name.replace(' ', '_')}.nc")
        for name, posterior in made.items()
    }


@pytest.fixture
def simulated(folder: Path) -> Path:
    """Write ``sweep.csv``: 45 simulated runs."""
    import bayescale as bs

    path = folder / "sweep.csv"
    bs.datasets.simulate(seed=1).frame.drop(columns="group").to_csv(path, index=False)
    return path


@pytest.fixture
def sweeps(folder: Path) -> Path:
    """Write ``sweeps.csv``: the runs of two optimisers."""
    import bayescale as bs

    frame = bs.datasets.simulate(seed=1).frame
    path = folder / "sweeps.csv"
    optimiser = ["adamw", "muon", "muon"] * 15
    frame.assign(optimiser=optimiser).drop(columns="group").to_csv(path, index=False)
    return path


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the joint fit of recipes by draws about known multipliers.

    Gives the arguments of the fit; ``problems`` may be set.
    """
    import bayescale as bs
    from bayescale.decisions.recipes.recipe_law import RecipeLaw
    from bayescale.decisions.recipes.recipes import Recipes

    arguments: dict[str, Any] = {}

    def recipes(runs: bs.Runs, base: str, candidate: str, **options: Any) -> Recipes:
        arguments.update(options, runs=runs)
        rng = np.random.default_rng(0)
        draws = {
            name: np.full(500, value)
            for name, value in bs.laws.Chinchilla.published[0].params.items()
        }
        draws |= {
            "n_params_multiplier": np.exp(0.5 + 0.1 * rng.standard_normal(500)),
            "n_tokens_multiplier": np.full(500, 1.2),
            "sigma": np.full(500, 0.01),
        }
        provenance = {
            "created": "2026-01-01",
            "data_sha256": runs.sha256,
            "seed": "0",
            "device": "cpu",
        }
        return Recipes(
            base,
            candidate,
            runs,
            RecipeLaw(),
            bs.noise.Normal(),
            options["method"],
            draws,
            np.atleast_1d(options["compute"] or [1e22, 1e24]),
            problems=arguments.get("problems", ()),
            provenance=provenance,
        )

    monkeypatch.setattr("bayescale.decisions.recipes.recipes.recipes", recipes)
    return arguments


@pytest.fixture
def made_sensitivity() -> Any:
    """Answers of a fit and of one variant, in place of refits."""
    from bayescale.decisions.checks.sensitivity import UNITS, Sensitivity

    variants = [
        ("posterior", "as fitted", 1.0, 0.0),
        ("likelihood", "laplace", 1.1, 2.5),
    ]
    rows = [
        {
            "kind": kind,
            "variant": variant,
            "quantity": quantity,
            "unit": "",
            "q05": 0.9,
            "q50": median,
            "q95": 1.2,
            "shift": shift,
        }
        for kind, variant, median, shift in variants
        for quantity in UNITS
    ]
    problems = ("coupled is doubtful: too few draws.",)
    return Sensitivity("some runs", 1e22, pd.DataFrame(rows), problems)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of a fit, where the fit need not be run: the program ends there."""
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
