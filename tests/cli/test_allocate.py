"""`bayescale allocate`: what it prints, and what it refuses."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest


def test_allocate_prints_one_plan_as_json(bayescale, posteriors):
    plan = json.loads(
        bayescale("allocate", posteriors["chinchilla"], "--compute", 5.76e23, "--json").stdout
    )
    assert list(plan) == ["n_params", "n_tokens", "tokens_per_param", "loss", "extrapolation"]
    assert 6 * plan["n_params"]["q50"] * plan["n_tokens"]["q50"] == pytest.approx(5.76e23)


def test_json_says_how_far_each_plan_lies_beyond_the_runs(bayescale, posteriors):
    words = ("--compute", 1e22, "--compute", 1e40, "--json")
    plans = json.loads(bayescale("allocate", posteriors["chinchilla"], *words).stdout)
    assert [place["far"] for place in plans["extrapolation"]] == [False, True]


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


def test_a_target_loss_needs_no_bounds(bayescale, posteriors):
    result = bayescale("allocate", posteriors["chinchilla"], "--target-loss", 3.0)
    assert result.exit_code == 0, result.exception
    assert "Cheapest plan for a loss of 3" in result.stdout


def test_a_target_loss_without_bounds_has_none_that_binds(bayescale, posteriors):
    result = bayescale("allocate", posteriors["chinchilla"], "--target-loss", 3.0, "--json")
    assert json.loads(result.stdout)["binding"] == {}


def test_a_target_loss_is_planned_for_within_bounds_as_json(bayescale, posteriors):
    words = ["--target-loss", 3.0, "--inference-tokens", 2e12, "--max-params", 7e10, "--json"]
    plan = json.loads(bayescale("allocate", posteriors["chinchilla"], *words).stdout)
    assert plan["loss"]["mean"] == pytest.approx(3.0)
    assert plan["lifetime_flops"]["q50"] > plan["train_flops"]["q50"]
    assert set(plan["binding"]) == {"max_params"}


def test_bounds_are_printed_with_what_they_cost_and_which_bind(bayescale, posteriors):
    words = [
        "--compute",
        1e23,
        "--unique-tokens",
        "lognormal:1e12,0.5",
        "--repeats",
        "--max-params",
        1e9,
    ]
    words += [
        "--peak-flops",
        989e12,
        "--utilisation",
        0.4,
        "--devices",
        1024,
        "--price-per-hour",
        2,
    ]
    report = bayescale("allocate", posteriors["chinchilla"], *words).stdout
    for told in (
        "Best plan for 1e+23 FLOPs of training",
        "epochs",
        "cost",
        "days of training",
        "max_params in 100%",
    ):
        assert told in report


def test_several_budgets_of_money_are_a_list(bayescale, posteriors):
    words = ["--cost", 1e5, "--cost", 1e6, "--train-price", 1e-18, "--json"]
    listed = json.loads(bayescale("allocate", posteriors["chinchilla"], *words).stdout)[
        "allocation"
    ]
    assert [plan["total_cost"]["q50"] for plan in listed] == pytest.approx([1e5, 1e6])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "takes one of --compute"),
        (["--compute", 1e21, "--cost", 1e6], "2 were given"),
        (
            ["--compute", 1e21, "--unique-tokens", "many"],
            "write a count, such as 300e12, or lognormal:300e12,0.5",
        ),
        (["--compute", 1e21, "--max-days", 3], "max_days needs flops_per_second"),
        (["--compute", 1e21, "--peak-flops", 1e15], "give both"),
        (["--compute", 1e21, "--price-per-hour", 2], "needs --peak-flops and --utilisation"),
        (["--target-loss", 1e-3], "No draw reaches a loss of 0.001"),
    ],
)
def test_what_cannot_be_planned_is_refused(refused, posteriors, words, said):
    assert said in refused("allocate", posteriors["chinchilla"], *words)


AMOUNTS = {"compute": 1e23, "lifetime-compute": 1e23, "cost": 1e5, "target-loss": 2.1}
BOUNDS = {
    "max-params": 1e10,
    "max-tokens": 1e12,
    "unique-tokens": 1e12,
    "max-compute": 5e22,
    "max-lifetime-compute": 5e22,
    "max-cost": 5e4,
    "max-days": 1,
}
COUNTED = ["--inference-tokens", 1e12, "--peak-flops", 1e15, "--utilisation", 0.5]
PAIRS = list(itertools.combinations(BOUNDS, 2))
FEWER = [(), *itertools.combinations(BOUNDS, 1)]


def sets_of_bounds(over: str) -> list[tuple[str, ...]]:
    """Return no bound, each by itself, and every fourth pair: budgets share the pairs."""
    return FEWER + PAIRS[list(AMOUNTS).index(over) :: len(AMOUNTS)]


def budgets_and_bounds() -> Iterator[Any]:
    """Yield every budget with its part of the pairs, and, when slow, with the pairs of others."""
    for over in AMOUNTS:
        own = sets_of_bounds(over)
        others = [pair for pair in PAIRS if pair not in own]
        yield pytest.param(over, own, id=over)
        yield pytest.param(over, others, id=f"{over}, more pairs", marks=pytest.mark.slow)


@pytest.mark.parametrize(("over", "bounds"), list(budgets_and_bounds()))
def test_budgets_with_pairs_of_bounds_are_planned_for_or_refused_by_name(
    bayescale, posteriors, over, bounds
):
    for names in bounds:
        words = [f"--{over}", AMOUNTS[over], *COUNTED, "--price-per-hour", 2, "--json"]
        for name in names:
            words += [f"--{name}", BOUNDS[name]]
        result = bayescale("allocate", posteriors["chinchilla"], *words)
        if result.exit_code == 0:
            plan = json.loads(result.stdout)
            assert 1e6 < plan["n_params"]["q50"] < 1e12
            assert 1e8 < plan["n_tokens"]["q50"] < 1e15
            assert {name.replace("-", "_") for name in names} <= set(plan["binding"])
        else:
            (line,) = result.stderr.splitlines()
            assert line.startswith("error: ")
            assert any(name.replace("-", "_") in line for name in names)
