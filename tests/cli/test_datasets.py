"""`bayescale datasets`: the catalogue, one data set, one table, and its files."""

from pathlib import Path


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
