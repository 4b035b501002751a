"""Every process that discovery finds, and places for runs to stand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale.processes.base import Locations, locate


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    from bayescale._internal.discovery import describe, names, parse

    if "any_process" in metafunc.fixturenames:
        texts = [*names("bayescale.processes"), "matern:length=1.2"]
        made = [parse("bayescale.processes", text) for text in texts]
        metafunc.parametrize("any_process", made, ids=describe)


@pytest.fixture
def scattered() -> Callable[[int, int], Locations]:
    """Some runs at random, in a few groups: their number and a seed."""

    def make(count: int, seed: int) -> Locations:
        rng = np.random.default_rng(seed)
        decades = rng.uniform(-1.5, 1.5, size=(count, 2))
        return Locations(
            decades,
            decades.sum(axis=1),
            group=rng.choice(list("abcde"), size=count),
            log_size=rng.choice([7.0, 8.0, 9.0], size=count),
            shape_decades=(decades[:, 0] - decades[:, 1]) / 2,
            dearest=1.5,
        )

    return make


@pytest.fixture(scope="session")
def sweep() -> bs.Runs:
    """45 runs over five decades of compute, in five groups."""
    return bs.datasets.simulate(seed=3)


@pytest.fixture(scope="session")
def fitted(sweep: bs.Runs) -> Any:
    """The locations of the fitted runs."""
    return locate(sweep, ("n_params", "n_tokens"))
