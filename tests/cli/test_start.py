"""The program starts quickly, imports only what a command needs, and keeps compiled programs."""

import platform
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from bayescale.cli import main
from bayescale.cli.app import commands

HELPS = [
    [],
    *([name] for name in commands()),
    ["datasets", "list"],
    ["laws", "show"],
]

# Print each help in one fresh process, and after each what it imported.
SCRIPT = f"""
import sys
from bayescale.cli.app import app
heavy = ("jax", "numpyro", "arviz_base", "numpy", "pandas", "xarray", "scipy")
for words in {HELPS!r}:
    app([*words, "--help"], standalone_mode=False)
    print("imported:", *(name for name in heavy if name in sys.modules))
"""


@pytest.fixture(scope="module")
def imported_by_help():
    """Return the modules that are imported after the help of each command, in this order."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if line.startswith("imported:")]


@pytest.mark.parametrize("place", range(len(HELPS)), ids=[" ".join(words) for words in HELPS])
def test_help_imports_neither_jax_nor_what_is_built_on_it(imported_by_help, place):
    assert imported_by_help[place] == "imported:"


def test_every_file_of_the_folder_is_a_command(bayescale):
    assert set(commands()) == {
        *("check", "fit", "batch", "backtest", "forecast", "finish", "allocate", "plan", "design"),
        *("recipes", "gate", "datasets", "laws", "devices", "schema"),
    }


def test_help_lists_commands_in_the_order_of_work(bayescale):
    listed = bayescale("--help").stdout
    places = [listed.index(f"│ {name} ") for name in ("fit", "batch", "forecast", "plan", "gate")]
    assert places == sorted(places)


def test_no_two_commands_of_a_section_claim_one_place():
    claimed = [(command.section, command.order) for command in commands().values()]
    assert len(set(claimed)) == len(claimed)


def test_the_program_runs_as_a_module():
    module = [sys.executable, "-m", "bayescale.cli", "--version"]
    done = subprocess.run(module, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bayescale ")


def test_help_shows_examples(bayescale):
    assert "bayescale fit sweep.csv --column n_params=N" in bayescale("fit", "--help").stdout


def test_an_unknown_command_is_wrong_usage(bayescale):
    assert bayescale("fti").exit_code == 2


@pytest.fixture
def started(monkeypatch):
    """Start the program, less its command, in an environment of these variables alone; gives the
    environment after.
    """

    def start(**environment: str) -> dict[str, str]:
        monkeypatch.setattr("os.environ", environment)
        monkeypatch.setattr("bayescale.cli.app.app", lambda: None)
        monkeypatch.setattr("sys.unraisablehook", sys.unraisablehook)
        main()
        return environment

    return start


def test_compiled_programs_are_kept_in_the_cache(started, tmp_path: Path):
    assert started(BAYESCALE_CACHE=str(tmp_path))["JAX_COMPILATION_CACHE_DIR"] == str(
        tmp_path / "xla"
    )


def test_a_compilation_cache_of_the_user_s_own_stands(started, tmp_path: Path):
    environment = started(BAYESCALE_CACHE=str(tmp_path), JAX_COMPILATION_CACHE_DIR="mine")
    assert environment["JAX_COMPILATION_CACHE_DIR"] == "mine"


def test_a_cache_that_cannot_be_written_to_is_done_without(started, tmp_path: Path):
    (tmp_path / "file").touch()
    assert "JAX_COMPILATION_CACHE_DIR" not in started(BAYESCALE_CACHE=str(tmp_path / "file"))


def test_an_interruption_that_a_callback_swallows_is_raised_anew(
    started, tmp_path: Path, monkeypatch
):
    started(BAYESCALE_CACHE=str(tmp_path))
    raised = threading.Event()
    monkeypatch.setattr("_thread.interrupt_main", raised.set)
    sys.unraisablehook(SimpleNamespace(exc_type=KeyboardInterrupt))
    assert raised.wait(10)


def test_the_version_is_printed_with_those_it_depends_on_and_the_device(bayescale):
    import jax
    import numpyro

    import bayescale as bs

    lines = bayescale("--version").stdout.splitlines()
    assert lines[0] == f"bayescale {bs.__version__}"
    assert lines[1] == f"Python {platform.python_version()}"
    assert lines[2:4] == [f"JAX {jax.__version__}", f"NumPyro {numpyro.__version__}"]
    assert lines[4].startswith(f"device {jax.devices()[0].platform} (")
