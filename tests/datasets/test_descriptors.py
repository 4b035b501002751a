"""The facts of the catalogue: complete, well formed, and true of what is installed."""

import hashlib
import re
from importlib import import_module
from importlib.resources import files

import pytest

from bayescale import datasets
from bayescale.errors import InputError

EVERY = datasets.names()
EXPECTED = [
    "alabdulmohsin2022_curves",
    "bayescale2026_sweep",
    "besiroglu2024_chinchilla",
    "bhagia2024_olmo_ladder",
    "clark2022_routed",
    "dey2023_pile",
    "gadre2024",
    "gemstones2025",
    "lin2024_rectified_sft",
    "llama3_isoflop",
    "luo2025_multipowerlaw_curves",
    "misfitting2025",
    "muennighoff2023_datablations",
    "ruan2024_obsscaling",
    "schaeffer2025_monkeys",
    "steplaw2025",
    "tao2024_vocab",
    "zhang2024_o1mini_aime",
]
EMBEDDED = ["bayescale2026_sweep", "dey2023_pile"]


def test_the_catalogue_has_the_sets_that_are_expected():
    assert EVERY == EXPECTED


@pytest.mark.parametrize("name", EVERY)
def test_a_descriptor_leaves_no_fact_out(name):
    descriptor = datasets.describe(name)
    for fact in (
        "title",
        "authors",
        "paper",
        "licence",
        "loss_units",
        "n_tokens_counts",
        "reader",
        "notes",
        "known_outliers",
    ):
        assert getattr(descriptor, fact), fact
    assert 2020 <= descriptor.year <= 2026
    assert descriptor.rows > 0
    assert "n_params" in descriptor.n_params


@pytest.mark.parametrize("name", EVERY)
def test_a_descriptor_names_a_reader_that_is_there(name):
    assert callable(import_module(f"bayescale.datasets.{datasets.describe(name).reader}").read)


@pytest.mark.parametrize("name", EVERY)
def test_every_original_has_a_well_formed_hash(name):
    originals = datasets.describe(name).originals
    assert originals
    for original in originals:
        assert re.fullmatch("[0-9a-f]{64}", original.sha256), original.name


@pytest.mark.parametrize("name", EVERY)
def test_every_original_has_an_address_pinned_to_a_commit_or_is_embedded(name):
    descriptor = datasets.describe(name)
    for original in descriptor.originals:
        pinned = re.fullmatch(
            r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/[\w./%-]+",
            original.address,
        )
        assert pinned or (descriptor.embedded and original.address == ""), original.address


@pytest.mark.parametrize("name", EVERY)
def test_no_original_lacks_a_public_address(name):
    parts = [
        part
        for original in datasets.describe(name).originals
        for part in f"{original.name}/{original.address}".split("/")
    ]
    assert not [part for part in parts if part.startswith("extracted_")]


@pytest.mark.parametrize("name", EVERY)
def test_every_published_fit_says_what_its_form_is(name):
    assert all("form" in fit for fit in datasets.describe(name).published_fits.values())


def test_characters_that_mean_something_in_an_address_are_encoded():
    addresses = [original.address for original in datasets.describe("gadre2024").originals]
    assert any(
        address.endswith("exp_data/models/rpj-d%3D96_l%3D8_h%3D4-1.0.json") for address in addresses
    )
    assert any(
        "hot_100b%2B.jsonl" in original.address
        for original in datasets.describe("gemstones2025").originals
    )


def test_gadre2024_lists_209_files():
    assert len({original.name for original in datasets.describe("gadre2024").originals}) == 209


def test_a_set_of_two_repositories_names_each_file_by_its_own():
    originals = datasets.describe("bhagia2024_olmo_ladder").originals
    addresses = {original.name: original.address for original in originals}
    assert len(addresses) == 57
    assert "/allenai/OLMo-ladder/" in addresses["cosine/190M-1xC.csv"]
    assert "/allenai/OLMo/" in addresses["wsd/190M-1xC.csv"]


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_table_is_the_one_whose_hash_is_listed(name):
    (original,) = datasets.describe(name).originals
    assert (
        hashlib.sha256(files("bayescale.datasets").joinpath(original.name).read_bytes()).hexdigest()
        == original.sha256
    )


def test_only_our_own_sweep_and_printed_figures_are_embedded():
    assert [name for name in EVERY if datasets.describe(name).embedded] == EMBEDDED


def test_the_table_lists_every_set_offline(nowhere):
    table = datasets.table()
    assert list(table["name"]) == EVERY
    assert list(table.columns) == [
        "name",
        "title",
        "runs",
        "loaded",
        "embedded",
        "licence",
        "paper",
    ]
    assert list(table.loc[table["embedded"], "name"]) == EMBEDDED
    assert not nowhere.exists()


def test_an_unknown_name_brings_the_closest_ones():
    with pytest.raises(
        InputError,
        match=r"'chinchilla'.*Did you mean besiroglu2024_chinchilla.*`bayescale datasets list`",
    ):
        datasets.describe("chinchilla")


def test_a_name_like_no_other_brings_no_guess():
    with pytest.raises(InputError, match="bayescale datasets list") as refusal:
        datasets.load("qqqq")
    assert "Did you mean" not in str(refusal.value)
