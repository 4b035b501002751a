"""`bayescale design`: what it prints, and what it refuses."""

import json


def test_design_lists_runs_and_says_when_to_stop(bayescale, posteriors):
    result = bayescale("design", posteriors["500 draws"], "--budget", "1e22", "--runs", "3")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["1", "2", "3"]
    assert "nats" in result.stdout and "FLOP" in result.stdout
    assert "of the width of the interval of the loss" in " ".join(result.stdout.split())


def test_design_as_json_has_each_run(bayescale, posteriors):
    told = json.loads(
        bayescale(
            "design",
            posteriors["500 draws"],
            "--budget",
            "1e22",
            "--runs",
            "2",
            "--compute",
            "1e25",
            "--json",
        ).stdout
    )
    assert told["compute"] == 1e25
    assert len(told["runs"]) == 2 and sum(run["flops"] for run in told["runs"]) <= 1e22
    assert told["runs"][-1]["regret_after"] < told["regret"]
    assert 0 < told["runs"][-1]["loss_left"] < 1 and 0 < told["runs"][-1]["n_params_left"] < 1


def test_design_of_too_few_draws_is_refused(refused, posteriors):
    assert "needs 100 draws and has 1" in refused(
        "design", posteriors["chinchilla"], "--budget", "1e22"
    )
