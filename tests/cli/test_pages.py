"""Every page at 80 columns: no figure is cut, and none is left out."""

from dataclasses import replace

import pytest
from rich.console import Console

import bayescale as bs
from bayescale import datasets
from bayescale._internal.discovery import names
from bayescale.terminal import style
from bayescale.terminal.devices import print_devices
from bayescale.terminal.fit import print_fit
from bayescale.terminal.gate import print_audit
from bayescale.terminal.sensitivity import print_sensitivity

POSTERIOR_PAGES = {
    "forecast": ("forecast", "--n-params", 7.123e10, "--n-tokens", 1.4e12),
    "allocate": ("allocate", "--compute", 5.76e23, "--compute", 5.76e24),
    "allocate within bounds": (
        *("allocate", "--compute", 1e23, "--unique-tokens", "lognormal:1e12,0.5", "--repeats"),
        *("--max-params", 1e9, "--peak-flops", 989e12, "--utilisation", 0.4, "--devices", 1024),
        *("--price-per-hour", 2, "--inference-tokens", "lognormal:1e12,0.5"),
    ),
    "design": ("design", "--budget", 1e22, "--runs", 3),
    "plan": ("plan", "--compute", 1e23, "--no-sensitivity"),
}


@pytest.mark.parametrize("words", POSTERIOR_PAGES.values(), ids=POSTERIOR_PAGES)
def test_a_page_of_a_posterior_fits(bayescale, posteriors, words, check_figures_at_80_columns):
    command, *options = words
    check_figures_at_80_columns(
        lambda: bayescale(command, posteriors["500 draws"], *options).stdout
    )


@pytest.mark.usefixtures("compared")
def test_the_page_of_recipes_fits(bayescale, sweeps, check_figures_at_80_columns):
    words = ("recipes", sweeps, "adamw", "muon", "--column", "group=optimiser")
    check_figures_at_80_columns(lambda: bayescale(*words).stdout)


@pytest.mark.usefixtures("compared")
def test_the_page_of_a_gate_fits(sweeps, capsys, check_figures_at_80_columns):
    runs = bs.Runs.from_csv(sweeps, group="optimiser")
    comparison = bs.recipes(runs, "adamw", "muon", compute=[1e23], method=bs.MultiStart(starts=100))
    audit = bs.gate(comparison, 1e23)

    def page() -> str:
        print_audit(audit)
        return capsys.readouterr().out

    check_figures_at_80_columns(page)


@pytest.mark.parametrize("name", [*datasets.names(), *datasets.table_names()])
def test_a_page_of_the_catalogue_fits(bayescale, name, check_figures_at_80_columns):
    check_figures_at_80_columns(lambda: bayescale("datasets", "show", name).stdout)


@pytest.mark.parametrize("name", names("bayescale.laws"))
def test_a_page_of_a_law_fits(bayescale, name, check_figures_at_80_columns):
    check_figures_at_80_columns(lambda: bayescale("laws", "show", name).stdout)


@pytest.mark.parametrize("kind", ["datasets", "laws"])
def test_a_list_fits(bayescale, kind, check_figures_at_80_columns):
    check_figures_at_80_columns(lambda: bayescale(kind, "list").stdout)


def test_the_page_of_a_fit_with_many_parameters_fits(
    made_posterior, capsys, check_figures_at_80_columns
):
    posterior = made_posterior(
        bs.laws.Coupled(),
        bs.noise.Discrepancy(),
        provenance={"device": "cpu"},
        seconds={"fit": 1.25},
        diagnostics={"rhat_max": 1.003, "ess_bulk_min": 1234.0},
        problems=("R-hat is 1.2.",),
    )

    def page() -> str:
        print_fit(posterior, None, None)
        return capsys.readouterr().out

    check_figures_at_80_columns(page)


def test_the_page_of_a_fit_with_plans_fits(posteriors, capsys, check_figures_at_80_columns):
    posterior = bs.load(posteriors["500 draws"])
    fit = replace(
        posterior,
        provenance={"device": "cpu"},
        seconds={"fit": 1.25},
        diagnostics={},
        problems=(),
    )
    plans = bs.allocate(posterior, [5.76e23, 5.76e24])

    def page() -> str:
        print_fit(fit, plans, None)
        return capsys.readouterr().out

    check_figures_at_80_columns(page)


def test_the_page_of_a_sensitivity_fits(made_sensitivity, capsys, check_figures_at_80_columns):
    def page() -> str:
        print_sensitivity(made_sensitivity)
        return capsys.readouterr().out

    check_figures_at_80_columns(page)


def test_the_page_of_devices_fits(capsys, check_figures_at_80_columns):
    device = {"platform": "gpu", "kind": "a kind with a long name " * 6, "memory": 151e9}
    devices = [device | {"id": i, "process": 0} for i in range(8)]

    def page() -> str:
        print_devices("0.10", devices)
        return capsys.readouterr().out

    check_figures_at_80_columns(page)


# The tables themselves


def printed(table, width: int) -> list[str]:
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as capture:
        style.print_table(console, table)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_words_wrap_before_a_figure_does():
    table = style.table(["name", "value", "meaning"], left=["meaning"])
    table.add_row("alpha", "0.3478", "exponent of the parameters")
    assert printed(table, 30) == [
        "name    value  meaning",
        "alpha  0.3478  exponent of the",
        "               parameters",
    ]


def test_a_table_that_is_too_wide_is_printed_in_parts_led_by_its_first_column():
    table = style.table(["run", "loss", "forecast"])
    table.add_row("first", "2.345", "1.204e+07")
    assert printed(table, 16) == [
        "run     loss",
        "first  2.345",
        "run     forecast",
        "first  1.204e+07",
    ]
