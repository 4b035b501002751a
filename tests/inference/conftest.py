"""One small simulated sweep, and small options for every method that discovery finds."""

import dataclasses
from typing import Any

import pytest

import bayescale as bs
from bayescale.discovery import entry, names

TRUTH = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
SMALL = {"starts": 300, "replicates": 200, "draws": 500}


def small_methods() -> list[Any]:
    """Every method with options small enough for a test."""
    classes = [entry("bayescale.inference", name) for name in names("bayescale.inference")]
    return [cls(**{f.name: SMALL[f.name] for f in dataclasses.fields(cls) if f.name in SMALL}) for cls in classes]


@pytest.fixture(scope="session")
def sweep() -> bs.Runs:
    """45 runs of Hoffmann et al.'s law with one per cent of Normal scatter."""
    return bs.datasets.simulate(seed=3, noise=0.01)
