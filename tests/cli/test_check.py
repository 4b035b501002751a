"""The command ``check``: what is understood of a file, on a page and as JSON."""

import json

import pytest


@pytest.fixture
def card(folder):
    """Write ``card.csv``, a table as a model card has it."""
    path = folder / "card.csv"
    path.write_text(
        "Model;Count;Training FLOPs;test loss;note\n"
        "Ours;111M;2,6E+18;2,608;x\n;1.3B;2,8E+20;1,997;y\n"
        "Theirs;160M;4,1E+20;2,186;z\n;6.9B;1,4E+22;-;z\n",
        encoding="utf-16",
    )
    return path


def test_the_page_says_where_each_column_comes_from(bayescale, card):
    page = bayescale("check", card).stdout
    words = " ".join(page.split())
    assert "card: 3 runs (" in words and "separated by semicolons" in words
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in page.splitlines()}
    assert lines["n_params"] == "n_params Count parameters 111M 1.30B"
    assert lines["loss"] == "loss test loss nats per token 1.997 2.608"
    assert "'Training FLOPs' / (6 × 'Count')" in lines["n_tokens"]


def test_the_page_says_what_was_done_and_left_out(bayescale, card):
    page = " ".join(bayescale("check", card).stdout.split())
    assert "groups 2: Ours (2), Theirs (1)" in page
    assert "Row 4 is left out: loss is missing." in page
    assert "Commas in 'test loss' are read as decimal marks." in page
    assert "others Count, note" in page


def test_json_has_the_same(bayescale, card):
    found = json.loads(bayescale("check", card, "--json").stdout)
    assert found["runs"] == 3
    assert found["left_out"] == [{"rows": [4], "reason": "loss is missing"}]
    assert found["groups"] == {"Ours": 2, "Theirs": 1}
    assert found["columns"][0] == {
        "name": "n_params",
        "from": "Count",
        "unit": "parameters",
        "least": 111e6,
        "greatest": 1.3e9,
    }


def test_budgets_are_counted(bayescale, simulated):
    assert "budgets" in bayescale("check", simulated).stdout
    assert len(json.loads(bayescale("check", simulated, "--json").stdout)["budgets"]) > 1


def test_a_column_and_a_unit_can_be_said(bayescale, folder):
    (folder / "sweep.csv").write_text("a,b,c,d\n1e8,2e9,4,3\n1e9,3e10,3,2\n")
    words = ("--column", "n_params=a", "--column", "n_tokens=b", "--column", "loss=c")
    page = bayescale("check", "sweep.csv", *words, "--loss-unit", "bits").stdout
    assert "bits, times ln 2" in " ".join(page.split())


def test_a_data_set_of_the_catalogue_is_understood_too(bayescale):
    page = bayescale("check", "dey2023_pile").stdout
    assert "dey2023_pile: 29 runs" in page and "Cerebras-GPT (7)" in page


def test_a_unit_for_a_data_set_of_the_catalogue_is_refused(refused):
    assert "--loss-unit is for files" in refused("check", "dey2023_pile", "--loss-unit", "bits")


def test_a_file_that_cannot_be_understood_is_one_line(refused, folder):
    (folder / "sweep.csv").write_text("epoch,train_top1\n1,0.03\n2,0.15\n")
    assert "no column loss" in refused("check", "sweep.csv")


def test_the_page_fits(bayescale, card, check_figures_at_80_columns):
    check_figures_at_80_columns(lambda: bayescale("check", card).stdout)
