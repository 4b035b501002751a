"""A full disk costs no answer: what was found is printed, and one line says what was not saved."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bayescale as bs
from tests.known_posteriors import known_posterior


@pytest.fixture
def full(monkeypatch):
    """A disk without space for posteriors and pages, and fits that take no time."""
    posterior = known_posterior(
        bs.datasets.simulate(seed=1), provenance={"device": "cpu"}, seconds={"fit": 0.0}
    )

    def no_space(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bs, "fit", lambda runs, **options: posterior)
    monkeypatch.setattr(bs.Posterior, "save", no_space)
    monkeypatch.setattr(Path, "write_text", no_space)


def the_one_line(result):
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "No space left on device" in line
    return line


@pytest.mark.usefixtures("full")
def test_a_fit_is_printed_though_it_cannot_be_saved(bayescale, simulated, folder):
    result = bayescale("fit", simulated, "--out", "post.nc")
    assert "post.nc cannot be written" in the_one_line(result)
    assert "Compute-optimal plans" in result.stdout
    assert [path.name for path in folder.iterdir()] == ["sweep.csv"]


@pytest.mark.usefixtures("full")
def test_a_fit_is_printed_as_json_though_it_cannot_be_saved(bayescale, simulated):
    result = bayescale("fit", simulated, "--out", "post.nc", "--json")
    the_one_line(result)
    found = json.loads(result.stdout)
    assert "saved" not in found and found["parameters"]


@pytest.mark.usefixtures("full")
def test_a_plan_is_printed_though_its_report_cannot_be_written(bayescale, simulated, folder):
    words = ("--compute", 1e23, "--no-sensitivity", "--html", "plan.html")
    result = bayescale("plan", simulated, *words)
    the_one_line(result)
    assert "Train " in result.stdout
    assert [path.name for path in folder.iterdir()] == ["sweep.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")
def test_a_page_that_cannot_be_printed_is_one_line():
    code = "from bayescale.cli.app import main; main()"
    words = [sys.executable, "-c", code, "laws", "list"]
    with Path("/dev/full").open("w") as output:
        done = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
