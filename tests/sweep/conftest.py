"""A corpus of small documents, and a model small enough to train in a moment."""

import numpy as np
import pytest
from corpus import Corpus, corpus
from model import Shape
from train import Task

WORDS = np.array([f"word{i} " for i in range(97)])


def document(seed: int, words: int = 400) -> bytes:
    return "".join(np.random.default_rng(seed).choice(WORDS, size=words)).encode()


@pytest.fixture(scope="session")
def documents() -> list[bytes]:
    return [document(seed) for seed in range(120)]


@pytest.fixture(scope="session")
def small(documents: list[bytes]) -> Corpus:
    return corpus(documents, "made up", validation_windows=64)


@pytest.fixture
def task() -> Task:
    return Task(Shape(8, depth=1), 250, 0.02, 0, "base", 1e9)
