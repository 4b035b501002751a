"""The other commands: forecast, allocate, datasets, laws, devices."""

import json
from pathlib import Path

import pytest


def test_forecast_prints_the_loss_as_json(bayescale, posteriors):
    result = bayescale(
        "forecast", posteriors["chinchilla"], "--n-params", 70e9, "--n-tokens", 1.4e12, "--json"
    )
    assert list(json.loads(result.stdout)["loss"]) == [
        "mean",
        "sd",
        "q05",
        "q25",
        "q50",
        "q75",
        "q95",
    ]


def test_forecast_tells_a_new_run_from_what_it_is_without_its_scatter(bayescale, posteriors):
    report = bayescale(
        "forecast", posteriors["chinchilla"], "--n-params", 70e9, "--n-tokens", 1.4e12
    ).stdout
    assert "of a new run" in report
    assert "without its scatter" in report


def test_forecast_takes_the_input_of_another_law(bayescale, posteriors):
    assert (
        bayescale("forecast", posteriors["power_law"], "--input", "flops=1e24", "--json").exit_code
        == 0
    )


def test_allocate_prints_one_plan_as_json(bayescale, posteriors):
    plan = json.loads(
        bayescale("allocate", posteriors["chinchilla"], "--compute", 5.76e23, "--json").stdout
    )
    assert list(plan) == ["n_params", "n_tokens", "tokens_per_param", "loss"]
    assert 6 * plan["n_params"]["q50"] * plan["n_tokens"]["q50"] == pytest.approx(5.76e23)


def test_allocate_prints_several_plans_as_a_list(bayescale, posteriors):
    result = bayescale(
        "allocate", posteriors["chinchilla"], "--compute", 1e22, "--compute", 1e23, "--json"
    )
    assert [plan["compute"] for plan in json.loads(result.stdout)["allocation"]] == [1e22, 1e23]


def test_allocate_writes_counts_as_people_do(bayescale, posteriors):
    report = bayescale("allocate", posteriors["chinchilla"], "--compute", 5.76e23).stdout
    assert "5.76e+23" in report
    assert "B " in report
    assert "T " in report


def test_datasets_list_names_every_set_and_every_published_table(bayescale):
    from bayescale import datasets

    listed = bayescale("datasets", "list").stdout
    assert all(name in listed for name in [*datasets.names(), *datasets.table_names()])


def test_datasets_show_gives_paper_units_and_what_n_counts(bayescale):
    shown = bayescale("datasets", "show", "dey2023_pile").stdout
    for fact in (
        "arXiv:2304.03208",
        "nats per token",
        "N counts total parameters",
        "come with bayescale",
    ):
        assert fact in shown


def test_datasets_show_says_why_a_set_is_refused(bayescale):
    assert "unigram model's and negative" in bayescale(
        "datasets", "show", "tao2024_vocab"
    ).stdout.replace("\n", " ")


def test_datasets_show_prints_a_published_table_with_its_source_and_columns(bayescale):
    shown = bayescale("datasets", "show", "kaplan2020_laws").stdout
    for fact in ("arXiv:2001.08361", "exponent of that variable", "8.8e+13", "PF-days"):
        assert fact in shown


def test_datasets_show_writes_counts_of_published_tables_as_people_do_and_a_dash_for_none(
    bayescale,
):
    rows = [
        line.split()
        for line in bayescale("datasets", "show", "published_llm_sizes").stdout.splitlines()
    ]
    assert ["Chinchilla", "70.0B", "1.40T", "2022"] in [row[:4] for row in rows]
    assert ["GPT-2-small", "124M", "-", "2019"] in [row[:4] for row in rows]


def test_datasets_show_guesses_the_published_table_that_was_meant(bayescale):
    result = bayescale("datasets", "show", "kaplan2020")
    assert result.exit_code == 1
    assert "Did you mean kaplan2020_laws " in result.output.replace("\n", " ")


def test_datasets_fetch_prints_the_path_of_every_file(bayescale):
    (path,) = bayescale("datasets", "fetch", "dey2023_pile").stdout.splitlines()
    assert Path(path).is_file()


def test_laws_list_names_every_law(bayescale):
    from bayescale._internal.discovery import names

    listed = bayescale("laws", "list").stdout
    assert all(name in listed for name in names("bayescale.laws"))


def test_laws_show_gives_formula_priors_paper_and_published_constants(bayescale):
    shown = bayescale("laws", "show", "chinchilla").stdout
    for fact in (
        "E + A/N^α + B/D^β",
        "LogNormal(-0.5, 0.7)",
        "arXiv:2203.15556",
        "0.3478",
        "units of the data",
    ):
        assert fact in shown


def test_laws_show_takes_options(bayescale):
    assert "B/D^α" in bayescale("laws", "show", "chinchilla:tied=true").stdout


def test_devices_says_what_there_is_and_what_runs_where(bayescale):
    import jax

    shown = bayescale("devices").stdout
    assert f"JAX {jax.__version__}" in shown
    assert "Everything runs on it." in shown or "are shared out among all" in shown


def test_the_version_is_printed(bayescale):
    import bayescale as bs

    assert bayescale("--version").stdout == f"bayescale {bs.__version__}\n"
