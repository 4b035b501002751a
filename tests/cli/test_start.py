"""How the program starts: quickly, without what a command does not need, and with compiled programs
kept.
"""

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from bayescale.cli import main

HELPS = (
    [],
    ["fit"],
    ["forecast"],
    ["allocate"],
    ["datasets", "list"],
    ["laws", "show"],
    ["batch"],
    ["backtest"],
    ["devices"],
)


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_imports_neither_jax_nor_what_is_built_on_it(words):
    script = (
        "import sys\nfrom bayescale.cli import app\n"
        f"app({[*words, '--help']!r}, standalone_mode=False)\n"
        "print('imported:', *{'jax', 'numpyro', 'arviz_base', 'pandas', 'xarray', 'scipy'} & "
        "set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "imported:"


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
        monkeypatch.setattr("bayescale.cli.app", lambda: None)
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
