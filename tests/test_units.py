"""Training compute, budgets, quantiles and numbers, which all verbs share."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayescale as bs
from bayescale import units
from bayescale.decisions.approaches.isoflop import members
from bayescale.decisions.checks.sensitivity import _blocks
from bayescale.plots.isoflop import _budgets as budgets_drawn

POSITIVE = st.floats(1e3, 1e15)


@given(POSITIVE, POSITIVE)
def test_a_budget_pays_for_the_tokens_and_the_parameters_that_cost_it(n_params, n_tokens):
    compute = units.six_nd(n_params, n_tokens)
    assert units.tokens_for(compute, n_params) == pytest.approx(n_tokens)
    assert units.params_for(compute, n_tokens) == pytest.approx(n_params)
    assert units.log_tokens_for(compute, np.log(n_params)) == pytest.approx(np.log(n_tokens))
    assert units.params_at_ratio(compute, n_tokens / n_params) == pytest.approx(n_params)


def rounded_sweep(share=0.05, groups=True):
    """Runs at five budgets, each rounded by up to ``share`` either way."""
    frame = bs.datasets.simulate(seed=1).frame
    factor = 1 + share * np.tile(np.linspace(-1, 1, 9), 5)
    frame = frame.assign(n_tokens=frame["n_tokens"] * factor, flops=frame["flops"] * factor)
    return bs.Runs.from_frame(frame if groups else frame.drop(columns="group"))


def spread_out():
    n_params = np.geomspace(1e8, 1e9, 30)
    columns = {"n_params": n_params, "n_tokens": np.full(30, 1e10), "loss": 3.0}
    return bs.Runs(pd.DataFrame(columns))


SWEEPS = {
    "exact": lambda: bs.datasets.simulate(seed=1),
    "within 5 %": rounded_sweep,
    "within 4 %": lambda: rounded_sweep(0.04),
    "of two budgets": lambda: bs.datasets.simulate(seed=1, budgets=(1e18, 1.2e18)),
    "published": lambda: bs.datasets.load("bayescale2026_sweep"),
}


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
def test_a_sweep_has_the_same_budgets_for_every_verb_and_figure(sweep):
    runs = sweep()
    known = units.budgets(runs.column("flops"))
    nominal = units.nominal_budgets(known, runs.six_nd)

    parabolas = members(runs)
    left_out = [mask for _, mask in _blocks(runs)]
    figure = np.sort(budgets_drawn(runs))

    np.testing.assert_array_equal(parabolas, known)
    assert [mask.tolist() for mask in left_out] == [
        (known == budget).tolist() for budget in range(known.max() + 1)
    ]
    np.testing.assert_array_equal(figure[:-1], nominal)


def test_runs_without_budgets_have_none_for_any_verb_or_figure():
    runs = spread_out()
    assert units.budgets_or_none(runs.column("flops")) is None

    with pytest.raises(bs.InputError, match="isoflop: runs: 30 runs lie between"):
        bs.isoflop(runs)
    assert [mask.sum() for _, mask in _blocks(runs)] == [6] * 5
    assert len(budgets_drawn(runs)) == 6


def test_a_budget_begins_where_neighbours_are_more_than_ten_per_cent_apart():
    near = np.array([1e18, 1.09e18, 1e19, 1.09e19])
    apart = np.array([1e18, 1.0e18, 1.11e18, 1.11e18])
    assert units.budgets(near).tolist() == [0, 0, 1, 1]
    assert units.budgets(apart).tolist() == [0, 0, 1, 1]


def test_a_budget_does_not_span_more_than_a_half():
    chain = np.append(1e18 * 1.09 ** np.arange(6), [1e21, 1e21])
    with pytest.raises(bs.InputError, match=r"6 runs lie between 1e\+18 and 1\.54e\+18 FLOPs"):
        units.budgets(chain)


@pytest.mark.parametrize(
    ("compute", "why"),
    [
        ([1e18, 1e18], "have one amount of compute; there must be two budgets"),
        ([1e18, 1e18, 1e19, 1e20, 1e21], "budgets have 2 runs or more each on average"),
    ],
)
def test_one_budget_or_runs_that_stand_alone_are_no_budgets(compute, why):
    with pytest.raises(bs.InputError, match=why):
        units.budgets(np.array(compute))


def test_groups_of_several_budgets_each_are_not_the_budgets():
    compute = np.repeat([1e18, 1e19, 1e20, 1e21], 2)
    assert units.same_partition(units.budgets(compute), np.repeat(list("dcba"), 2))
    assert not units.same_partition(units.budgets(compute), np.repeat(list("ab"), 4))
    assert not units.same_partition(units.budgets(compute), np.array(list("abcdefgh")))


def test_a_budget_is_the_geometric_mean_of_the_compute_of_its_runs():
    compute = np.array([1e18, 5e19, 1.21e18])
    assert units.nominal_budgets(np.array([0, 1, 0]), compute) == pytest.approx([1.1e18, 5e19])


def test_a_summary_of_finite_draws_has_mean_sd_and_quantiles():
    draws = np.arange(101.0)
    assert units.summarise(draws) == {
        "mean": 50.0,
        "sd": pytest.approx(np.std(draws, ddof=1)),
        "q05": 5.0,
        "q50": 50.0,
        "q95": 95.0,
    }


def test_quantiles_of_draws_of_which_some_are_infinite_are_draws():
    found = units.summarise(np.array([1.0, 2.0, 3.0, np.inf]))
    assert found["mean"] == np.inf and np.isnan(found["sd"])
    assert [found[name] for name in units.QUANTILES] == [1.0, 2.0, np.inf]


@pytest.mark.parametrize(
    ("value", "text"),
    [(6e18, r"$6\times10^{18}$"), (1.46e23, r"$1.5\times10^{23}$"), (1e21, "$10^{21}$")],
)
def test_budgets_of_figures_are_written_as_powers_of_ten(value: float, text: str) -> None:
    assert units.as_power_of_ten(value) == text


@pytest.mark.parametrize(("value", "text"), [(1868.2, "1,870"), (0.08404, "0.084"), (1.81, "1.81")])
def test_numbers_of_figures_have_three_digits(value: float, text: str) -> None:
    assert units.rounded(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.34781, "0.3478"), (482, "482.0"), (2085, "2,085"), (123_456, "123,456"), (0, "0")],
)
def test_numbers_of_pages_have_four_digits(value: float, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.204e7, "1.204e+07"), (0.00002, "2.000e-05"), (-3e9, "-3.000e+09")]
)
def test_numbers_of_many_zeros_are_powers_of_ten(value: float, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.99996, "10.00"), (0.0000999996, "0.0001000"), (999_999.9, "1.000e+06")],
)
def test_a_number_that_rounds_to_a_power_of_ten_has_no_digit_more(value: float, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(70.1e9, "70.1B"), (1.4e12, "1.40T"), (1234.0, "1.23K"), (999.4, "999")],
)
def test_counts_of_pages_have_three_digits_and_a_suffix(value: float, text: str) -> None:
    assert units.count(value) == text


@pytest.mark.parametrize(
    ("value", "short", "words"),
    [
        (999.96e3, "1.00M", "1 million"),
        (999.96e6, "1.00B", "1 billion"),
        (999.96e9, "1.00T", "1 trillion"),
    ],
)
def test_a_count_is_rounded_before_its_suffix_is_chosen(
    value: float, short: str, words: str
) -> None:
    assert units.count(value) == short
    assert units.count_in_words(value) == words


FORMATTERS = [units.number, units.count, units.count_in_words, units.rounded]


@pytest.mark.parametrize("text_of", FORMATTERS)
@pytest.mark.parametrize(("value", "text"), [(np.inf, "∞"), (-np.inf, "-∞"), (np.nan, "-")])
def test_infinity_has_its_sign_and_no_number_is_a_dash(text_of, value, text):
    assert text_of(value) == text


def test_no_line_breaks_within_a_percentage():
    assert units.percentage(0.904) == "90\N{NO-BREAK SPACE}%"
