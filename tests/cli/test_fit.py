"""`bayescale fit`: what it prints, what it saves, and what it exits with."""

import json
import os

import pytest
from typer.testing import CliRunner, Result

from bayescale.cli._json import print_json
from bayescale.cli._saving import default_file
from bayescale.cli.app import app

QUICK = ("--law", "chinchilla", "--noise", "normal", "--method", "multistart:starts=50")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a point fit, printed once."""
    path = tmp_path_factory.mktemp("report") / "post.nc"
    words = ["fit", "dey2023_pile", *QUICK, "--out", str(path)]
    return CliRunner().invoke(app, words, env={"COLUMNS": "100"}).stdout


SHORT = ("fit", "--method", "nuts:draws=50,warmup=100,chains=2", "--json")


@pytest.fixture(scope="module")
def doubtful() -> Result:
    """A fit of too few draws, run once, by a law and a noise model that soon compile."""
    return CliRunner().invoke(app, [*SHORT, "--law", "chinchilla", "--noise", "normal"])


def test_json_has_each_parameter_with_its_interval(doubtful):
    parameters = json.loads(doubtful.stdout)["parameters"]
    assert list(parameters) == ["E", "A", "B", "alpha", "beta", "sigma"]
    assert list(parameters["alpha"]) == ["mean", "sd", "q05", "q50", "q95"]


def test_law_and_noise_are_the_librarys_own_unless_given(bayescale, asked):
    bayescale(*SHORT)
    assert (asked["law"], asked["noise"]) == (None, None)
    assert asked["runs"].name == "bayescale2026_sweep"


@pytest.mark.slow
def test_json_of_the_librarys_own_law_and_noise_has_the_parameters_of_both():
    fitted = json.loads(CliRunner().invoke(app, SHORT).stdout)
    assert (fitted["law"], fitted["noise"]) == ("coupled", "discrepancy")
    law = ["E", "A", "B", "alpha", "beta", "gamma"]
    noise = ["sigma", "drift_sd", "matern_sd", "size_sd", "tilt_sd"]
    assert list(fitted["parameters"]) == law + noise
    verdicts = fitted["verdicts"]
    assert (verdicts["data"]["good"], verdicts["model"]["good"]) == (True, True)


def test_json_has_the_sampler_s_diagnostics(doubtful):
    assert set(json.loads(doubtful.stdout)["diagnostics"]) == {
        "rhat_max",
        "ess_bulk_min",
        "ess_tail_min",
        "divergences",
    }


def test_a_fit_that_fails_its_diagnostics_is_printed_and_exits_with_3(doubtful):
    assert doubtful.exit_code == 3
    assert any("draws=4000" in problem for problem in json.loads(doubtful.stdout)["problems"])


def test_json_has_a_verdict_on_data_model_and_sampling(doubtful):
    verdicts = json.loads(doubtful.stdout)["verdicts"]
    assert (verdicts["good"], verdicts["sampling"]["good"]) == (False, False)
    # These runs depart from the law by more than their scatter.
    assert (verdicts["data"]["good"], verdicts["model"]["good"]) == (True, False)


def test_doubtful_families_exit_with_4_under_strict(bayescale):
    words = ("dey2023_pile", *QUICK, "--law", "power_law", "--json", "--strict")
    result = bayescale("fit", *words)
    assert result.exit_code == 4
    findings = json.loads(result.stdout)["verdicts"]["data"]["findings"]
    assert "mixed_families" in {finding["code"] for finding in findings}


def test_problems_are_warnings_on_standard_error_too(doubtful):
    problems = json.loads(doubtful.stdout)["problems"]
    assert doubtful.stderr.splitlines() == [
        f"warning: bayescale2026_sweep: {problem}" for problem in problems
    ]


def test_json_has_plans_at_three_budgets_beyond_the_data(doubtful):
    plans = json.loads(doubtful.stdout)["allocation"]
    assert [plan["compute"] for plan in plans] == pytest.approx([2e12, 2e13, 2e14])
    assert set(plans[0]) == {"compute", "n_params", "n_tokens", "tokens_per_param", "loss"}


def test_json_says_what_was_fitted_and_what_n_counts(doubtful):
    fitted = json.loads(doubtful.stdout)
    assert (fitted["law"], fitted["runs"]["n_runs"]) == ("chinchilla", 64)
    assert fitted["noise"] == "normal"
    assert any(note.startswith("N counts all parameters") for note in fitted["runs"]["notes"])


def test_json_saves_nothing_unless_told_where(bayescale, folder):
    assert bayescale("fit", "dey2023_pile", *QUICK, "--json").exit_code == 0
    assert not list(folder.iterdir())


def test_json_says_where_it_was_told_to_save(bayescale, folder):
    assert (
        json.loads(bayescale("fit", "dey2023_pile", *QUICK, "--json", "--out", "post.nc").stdout)[
            "saved"
        ]
        == "post.nc"
    )
    assert [path.name for path in folder.iterdir()] == ["post.nc"]


def test_what_is_not_a_number_is_null_in_json(capsys):
    print_json({"gaps": [float("nan"), float("inf"), 0.5]})
    assert json.loads(capsys.readouterr().out) == {"gaps": [None, None, 0.5]}


def test_the_report_names_data_law_noise_and_method(report):
    for fact in (
        "dey2023_pile, 29 runs",
        "E + A/N^α + B/D^β",
        "Normal(log L",
        "multistart:starts=50, seed 0",
    ):
        assert fact in report


def test_the_report_draws_the_loss_along_compute_with_units(report):
    for fact in ("loss, nats per token", "compute, FLOPs (6·N·D)", "• runs", "1e20", "┤"):
        assert fact in report


def test_no_line_of_the_report_is_wider_than_the_terminal(bayescale, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    report = bayescale("fit", "dey2023_pile", *QUICK, "--out", "post.nc").stdout
    assert max(map(len, report.splitlines())) <= 80


def test_the_report_saves_under_the_name_of_the_data_and_says_what_to_do_next(bayescale, folder):
    report = bayescale("fit", "dey2023_pile", *QUICK).stdout
    assert "bayescale allocate bayescale-dey2023_pile.nc --compute" in report
    assert [path.name for path in folder.iterdir()] == ["bayescale-dey2023_pile.nc"]


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("bayescale2026_sweep", "bayescale2026_sweep.nc"),
        ("dey2023_pile", "bayescale-dey2023_pile.nc"),
        ("folder/sweep.csv", "bayescale-sweep.nc"),
    ],
)
def test_the_default_file_is_named_after_the_data(source, file):
    assert str(default_file(source)) == file


def test_fitting_again_replaces_the_posterior(bayescale, folder):
    import bayescale as bs

    for seed in (1, 2):
        assert bayescale("fit", "dey2023_pile", *QUICK, "--seed", seed).exit_code == 0
    assert bs.load(folder / "bayescale-dey2023_pile.nc").method.seed == 2


def test_a_law_without_an_optimum_is_drawn_and_says_why_there_is_no_plan(bayescale):
    report = bayescale("fit", "dey2023_pile", *QUICK, "--law", "power_law").stdout
    assert "No compute-optimal plan: L(C) = E + A/C^α has no trade-off" in report
    assert "loss of the law" in report


def test_headings_of_a_file_are_read_as_told(bayescale, sweep, asked):
    path = sweep(headings=["N", "D", "val_loss"])
    bayescale(
        "fit", path, "--column", "n_params=N", "--column", "n_tokens=D", "--column", "loss=val_loss"
    )
    assert list(asked["runs"].frame) == ["n_params", "n_tokens", "loss"]


def test_a_file_needs_only_the_columns_of_its_law(bayescale, sweep, asked):
    bayescale(
        "fit", sweep(headings=["seconds", "n_tokens", "loss"]), "--law", "power_law:input=n_tokens"
    )
    assert len(asked["runs"]) == 12


def test_suspicious_runs_are_one_line_of_warning_each(bayescale, sweep, asked):
    warning, _ = bayescale("fit", sweep(change={(0, 2): 20.0})).stderr.splitlines()
    assert warning.startswith("warning: sweep: loss is as large as 20;")


def test_suspect_runs_are_kept_when_asked(bayescale, asked):
    bayescale("fit", "dey2023_pile", "--keep-suspect")
    assert len(asked["runs"]) == 30


def test_the_seed_is_that_of_the_method(bayescale, asked):
    bayescale("fit", "--method", "nuts:draws=2000,seed=1", "--seed", 7)
    assert (asked["method"].draws, asked["method"].seed) == (2000, 7)


def test_a_published_minimum_is_printed_to_nine_decimals(bayescale):
    if not os.environ.get("BAYESCALE_DATA"):
        pytest.skip(
            "needs the public originals: set BAYESCALE_DATA to a folder that holds <name>/<file>"
        )
    pair = ("--law", "chinchilla", "--noise", "huber")
    result = bayescale("fit", "besiroglu2024_chinchilla", *pair, "--method", "multistart", "--json")
    assert json.loads(result.stdout)["objective"] == pytest.approx(0.0010182740178, abs=1e-9)


def test_the_legend_of_a_point_fit_promises_no_interval(report):
    assert "90 %" not in report
