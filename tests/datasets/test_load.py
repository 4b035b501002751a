"""`load` selects runs, refuses bad arguments and describes its choices."""

import subprocess
import sys
import warnings

import pytest

from bayescale import datasets
from bayescale.errors import InputError, RunsWarning

LOADABLE = [name for name in datasets.names() if not datasets.describe(name).refusal]
DOWNLOADED = [name for name in LOADABLE if not datasets.describe(name).embedded]


def test_dey2023_pile_leaves_the_suspect_run_out():
    runs = datasets.load("dey2023_pile")
    assert len(runs) == 29
    assert "Pythia-deduped-1.4B" not in runs.frame.index


def test_dey2023_pile_keeps_the_suspect_run_when_asked():
    runs = datasets.load("dey2023_pile", keep_suspect=True)
    assert len(runs) == 30
    assert "1 suspect run (suspect is 1) kept." in runs.notes


def test_dey2023_pile_says_that_embeddings_are_counted_and_what_that_moves():
    notes = " ".join(datasets.load("dey2023_pile").notes)
    assert "N counts total parameters (embeddings included)" in notes
    assert "from about 0.32 to 0.38 under the Chinchilla law with Student-t noise" in notes
    assert "--column n_params=n_params_non_embedding" in notes


def test_dey2023_pile_without_embeddings_says_so():
    runs = datasets.load("dey2023_pile", n_params="n_params_non_embedding")
    assert runs.frame["n_params"].min() == 18915328
    notes = " ".join(runs.notes)
    assert "N counts non-embedding parameters" in notes
    assert "N counts total parameters" not in notes


def test_an_embedded_set_needs_neither_network_nor_cache(nowhere):
    assert len(datasets.load("dey2023_pile")) == 29
    assert not nowhere.exists()


def test_the_source_names_the_paper():
    assert datasets.load("dey2023_pile").source == "Dey et al. 2023, arXiv:2304.03208"


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="n_params_with_bells"):
        datasets.load("dey2023_pile", n_params="n_params_with_bells")


@pytest.mark.parametrize("name", DOWNLOADED)
def test_the_default_selection_has_the_runs_that_the_descriptor_counts(name, originals):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsWarning)
        assert len(datasets.load(name)) == datasets.describe(name).loaded


@pytest.mark.parametrize("name", DOWNLOADED)
def test_what_n_counts_stands_in_the_notes(name, originals):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsWarning)
        assert datasets.describe(name).n_params["n_params"] in datasets.load(name).notes


def test_chinchilla_keeps_its_five_outliers_when_asked(originals):
    assert len(datasets.load("besiroglu2024_chinchilla", keep_suspect=True)) == 245


def test_a_selection_stands_in_the_notes(originals):
    assert (
        "199 of 1169 rows: those where group is cooldown_end."
        in datasets.load("gemstones2025").notes
    )


def test_routed_models_warn_that_d_does_not_vary(originals):
    with pytest.warns(RunsWarning, match="same n_tokens"):
        datasets.load("clark2022_routed")


def test_negative_losses_are_refused_with_another_way_to_the_table(nowhere):
    with pytest.raises(
        InputError, match=r'negative.*law vocabulary.*datasets\.frame\("tao2024_vocab"\)'
    ):
        datasets.load("tao2024_vocab")


def test_a_table_of_negative_losses_can_still_be_read(originals):
    assert (datasets.frame("tao2024_vocab")["loss"] < 0).all()


def test_loading_embedded_runs_imports_no_heavy_module():
    code = (
        "import sys; from bayescale import datasets; datasets.load('dey2023_pile'); "
        "print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert "bayescale.datasets" in loaded
    assert loaded.isdisjoint({"jax", "pooch", "requests", "matplotlib", "arviz"})
