"""Tables of published figures: their facts, their form, and the answer to a name that is wrong."""

import numpy as np
import pytest

from bayescale import datasets
from bayescale.errors import InputError

EVERY = datasets.table_names()
SEVERAL = ["published_allocation_exponents", "published_llm_sizes", "published_parametric_fits"]


def test_the_tables_are_those_that_are_expected():
    expected = [
        "cerebras_hf_card",
        "chinchilla_table_a9_models",
        "deepseek_r1_aime",
        "kaplan2020_laws",
        "openai_o1_aime",
        *SEVERAL,
    ]
    assert expected == EVERY


def test_no_table_is_a_data_set():
    assert not set(EVERY) & set(datasets.names())


@pytest.mark.parametrize("name", EVERY)
def test_a_table_leaves_no_fact_out(name):
    about = datasets.describe_table(name)
    for fact in ("title", "authors", "year", "source", "licence", "notes"):
        assert getattr(about, fact), fact
    assert about.address.startswith("https://")


@pytest.mark.parametrize("name", EVERY)
def test_every_column_is_described_and_no_other(name):
    assert list(datasets.published_table(name)) == list(datasets.describe_table(name).columns)


@pytest.mark.parametrize("name", EVERY)
def test_a_table_says_where_its_figures_stand(name):
    about, attrs = datasets.describe_table(name), datasets.published_table(name).attrs
    assert attrs == {
        "title": about.title,
        "source": about.source,
        "licence": about.licence,
        "verified": about.verified,
    }


@pytest.mark.parametrize("name", SEVERAL)
def test_where_rows_have_sources_of_their_own_each_has_one(name):
    assert datasets.describe_table(name).source == "see the column source"
    assert datasets.published_table(name)["source"].notna().all()


@pytest.mark.parametrize("name", EVERY)
def test_no_row_stands_twice(name):
    assert not datasets.published_table(name).duplicated().any()


@pytest.mark.parametrize("name", EVERY)
def test_what_is_derived_or_digitised_is_not_among_published_figures(name):
    text = datasets.published_table(name).to_csv()
    assert not [word for word in ("nanochat", "oellm", "evo_") if word in text]


def test_the_list_of_tables_needs_neither_network_nor_cache(nowhere):
    tables = datasets.published_tables()
    assert list(tables["name"]) == EVERY
    assert list(tables.columns) == ["name", "title", "source", "rows", "verified", "licence"]
    assert (tables["rows"] > 0).all()
    assert not tables.set_index("name").loc["cerebras_hf_card", "verified"]
    assert not nowhere.exists()


def test_an_unknown_table_brings_the_closest_ones():
    with pytest.raises(
        InputError,
        match=r"no published table 'kaplan'.*mean kaplan2020_laws.*`bayescale datasets list`",
    ):
        datasets.published_table("kaplan")


def test_a_data_set_is_no_table_and_the_error_says_how_to_read_it():
    with pytest.raises(
        InputError, match=r'dey2023_pile is a data set.*datasets\.frame\("dey2023_pile"\)'
    ):
        datasets.published_table("dey2023_pile")


@pytest.mark.parametrize("verb", [datasets.load, datasets.frame, datasets.describe, datasets.fetch])
def test_a_table_is_no_data_set_and_the_error_says_how_to_read_it(verb):
    with pytest.raises(
        InputError, match=r'holds no runs: use datasets\.published_table\("kaplan2020_laws"\)'
    ):
        verb("kaplan2020_laws")


def test_counts_are_counts_and_not_millions():
    for name in EVERY:
        table = datasets.published_table(name)
        for column in {"n_params", "n_tokens"} & set(table):
            assert table[column].min() >= 4e7, name


def test_embeddings_of_chinchillas_models_are_those_of_one_vocabulary():
    models = datasets.published_table("chinchilla_table_a9_models")
    assert (models["n_params_embedding"] == 32_168 * models["d_model"]).all()


def test_printed_sizes_of_chinchillas_models_are_near_those_of_their_shapes():
    models = datasets.published_table("chinchilla_table_a9_models")
    # Attention 4·d·kv·heads, of which one part more for relative positions, and the feed-forward
    # layer 2·d·ffw.
    attention = 5 * models["d_model"] * models["kv_size"] * models["n_heads"]
    shape = (
        models["n_layers"] * (attention + 2 * models["d_model"] * models["ffw_size"])
        + models["n_params_embedding"]
    )
    assert np.abs(np.log(models["n_params"] / shape)).max() < 0.2


def test_percentages_of_o1_are_those_of_the_problems_solved():
    answers = datasets.published_table("openai_o1_aime")
    np.testing.assert_allclose(
        answers["accuracy_percent"], answers["problems_solved_of_15"] / 15 * 100, atol=0.5
    )


def test_the_commonest_of_64_answers_is_never_worse_than_one():
    models = datasets.published_table("deepseek_r1_aime")
    assert (models["aime_cons64"] > models["aime_pass1"]).all()
    # Thirty problems: a share of problems is a whole number of thirtieths, but for rounding.
    problems = models["aime_cons64"] * 0.3
    assert (np.abs(problems - problems.round()) < 0.03).mean() > 0.9


def test_later_model_cards_of_cerebras_gpt_differ_little_from_the_paper():
    paper = datasets.frame("dey2023_pile").set_index("run_id")["loss"]
    card = datasets.published_table("cerebras_hf_card").set_index("model")["loss"]
    difference = (card - paper.loc[card.index]).abs()
    assert difference.max() == pytest.approx(0.05, abs=1e-9)
    assert (difference <= 0.003 + 1e-9).sum() == 5
