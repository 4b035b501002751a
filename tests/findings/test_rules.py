"""Rules about runs: what each finds, and that clean runs break none."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.errors import InputError
from bayescale.findings import examine, rules, unread
from bayescale.findings._surface import Surface, fit_surface
from bayescale.findings._sweep import Sweep
from bayescale.findings.base import SEVERITIES, Finding
from bayescale.findings.lone_run import LoneRun
from tests.findings.examples import (
    BREAKS,
    accuracies,
    checkpoints,
    grid,
    learning_rates,
    model_cards,
    sweep,
    two_counts,
)

every_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)


def of(code, frame):
    """The findings of one rule."""
    return [finding for finding in examine(frame) if finding.code == code]


def test_every_rule_has_a_table_that_breaks_it():
    assert {rule.code for rule in rules()} == set(BREAKS)


@every_rule
def test_a_broken_rule_names_code_severity_runs_and_remedy(rule):
    frame = BREAKS[rule.code]()
    found = list(rule.find(Sweep.of(frame)))
    assert found
    for finding in found:
        assert (finding.code, finding.severity) == (rule.code, rule.severity)
        assert finding.sentence and finding.remedy == rule.remedy
        assert finding.rows and set(finding.rows) <= set(frame.index.astype(str))


@every_rule
def test_a_rule_says_what_a_finding_means_and_is_frozen(rule):
    assert rule.severity in SEVERITIES
    assert rule.meaning.endswith(".") and rule.remedy.endswith(".")
    assert type(rule).__dataclass_params__.frozen
    assert all(field.default is not dataclasses.MISSING for field in dataclasses.fields(rule))


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_sweep_breaks_no_rule(seed):
    assert examine(bs.datasets.simulate(seed=seed).frame) == ()


def test_a_sweep_without_scatter_breaks_no_rule():
    assert [finding.code for finding in examine(sweep(noise=0.0))] == []


def test_findings_stand_in_the_order_of_their_severity():
    found = [SEVERITIES.index(finding.severity) for finding in examine(accuracies())]
    assert found == sorted(found)


def test_of_repeated_settings_all_but_the_best_are_named():
    (finding,) = of("repeated_settings", learning_rates())
    assert set(finding.rows) == {str(row) for row in range(4, 12)}
    assert "learning_rate differs" in finding.sentence


def test_repeated_settings_that_differ_as_seeds_do_are_no_finding():
    frame = learning_rates().drop(columns="learning_rate")
    scatter = np.exp(0.005 * np.random.default_rng(0).standard_normal(len(frame)))
    grouped = frame.groupby(["n_params", "n_tokens"])["loss"]
    assert of("repeated_settings", frame.assign(loss=grouped.transform("min") * scatter)) == []


def test_three_runs_of_which_one_has_not_learned_are_too_few():
    frame = grid(sizes=(1e8,), tokens=(1e9, 4e9, 1.6e10))
    (finding,) = of("too_few_runs", frame.assign(loss=[10.96, 8.9, 8.2]))
    assert finding.rows == ("0",)
    assert "2 of the 3 runs that a fit takes are there" in finding.sentence
    assert of("too_few_runs", frame.assign(loss=[10.96, 10.4, 9.7])) == []
    assert of("too_few_runs", frame) == []


def test_large_models_of_high_losses_are_told_what_that_may_be():
    (finding,) = of("high_loss", grid().assign(loss=8.2))
    assert "in another unit, or the runs had far too few tokens" in finding.sentence


def test_a_smoke_test_among_runs_of_one_ratio_is_named_alone():
    (finding,) = of("short_runs", BREAKS["short_runs"]())
    assert finding.rows == ("0",)
    assert "1 of 6 runs has 0.16 tokens per parameter or fewer" in finding.sentence


def test_runs_of_many_ratios_without_a_gap_are_not_short():
    ratios = np.geomspace(0.01, 1000, 12)
    frame = grid().assign(n_tokens=grid()["n_params"] * ratios)
    assert of("short_runs", frame) == []


def test_a_lone_run_is_named_alone_with_its_side():
    (finding,) = of("lone_run", BREAKS["lone_run"]())
    assert finding.rows == ("7",)
    assert "above what the runs around it say" in finding.sentence


@pytest.mark.parametrize(("second", "n_findings"), [(0.05, 1), (0.075, 0)])
def test_a_run_is_alone_where_no_other_is_nearly_as_far_from_the_fit(
    monkeypatch, second, n_findings
):
    residual = np.zeros(45)
    residual[[3, 7]] = second, 0.1
    surface = Surface(residual, 0.01, np.zeros((45, 5)), floor=0.5, without_floor=10.0)
    monkeypatch.setattr(Sweep, "surface", surface)
    assert len(list(LoneRun().find(Sweep.of(sweep())))) == n_findings


def test_a_run_off_the_ladder_of_its_family_is_named():
    sizes = np.array([1e8, 2e8, 4e8, 8e8, 1.6e9, 3.2e9, 6.4e9])
    frame = grid(sizes=sizes, tokens=(1e9,)).assign(n_tokens=20 * sizes)
    typo = frame.assign(loss=frame["loss"].where(frame.index != 4, frame["loss"] * 1.06))
    (finding,) = of("lone_run", typo)
    assert finding.rows == ("4",)


def test_a_run_off_a_ladder_of_nearly_constant_tokens_is_named():
    frame = model_cards().iloc[6:]
    rounding = np.array([1.0, 1.12, 0.95, 1.05, 0.9, 1.1])
    typo = frame["loss"] * np.where(np.arange(6) == 3, 1.06, 1.0)
    (finding,) = of("lone_run", frame.assign(loss=typo, n_tokens=frame["n_tokens"] * rounding))
    assert finding.rows == (str(frame.index[3]),)


@pytest.mark.parametrize(
    ("curve", "n_findings"), [([0.0, 0.004, 0.03, 0.1], 0), ([0.0, 0.03, 0.06, 0.1], 1)]
)
def test_a_budget_whose_curve_is_least_among_the_sizes_is_not_at_their_edge(curve, n_findings):
    sizes = np.tile([1e8, 2e8, 4e8, 8e8], 2)
    compute = np.repeat([1e18, 1e19], 4)
    log_loss = np.tile(curve, 2) + np.repeat([1.1, 1.0], 4)
    frame = pd.DataFrame({"n_params": sizes, "n_tokens": compute / sizes / 6})
    found = of("optimum_at_edge", frame.assign(loss=np.exp(log_loss)))
    assert len(found) == n_findings


def minus_twice_log_likelihood(scores):
    """Return −2 log likelihood under a soft absolute error, up to a constant, from residuals in
    units of their scale.
    """
    return float(np.sum(2 * (np.sqrt(1 + scores**2) - 1)))


def test_the_fit_without_a_floor_is_worse_by_its_rise_of_minus_twice_the_log_likelihood():
    log_n = np.linspace(0, 3, 400)
    scatter = 0.02 * np.random.default_rng(0).standard_normal(400)
    log_loss = np.log(0.3 + np.exp(-0.3 * log_n)) + scatter
    surface = fit_surface(log_loss, [log_n])
    off_line = log_loss - np.polyval(np.polyfit(log_n, log_loss, 1), log_n)
    pure = minus_twice_log_likelihood(off_line / surface.scale)
    rise = pure - minus_twice_log_likelihood(surface.scores)
    assert surface.without_floor == pytest.approx(rise, rel=0.1)


def test_families_of_tokens_of_their_own_are_named():
    (finding,) = of("separate_families", model_cards())
    assert "Theirs has" in finding.sentence and "tokens of Ours" in finding.sentence


def test_the_same_runs_counted_in_two_ways_are_named():
    (finding,) = of("several_conventions", two_counts())
    assert "all and no embeddings in counts" in finding.sentence
    assert "6 runs counted in two ways" in finding.sentence


def test_labels_of_settings_are_no_families():
    by_tokens = grid(sizes=(1e8, 2e8, 4e8, 8e8))
    by_tokens = by_tokens.assign(group=by_tokens["n_tokens"].map("{:.0e} tokens".format))
    assert of("separate_families", by_tokens) == []
    assert of("separate_families", sweep()) == []


def test_families_of_one_design_are_not_apart():
    assert of("separate_families", BREAKS["mixed_families"]()) == []


def test_of_one_budget_that_is_not_u_shaped_the_run_between_is_named():
    sizes = np.array([4.6e6, 1.16e7, 2.8e7, 5e7])
    frame = grid(sizes=sizes, tokens=(1e9,)).assign(n_tokens=5e16 / sizes)
    frame = frame.assign(loss=[1.54, 1.51, 1.66, 1.54])
    assert {"one_budget", "lone_run"} <= {finding.code for finding in examine(frame)}
    assert of("lone_run", frame)[0].rows == ("2",)


def test_groups_that_are_budgets_are_no_families():
    frame = sweep()
    shifted = frame["loss"] * (1 + 0.03 * (frame["group"] == frame["group"].iloc[0]))
    assert of("mixed_families", frame.assign(loss=shifted)) == []


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("column", ["n_params", "n_tokens", "flops", "loss"])
def test_a_column_in_another_unit_is_found(column, factor):
    frame = sweep()
    assert examine(frame.assign(**{column: frame[column] * factor}))


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
def test_parameters_and_tokens_both_in_another_unit_are_found(factor):
    frame = sweep().drop(columns=["flops", "group"])
    other = frame.assign(n_params=frame["n_params"] * factor, n_tokens=frame["n_tokens"] * factor)
    assert examine(other)


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e6, 1e9])
def test_compute_alone_in_another_unit_is_found(factor):
    frame = sweep().drop(columns=["n_params", "n_tokens", "group"])
    assert not {"small_counts", "large_counts", "unusual_scale"} & {f.code for f in examine(frame)}
    assert examine(frame.assign(flops=frame["flops"] * factor))


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("column", ["n_params", "flops"])
def test_parameters_beside_compute_in_another_unit_are_found(column, factor):
    frame = sweep().drop(columns=["n_tokens", "group"])
    assert not {"unusual_ratio", "unusual_scale"} & {f.code for f in examine(frame)}
    assert examine(frame.assign(**{column: frame[column] * factor}))


def test_compute_in_petaflop_days_is_told_what_one_is():
    frame = sweep().drop(columns=["n_params", "n_tokens", "group"])
    found = of("small_counts", frame.assign(flops=frame["flops"] / 8.64e19))
    assert "8.64e19 FLOPs" in found[0].sentence


def test_columns_that_a_law_does_not_take_are_left_alone():
    frame = checkpoints().assign(flops=np.geomspace(1e18, 1e20, 40))
    codes = {finding.code for finding in examine(frame, inputs=("flops",))}
    assert codes.isdisjoint({"one_size", "checkpoints"})


def test_a_law_of_compute_has_6nd_where_the_table_has_no_flops():
    frame = grid()
    frame = frame.assign(loss=(frame["n_params"] * frame["n_tokens"]) ** 0.02)
    assert "rising_metric" in {finding.code for finding in examine(frame, inputs=("flops",))}


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, "many"])
@pytest.mark.parametrize("column", ["n_params", "n_tokens", "flops", "loss", "n_experts"])
def test_what_is_no_positive_number_is_left_to_the_reading_of_the_table(column, value):
    frame = sweep().assign(n_experts=8.0)
    examine(frame.assign(**{column: frame[column].astype(object).where(frame.index != 3, value)}))
    examine(frame.assign(**{column: value}))


def test_a_law_of_something_else_than_a_loss_is_asked_nothing_of_the_loss():
    assert "rising_metric" not in {f.code for f in examine(accuracies(), ("flops",), "accuracy")}


def test_a_finding_is_read_from_the_dictionary_that_it_writes():
    (finding,) = of("rising_metric", accuracies())
    assert Finding.of(finding.to_dict()) == finding


def test_a_fit_refuses_an_accuracy_with_the_remedy():
    with pytest.raises(InputError, match=r"runs: The loss rises with n_params.*1 − accuracy"):
        bs.fit(accuracies())


def test_a_fit_warns_of_what_reading_has_not_warned_of():
    found = examine(BREAKS["one_size"]().iloc[:3])
    assert {"one_size", "few_runs"} <= {finding.code for finding in found}
    assert "few_runs" in {finding.code for finding in unread(found)}
    assert "one_size" not in {finding.code for finding in unread(found)}


def test_many_runs_are_named_in_short():
    (finding,) = of("rising_metric", accuracies())
    assert finding.rows_in_words(12) == "all 12"
    assert dataclasses.replace(finding, rows=tuple("abcdefg")).rows_in_words(12).endswith("2 more")
