"""A sweep and posteriors of it that are made without fitting: a point, and draws about it."""

import functools
import importlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from bayescale.posterior.posterior import Posterior
from tests.known_posteriors import known_posterior


def scattered(point: Posterior) -> Posterior:
    """The point with two chains of 60 draws, each parameter within one per cent of it."""
    generator = np.random.default_rng(0)
    draws = {
        name: value * np.exp(0.003 * generator.standard_normal((2, 60)))
        for name, value in point.params.items()
    }
    return replace(point, params=draws)


@pytest.fixture(scope="session", autouse=True)
def one_profile_a_posterior() -> Iterator[None]:
    """Keep the profile of each posterior, which takes seconds and which several tests draw."""
    with pytest.MonkeyPatch.context() as patch:
        # The package's attribute of this name is the function.
        module = importlib.import_module("bayescale.plots.profile")
        patch.setattr(module, "profiled", functools.cache(module.profiled))
        yield


@pytest.fixture(scope="session")
def sweep() -> bs.Runs:
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="session")
def point(sweep: bs.Runs) -> Posterior:
    return known_posterior(sweep, shape=(1, 1))


@pytest.fixture(scope="session")
def posterior(point: Posterior) -> Posterior:
    return scattered(point)


@pytest.fixture(scope="session")
def objective(sweep: bs.Runs) -> Posterior:
    """Draws under a noise model that is an objective, as a bootstrap gives."""
    return scattered(known_posterior(sweep, noise=bs.noise.Huber(1e-3), shape=(1, 1)))


@pytest.fixture(scope="session")
def power_law(sweep: bs.Runs) -> Posterior:
    """A law that knows no trade-off, with draws."""
    return scattered(known_posterior(sweep, bs.laws.PowerLaw(), shape=(1, 1)))
