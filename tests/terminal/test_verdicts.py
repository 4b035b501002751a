"""Verdicts at a terminal: three lines, green only together, and the exit code."""

from dataclasses import replace

import pytest
import typer
from rich.console import Console

import bayescale as bs
from bayescale.results import Complaint
from bayescale.terminal.allocate import print_allocation
from bayescale.terminal.reporting import exit_by
from bayescale.terminal.verdicts import print_verdicts
from tests.known_posteriors import known_posterior

GREEN = "\x1b[32m"
WRONG = (Complaint("rhat", "The chains disagree."),)


@pytest.fixture(scope="module")
def clean():
    return known_posterior(bs.datasets.simulate(seed=0))


@pytest.fixture(scope="module")
def doubtful():
    return known_posterior(bs.datasets.simulate(seed=0, budgets=[1e20], sizes_per_budget=45))


def printed(posterior):
    console = Console(force_terminal=True, color_system="standard", width=100, highlight=False)
    with console.capture() as capture:
        print_verdicts(console, posterior, "R-hat at most 1.000")
    return capture.get()


def test_a_page_with_three_good_verdicts_is_green(clean):
    assert printed(clean).count(GREEN) == 3


def test_no_line_is_green_where_the_data_are_doubtful(doubtful):
    page = printed(doubtful)
    assert GREEN not in page
    assert "Data: doubtful" in page and "one_budget" in page


def test_no_line_is_green_where_the_sampling_failed(clean):
    page = printed(replace(clean, problems=WRONG))
    assert GREEN not in page
    assert "do not trust this fit as it is" in page and "The chains disagree." in page


def test_doubts_about_data_exit_with_4_under_strict_alone(clean, doubtful):
    exit_by(False, doubtful)
    exit_by(True, clean)
    with pytest.raises(typer.Exit) as raised:
        exit_by(True, doubtful)
    assert raised.value.exit_code == 4


def test_failed_diagnostics_exit_with_3_whatever_the_data(doubtful):
    with pytest.raises(typer.Exit) as raised:
        exit_by(True, replace(doubtful, problems=WRONG))
    assert raised.value.exit_code == 3


def test_a_plan_far_beyond_the_runs_is_not_printed_as_one_near_them(clean, capsys):
    near, far = 3 * clean.runs.six_nd.max(), 1e8 * clean.runs.six_nd.max()
    print_allocation(clean, bs.allocate(clean, compute=[near, far]))
    page = " ".join(capsys.readouterr().out.split())
    assert "3 times the compute of the dearest run" in page
    assert page.count("the runs do not support an answer so far away") == 1
