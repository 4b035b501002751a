"""No run sees a byte twice, and nothing that validation asks for was seen."""

from dataclasses import replace

import numpy as np
import pytest
from corpus import OVERLAP, corpus
from train import batches


def test_no_fifty_bytes_of_validation_are_in_training(small):
    text = small.training.tobytes()
    for window in small.validation:
        shown = window.tobytes()
        assert not any(shown[i : i + OVERLAP] in text for i in range(len(shown) - OVERLAP + 1))


def test_windows_of_validation_that_training_holds_are_dropped(documents, small):
    held_out = small.validation[0].tobytes()
    again = corpus([*documents, b"copied: " + held_out + b" end"], "made up", validation_windows=8)
    assert held_out in again.training.tobytes() or held_out in b"".join(
        window.tobytes() for window in again.training
    )
    assert held_out not in {window.tobytes() for window in again.validation}


def test_documents_count_once_and_in_any_order(documents, small):
    again = corpus([*documents[::-1], *documents[:50]], "made up", validation_windows=64)
    assert again.sha256 == small.sha256


def test_too_little_validation_is_refused(documents):
    with pytest.raises(
        ValueError, match="windows of validation share no text with training; 100000 are needed"
    ):
        corpus(documents, "made up", validation_windows=100_000)


def test_a_run_reads_no_window_twice(small, task):
    read = batches(small, task)
    assert read.shape == (task.steps, 4)
    assert len(np.unique(read)) == read.size


def test_seeds_read_in_orders_of_their_own_and_sizes_in_the_same(small, task):
    assert (batches(small, task) != batches(small, replace(task, seed=1))).any()
    longer = replace(task, steps=task.steps + 50)
    np.testing.assert_array_equal(batches(small, task), batches(small, longer)[: task.steps])


def test_a_run_longer_than_the_corpus_is_refused(small, task):
    with pytest.raises(ValueError, match="bytes; the corpus has"):
        batches(small, replace(task, steps=len(small.training)))
