"""Published and recomputed numbers are tested on the public originals, where BAYESCALE_DATA says
that they lie.
"""

import os

import pytest

import bayescale as bs


@pytest.fixture(scope="session")
def originals() -> None:
    if "BAYESCALE_DATA" not in os.environ:
        pytest.skip(
            "BAYESCALE_DATA is not set: the public originals are needed to check published numbers"
        )


@pytest.fixture(scope="session")
def runs_240(originals: None) -> bs.Runs:
    return bs.datasets.load("besiroglu2024_chinchilla")


@pytest.fixture(scope="session")
def runs_245(originals: None) -> bs.Runs:
    return bs.datasets.load("besiroglu2024_chinchilla", keep_suspect=True)
