"""Cells: which text is which number, and which is none."""

import math

import pytest

from bayescale.tables.cells import Mark, is_missing, mark_of, number_of, size_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.3B", 1.3e9),
        ("125M", 125e6),
        ("0.6b", 0.6e9),
        ("300k", 300e3),
        ("2e9", 2e9),
        ("2.22E+09", 2.22e9),
        ("10e15", 1e16),
        ("1,234,567", 1_234_567),
        ("12,34,567", 1_234_567),
        ("1 234 567", 1_234_567),
        ("1 234", 1234),
        ("1'234'567", 1_234_567),
        ("1_000_000", 1_000_000),
        ("1.2×10^18", 1.2e18),
        ("10^18", 1e18),
        ("3 x 10^9", 3e9),
        ("7 billion", 7e9),
        ("300B tokens", 300e9),
        ("2.6E+18 FLOPs", 2.6e18),
        ("1.5 EFLOPs", 1.5e18),
        ("35 %", 0.35),
        ("+27.6%", 0.276),
        ("−3.1", -3.1),
        ("~1.5B", 1.5e9),
        (".5", 0.5),
        ("inf", math.inf),
    ],
)
def test_a_text_is_the_number_that_people_mean(text, value):
    assert number_of(text).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8,155999851226806", 8.155999851226806),
        ("1.234.567,8", 1234567.8),
        ("1.234", 1234),
        ("1,3B", 1.3e9),
        ("2,22E+09", 2.22e9),
        ("40,7%", 0.407),
    ],
)
def test_with_a_decimal_comma_points_group_thousands(text, value):
    assert number_of(text, Mark.COMMA).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["abc", "7B5", "1,2,3", "1.2.3", "1 2", "e5", "+", "=A1", "12 34"])
def test_what_is_no_number_is_none(text):
    assert number_of(text) is None


@pytest.mark.parametrize(
    "cell", [None, "", "  ", "N/A", "n/a", "-", "\\-", "—", "NaN", "null", "diverged", math.nan]
)
def test_empty_cells_and_words_for_nothing_are_missing(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["0", 0.0, "1.3B", "abc", False, "inf"])
def test_other_cells_are_not_missing(cell):
    assert not is_missing(cell)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("8,15", {Mark.COMMA}),
        ("0,125", {Mark.COMMA}),
        ("1.234.567", {Mark.COMMA}),
        ("1,234E+18", {Mark.COMMA}),
        ("8.15", {Mark.POINT}),
        ("1,234,567", {Mark.POINT}),
        ("1,234.5", {Mark.POINT}),
        ("1,234", set()),
        ("1.234", set()),
        ("1234", set()),
        ("a, b", set()),
    ],
)
def test_a_text_shows_the_decimal_mark_or_leaves_it_open(text, marks):
    assert mark_of([text]) == marks


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen3-0.6B-base", 0.6e9),
        ("pythia-160m", 160e6),
        ("1.3B", 1.3e9),
        ("run-P4.6M-T3.012B", None),
        ("llama-7B-13B", None),
        ("gpt2", None),
    ],
)
def test_the_one_size_in_a_name_is_found(name, size):
    assert size_in(name) == size
