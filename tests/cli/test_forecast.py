"""`bayescale forecast`: what it prints."""

import json


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
